#include "transport/enrolment.h"

#include <string.h>

#include "base/error.h"
#include "harness/certs.h"

static const char *const names[] = { "host.test", "192.0.2.1", NULL };
static const char *const addresses[] = { "192.0.2.1:9001", "[2001:db8::1]:9001", NULL };

static GVariant *
sample (void)
{
  return g_variant_new_parsed (
      "{'user': <'alice'>, 'device': <'laptop'>, 'certificate': <'CERT'>, 'ca': <'CA'>, "
      "'names': <['host.test', '192.0.2.1']>, 'addresses': <['192.0.2.1:9001']>, "
      "'expires': <int64 1700000000>, 'unknown': <true>}");
}

static char *
sample_text (void)
{
  g_autoptr (GError) error = NULL;
  char *text = transport_enrolment_armour (sample (), &error);

  g_assert_no_error (error);
  return text;
}

static void
check_sample (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) parsed = transport_enrolment_parse (text, length, &error);
  g_autoptr (GVariant) expected = g_variant_ref_sink (sample ());

  g_assert_no_error (error);
  g_assert_true (g_variant_equal (parsed, expected));
}

static void
check_refused (const char *text, gsize length, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (transport_enrolment_parse (text, length, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_ENROLMENT);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static void
test_round_trip (void)
{
  g_autofree char *text = sample_text ();

  g_assert_true (g_str_has_prefix (text, "-----BEGIN MUX-QUIC ENROLMENT-----\n"));
  check_sample (text, strlen (text));
}

static void
test_noise (void)
{
  g_autofree char *text = sample_text ();
  g_autofree char *noisy
      = g_strconcat ("Last login: today\n-----BEGIN CERTIFICATE-----\nno\n\033[1mbash: no job control\n",
                     text, "logout\n-----END CERTIFICATE-----\n", NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 0);
  g_autofree char *returns = g_strjoinv ("\r\n", lines);
  g_autofree char *binary = g_malloc0 (4 + strlen (text));

  check_sample (noisy, strlen (noisy));
  check_sample (returns, strlen (returns));
  memcpy (binary + 4, text, strlen (text)); /* zero bytes before it */
  check_sample (binary, 4 + strlen (text));
}

/* Every prefix is refused, and nothing is read behind it. */
static void
test_truncated (void)
{
  g_autofree char *text = sample_text ();
  const char *end = strstr (text, "-----END");
  gsize whole = (gsize) (end - text) + strlen ("-----END MUX-QUIC ENROLMENT-----");

  for (gsize length = 0; length < whole; length++)
    {
      g_autofree char *part = g_memdup2 (text, MAX (length, 1));
      g_autoptr (GError) error = NULL;

      g_assert_null (transport_enrolment_parse (part, length, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_ENROLMENT);
    }
  check_sample (text, whole);
}

static void
test_two_blocks (void)
{
  g_autofree char *text = sample_text ();
  g_autofree char *twice = g_strconcat (text, text, NULL);
  g_autofree char *nested = g_strconcat ("-----BEGIN MUX-QUIC ENROLMENT-----\n", text, NULL);

  check_refused (twice, strlen (twice), "more than one");
  check_refused (nested, strlen (nested), "more than one");
}

static void
test_huge (void)
{
  g_autofree char *text = sample_text ();
  g_autofree char *fill = g_strnfill (TRANSPORT_ENROLMENT_MAX, ' ');
  g_autofree char *much = g_strconcat (fill, text, NULL);
  g_autofree char *long_value = g_strnfill (200 * 1024, 'x');
  g_autofree char *block = g_strconcat ("-----BEGIN MUX-QUIC ENROLMENT-----\n", fill, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (g_variant_ref_sink (sample ()));

  check_refused (much, strlen (much), "1 MiB");
  memcpy (block + TRANSPORT_ENROLMENT_MAX - 100, "-----END MUX-QUIC ENROLMENT-----", 32);
  check_refused (block, TRANSPORT_ENROLMENT_MAX, "too long");
  g_variant_dict_insert (&dict, "certificate", "s", long_value);
  g_assert_null (transport_enrolment_armour (g_variant_dict_end (&dict), &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_ENROLMENT);
}

static void
check_bytes_refused (const guint8 *bytes, gsize length, const char *word)
{
  gnutls_datum_t plain = { (guint8 *) bytes, (unsigned int) length }, armoured = { NULL, 0 };

  g_assert_cmpint (gnutls_pem_base64_encode2 (TRANSPORT_ENROLMENT_LABEL, &plain, &armoured), >=, 0);
  check_refused ((const char *) armoured.data, armoured.size, word);
  gnutls_free (armoured.data);
}

static void
test_not_normal (void)
{
  g_autoptr (GVariant) good = g_variant_ref_sink (sample ());
  gsize length = g_variant_get_size (good);
  g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (good), length);
  static const guint8 rubbish[] = { 1, 2, 3, 4, 5 };

  bytes[length - 1] = 0xff; /* an offset behind the end */
  check_bytes_refused (bytes, length, "damaged");
  check_bytes_refused (rubbish, sizeof rubbish, "damaged");
}

static void
test_wrong_types (void)
{
  static const struct
  {
    const char *key, *value;
  } wrong[] = {
    { "user", "<uint32 1>" },  { "device", "<['a']>" },      { "certificate", "<b'bytes'>" },
    { "ca", "<true>" },        { "names", "<'host.test'>" }, { "addresses", "<[1, 2]>" },
    { "expires", "<'soon'>" }, { "key", "<1.5>" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GVariant) good = g_variant_ref_sink (sample ());
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (good);
      g_autoptr (GVariant) bad = NULL;
      g_autoptr (GVariant) value = g_variant_parse (G_VARIANT_TYPE_VARIANT, wrong[i].value, NULL, NULL, NULL);
      g_autoptr (GVariant) inner = g_variant_get_variant (value);

      g_variant_dict_insert_value (&dict, wrong[i].key, inner);
      bad = g_variant_ref_sink (g_variant_dict_end (&dict));
      check_bytes_refused (g_variant_get_data (bad), g_variant_get_size (bad), wrong[i].key);
    }
}

static void
test_missing (void)
{
  static const char *const required[] = { "user", "certificate", "ca", "names", "addresses", "expires" };

  for (gsize i = 0; i < G_N_ELEMENTS (required); i++)
    {
      g_autoptr (GVariant) good = g_variant_ref_sink (sample ());
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (good);
      g_autoptr (GVariant) bad = NULL;

      g_variant_dict_remove (&dict, required[i]);
      bad = g_variant_ref_sink (g_variant_dict_end (&dict));
      check_bytes_refused (g_variant_get_data (bad), g_variant_get_size (bad), required[i]);
    }
}

/* Whatever one byte becomes: parsed or refused, never worse. */
static void
test_mutants (void)
{
  g_autoptr (GVariant) good = g_variant_ref_sink (sample ());
  gsize length = g_variant_get_size (good);
  guint refused = 0;

  for (gsize i = 0; i < length; i++)
    for (guint bit = 0; bit < 8; bit++)
      {
        g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (good), length);
        gnutls_datum_t plain = { bytes, (unsigned int) length }, armoured = { NULL, 0 };
        g_autoptr (GVariant) parsed = NULL;

        bytes[i] ^= (guint8) (1 << bit);
        g_assert_cmpint (gnutls_pem_base64_encode2 (TRANSPORT_ENROLMENT_LABEL, &plain, &armoured), >=, 0);
        parsed = transport_enrolment_parse ((const char *) armoured.data, armoured.size, NULL);
        refused += parsed == NULL;
        gnutls_free (armoured.data);
      }
  g_test_message ("%u of %" G_GSIZE_FORMAT " mutants refused", refused, length * 8);
  g_assert_cmpuint (refused, >, 0);
}

static void
test_issue (void)
{
  g_autoptr (Certs) certs = certs_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) generated
      = transport_enrolment_issue (certs->authority, NULL, "alice", "laptop", 7, names, addresses, &error);
  g_autoptr (GVariant) refused = NULL;
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autofree char *both = NULL;
  const char *key, *certificate, *ca;
  gint64 expires;

  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (generated, "key", "&s", &key));
  g_assert_true (g_variant_lookup (generated, "certificate", "&s", &certificate));
  g_assert_true (g_variant_lookup (generated, "ca", "&s", &ca));
  g_assert_true (g_variant_lookup (generated, "expires", "x", &expires));
  both = g_strconcat (certificate, key, NULL);
  credentials = pki_credentials_from_pem (both, strlen (both), "test", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (pki_certificate_common_name (credentials->chain->pdata[0]), ==, "user:alice/laptop");
  g_assert_cmpint (pki_certificate_not_after (credentials->chain->pdata[0]), ==, expires);
  refused = transport_enrolment_issue (certs->authority, "no request", "alice", NULL, 7, names, addresses,
                                       &error);
  g_assert_null (refused);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/enrolment/round-trip", test_round_trip);
  g_test_add_func ("/transport/enrolment/noise", test_noise);
  g_test_add_func ("/transport/enrolment/truncated", test_truncated);
  g_test_add_func ("/transport/enrolment/two-blocks", test_two_blocks);
  g_test_add_func ("/transport/enrolment/huge", test_huge);
  g_test_add_func ("/transport/enrolment/not-normal", test_not_normal);
  g_test_add_func ("/transport/enrolment/wrong-types", test_wrong_types);
  g_test_add_func ("/transport/enrolment/missing", test_missing);
  g_test_add_func ("/transport/enrolment/mutants", test_mutants);
  g_test_add_func ("/transport/enrolment/issue", test_issue);
  return g_test_run ();
}

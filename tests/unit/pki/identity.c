/* Whose name a certificate holds: exactly one reading, or none. */
#include "pki/certificate.h"

#include <mux/plugin.h>
#include <string.h>

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"

static const struct
{
  const char *text, *user, *device;
} good[] = {
  { "alice", "alice", NULL },
  { "Alice", "Alice", NULL },
  { "user", "user", NULL },
  { "user:alice/laptop", "alice", "laptop" },
  { "user:alice/Laptop.home.example", "alice", "Laptop.home.example" },
  { "user:user/user", "user", "user" },
  { "bücher", "bücher", NULL },
  { SIXTY "1234", SIXTY "1234", NULL },
  { "user:" SIXTY "1234/" SIXTY "1234", SIXTY "1234", SIXTY "1234" },
  { "a@b.example", "a@b.example", NULL },
};

static const char *const bad[] = {
  NULL,
  "",
  "user:",
  "user:a",
  "user:a/",
  "user:/b",
  "user:/",
  "user:a/b/c",
  "user:a//b",
  "user:a:b/c",
  "user:a/b:c",
  "USER:a/b",
  "User:a/b",
  ":a",
  "a:",
  "a/b",
  "/a",
  "a/",
  "a b",
  " a",
  "a ",
  "a\n",
  "a\tb",
  "\033[31m",
  "a\177",
  "a\302\205",         /* U+0085, a control character */
  "a\342\200\256b",    /* U+202E turns the reading direction */
  "a\342\200\213b",    /* U+200B has no width */
  "a\302\240b",        /* U+00A0 is a space */
  "a\377",             /* not UTF-8 */
  "\300\201a",         /* overlong */
  SIXTY "12345",
  "user:" SIXTY "12345/b",
  "user:a/" SIXTY "12345",
  "user:a/b\n",
};

static void
test_good (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *user = NULL;
      g_autofree char *device = NULL;
      g_autofree char *again = NULL;
      g_autoptr (GError) error = NULL;

      pki_identity_parse (good[i].text, &user, &device, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (user, ==, good[i].user);
      g_assert_cmpstr (device, ==, good[i].device);
      again = pki_identity_format (user, device);
      g_assert_cmpstr (again, ==, good[i].text);
    }
}

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      char *user = (char *) "", *device = (char *) "";
      g_autoptr (GError) error = NULL;

      g_test_message ("case %zu", i);
      g_assert_false (pki_identity_parse (bad[i], &user, &device, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
      g_assert_null (user);
      g_assert_null (device);
      /* What is refused may be made to harm a terminal: it is not repeated. */
      g_assert_null (strpbrk (error->message, "\033\n\t"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pki/identity/good", test_good);
  g_test_add_func ("/pki/identity/bad", test_bad);
  return g_test_run ();
}

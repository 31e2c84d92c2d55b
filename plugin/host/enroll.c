#include "host/control-client.h"
#include "host/verb.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#define LABEL "MUX-QUIC ENROLMENT"
#define REQUEST_MAX ((gsize) 16384)

/* The request on standard input, to its end. */
static char *
read_request (GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 buffer[4096];
  gssize n;

  while ((n = read (STDIN_FILENO, buffer, sizeof buffer)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          int saved = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("cannot read the request: %s"),
                       g_strerror (saved));
          return NULL;
        }
      g_byte_array_append (all, buffer, (guint) n);
      if (all->len > REQUEST_MAX)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("more than 16 KiB of standard input: that is no certificate request"));
          return NULL;
        }
    }
  g_byte_array_append (all, (const guint8 *) "", 1);
  if (!g_utf8_validate ((const char *) all->data, (gssize) all->len - 1, NULL))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("standard input is no certificate request in PEM"));
      return NULL;
    }
  return (char *) g_byte_array_free (g_steal_pointer (&all), FALSE);
}

/* The a{sv} in its armour, as the dialling side reads it. */
static gboolean
print_block (GVariant *enrolment, GError **error)
{
  g_autoptr (GVariant) normal = g_variant_get_normal_form (enrolment);
  g_autoptr (GVariant) wire
      = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (normal) : g_variant_byteswap (normal);
  gnutls_datum_t data = { (unsigned char *) g_variant_get_data (wire), (unsigned int) g_variant_get_size (wire) };
  gnutls_datum_t out = { NULL, 0 };
  int code = gnutls_pem_base64_encode2 (LABEL, &data, &out);

  if (code < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("cannot write the enrolment: %s"), gnutls_strerror (code));
      return FALSE;
    }
  g_print ("%.*s", (int) out.size, (const char *) out.data);
  gnutls_memset (out.data, 0, out.size);
  gnutls_free (out.data);
  return TRUE;
}

static char *user, *device;
static gboolean generate;

static const GOptionEntry options[] = {
  { "user", 'u', 0, G_OPTION_ARG_STRING, &user, N_("identity to issue for (default: the host's user)"), N_("NAME") },
  { "device", 'd', 0, G_OPTION_ARG_STRING, &device, N_("name of the client's device"), N_("NAME") },
  { "generate", 'g', 0, G_OPTION_ARG_NONE, &generate, N_("make the key here, read no request"), NULL },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autofree char *request = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) enrolment = NULL;
  g_autoptr (GError) error = NULL;

  if (!generate)
    request = read_request (&error);
  if (error == NULL)
    {
      connection = host_control_connect (&error);
      if (connection == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        {
          g_clear_error (&error);
          connection = host_control_start (&error);
        }
    }
  if (connection != NULL && generate)
    reply = host_control_call (connection, "Generate",
                               g_variant_new ("(ss)", user != NULL ? user : "", device != NULL ? device : ""),
                               "(a{sv})", &error);
  else if (connection != NULL)
    reply = host_control_call (
        connection, "Enroll",
        g_variant_new ("(sss)", request, user != NULL ? user : "", device != NULL ? device : ""), "(a{sv})", &error);
  if (reply != NULL)
    {
      g_variant_get (reply, "(@a{sv})", &enrolment);
      if (print_block (enrolment, &error))
        return HOST_EXIT_OK;
    }
  host_complain ("%s", error->message);
  return HOST_EXIT_FAILURE;
}

const HostVerb host_verb_enroll = {
  .name = "enroll",
  .summary = N_("issue a client certificate (on the server)"),
  .description = N_("Reads a certificate request (PEM) on standard input, prints the enrolment."),
  .options = { options, host_control_options },
  .run = run,
};

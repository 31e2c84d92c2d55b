/* The PKI directory of a host: who can get at it, its CA, the server's certificate made by it. */
#include "transport/diagnose-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/resolver.h"
#include "pki/names.h"
#include "pki/rotation.h"

#define DEFAULT_PORT 9001
/* More of one kind help nobody. */
#define MAX_FINDINGS 10
/* A certificate this near its end was to be replaced long ago: at 2/3 of its life, ± 5 %. */
#define LATE 10

char *
transport_examine_date (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M UTC") : g_strdup ("?");
}

gboolean
transport_examine_dates (TransportExamination *examination, const char *check, PkiCertificate *certificate,
                         const char *label, const char *remedy)
{
  gint64 begin = pki_certificate_not_before (certificate), end = pki_certificate_not_after (certificate);
  g_autofree char *begins = transport_examine_date (begin);
  g_autofree char *ends = transport_examine_date (end);
  g_autofree char *now = transport_examine_date (examination->now);

  if (examination->now < begin)
    transport_diagnosis_add (examination->findings, "clock", TRANSPORT_FINDING_ERROR,
                             _("set this machine's clock: sudo timedatectl set-ntp true; if it is right, "
                                "the clock of the machine that made "
                                "the certificate was ahead: set that one, and renew the certificate"),
                             _("%s is valid from %s, and it is %s by the clock of this machine"), label,
                             begins, now);
  else if (examination->now > end)
    transport_diagnosis_add (examination->findings, check, TRANSPORT_FINDING_ERROR, remedy,
                             _("%s expired on %s"), label, ends);
  else if (end - examination->now < (end - begin) / LATE)
    transport_diagnosis_add (examination->findings, check, TRANSPORT_FINDING_WARNING, remedy,
                             _("%s expires on %s"), label, ends);
  else
    return TRUE;
  return FALSE;
}

/* A file of the directory, which may hold a key: its memory is wiped. */
typedef GBytes Contents;

static void
contents_free (Contents *contents)
{
  gsize length;
  gpointer data = (gpointer)g_bytes_get_data (contents, &length);

  gnutls_memset (data, 0, length);
  g_bytes_unref (contents);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Contents, contents_free)

/* The directory, if there is one and one may look into it. */
static PkiStore *
open_store (TransportExamination *examination, GError **error)
{
  g_autofree char *path = transport_server_pki_path (examination->transport->host);
  struct stat status;

  /* Opening would make it. */
  return lstat (path, &status) == 0 ? pki_store_open (path, error) : NULL;
}

static void
examine_files (TransportExamination *examination, PkiStore *store, const char *directory)
{
  g_autoptr (GError) failure = NULL;
  g_auto (GStrv) names = pki_store_list (store, directory, &failure);
  guint before = transport_diagnosis_size (examination->findings);

  if (names == NULL)
    transport_diagnosis_add_error (examination->findings, "pki", TRANSPORT_FINDING_ERROR, failure, NULL);
  for (char **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree char *inside = g_build_filename (directory, *name, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (Contents) bytes = NULL;

      if (*directory == '\0' && g_str_equal (*name, PKI_STORE_ISSUED))
        continue;
      bytes = pki_store_read (store, inside, &error);
      if (error != NULL && transport_diagnosis_size (examination->findings) - before < MAX_FINDINGS)
        transport_diagnosis_add_error (examination->findings, "pki", TRANSPORT_FINDING_ERROR, error, NULL);
    }
}

void
transport_examine_directory (TransportExamination *examination)
{
  g_autofree char *path = transport_server_pki_path (examination->transport->host);
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = NULL;
  guint before = transport_diagnosis_size (examination->findings);
  struct stat status;
  gboolean ours = geteuid () == 0 || (lstat (path, &status) == 0 && status.st_uid == geteuid ());

  if (examination->transport->host->system_mode && !ours)
    {
      transport_diagnosis_add (examination->findings, "pki", TRANSPORT_FINDING_NOTE,
                               _("look as root: sudo mux-quic doctor --system"),
                               _("only root can look into %s"), path);
      return;
    }
  store = open_store (examination, &error);
  if (error != NULL)
    transport_diagnosis_add_error (examination->findings, "pki", TRANSPORT_FINDING_ERROR, error, NULL);
  else if (store == NULL)
    transport_diagnosis_add (examination->findings, "pki", TRANSPORT_FINDING_NOTE, NULL,
                             _("%s is not there: a host makes it when it starts for the first time"), path);
  if (store == NULL)
    return;
  examine_files (examination, store, "");
  examine_files (examination, store, PKI_STORE_ISSUED);
  if (transport_diagnosis_size (examination->findings) == before)
    transport_diagnosis_add (examination->findings, "pki", TRANSPORT_FINDING_OK, NULL,
                             _("%s: owner and modes are right, nobody else gets in"), path);
}

/* NULL without an error when it is not there; that it cannot be read is said by transport_examine_directory
 * (). */
static Contents *
read_quietly (TransportExamination *examination, const char *name)
{
  g_autoptr (PkiStore) store = open_store (examination, NULL);

  return store != NULL ? pki_store_read (store, name, NULL) : NULL;
}

/* FALSE when it is not known to be the right one. */
static gboolean
examine_key (TransportExamination *examination, PkiCertificate *ca)
{
  g_autoptr (GError) unreadable = NULL;
  g_autoptr (PkiStore) store = open_store (examination, &unreadable);
  g_autoptr (Contents) bytes = store != NULL ? pki_store_read (store, "ca-key.pem", &unreadable) : NULL;
  g_autoptr (PkiKey) key = NULL;
  g_autoptr (GError) error = NULL;
  const char *remedy = _(
      "put back both files from one backup, or move the PKI directory away: the next start makes a new CA, "
      "and every client enrols again");

  if (bytes != NULL)
    key = pki_key_from_pem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  if (bytes == NULL && unreadable == NULL)
    transport_diagnosis_add (examination->findings, "ca", TRANSPORT_FINDING_ERROR, remedy,
                             _("the key of the CA (ca-key.pem) is missing"));
  else if (bytes == NULL)
    ; /* transport_examine_directory () says why */
  else if (key == NULL)
    transport_diagnosis_add (examination->findings, "ca", TRANSPORT_FINDING_ERROR, remedy, "ca-key.pem: %s",
                             error->message);
  else if (!pki_certificate_is_of_key (ca, key))
    transport_diagnosis_add (examination->findings, "ca", TRANSPORT_FINDING_ERROR, remedy,
                             _("ca-key.pem is not the key of the CA in ca.pem"));
  else
    return TRUE;
  return FALSE;
}

void
transport_examine_authority (TransportExamination *examination)
{
  g_autoptr (Contents) bytes = read_quietly (examination, "ca.pem");
  g_autoptr (GPtrArray) bundle = NULL;
  g_autoptr (GError) error = NULL;
  PkiCertificate *newest;
  gboolean good;

  if (bytes == NULL)
    return;
  bundle = pki_certificate_list_from_pem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "ca.pem",
                                          &error);
  if (bundle == NULL)
    {
      transport_diagnosis_add_error (examination->findings, "ca", TRANSPORT_FINDING_ERROR, error,
                                     _("put ca.pem back from a backup"));
      return;
    }
  newest = bundle->pdata[0];
  good = examine_key (examination, newest);
  good &= transport_examine_dates (examination, "ca", newest, _("the CA of this host"),
                                   examination->running
                                       ? _("make a new one: mux-quic cert rotate-ca")
                                       : _("start the host and make a new one: mux-quic cert rotate-ca"));
  if (good)
    {
      g_autofree char *ends = transport_examine_date (pki_certificate_not_after (newest));

      transport_diagnosis_add (examination->findings, "ca", TRANSPORT_FINDING_OK, NULL,
                               _("the CA of this host fits its key and is valid until %s"), ends);
    }
}

static gboolean
makes_certificate (const ConfigSettings *settings)
{
  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    if (transport_server_pki_is_generated (config_settings_server (settings, i)))
      return TRUE;
  return FALSE;
}

/* Names that the certificate of a host that listens as configured would hold now, canonical. Names of
 * bind_address are not resolved. */
static char **
expected_names (const ConfigSettings *settings)
{
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  g_autoptr (GPtrArray) extra = g_ptr_array_new ();
  g_auto (GStrv) names = NULL;

  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    {
      const ConfigServer *server = config_settings_server (settings, i);
      g_autofree char *host = NULL;
      NetAddress address;
      guint16 port;

      if (!transport_server_pki_is_generated (server))
        continue;
      for (char **name = server->extra_san; *name != NULL; name++)
        g_ptr_array_add (extra, *name);
      if (net_resolver_split (server->bind_address, DEFAULT_PORT, &host, &port, NULL)
          && net_address_from_numeric (&address, host, port))
        g_array_append_val (addresses, address);
    }
  names = transport_reachable_names (addresses, extra);
  return pki_names_canonical_list ((const char *const *)names, NULL);
}

static void
examine_names (TransportExamination *examination, PkiCertificate *leaf)
{
  g_auto (GStrv) expected = expected_names (examination->transport->settings);
  const char *const *held = pki_certificate_names (leaf);
  g_autoptr (GString) missing = g_string_new (NULL);

  for (char **name = expected; name != NULL && *name != NULL; name++)
    if (!g_strv_contains (held, *name))
      g_string_append_printf (missing, "%s%s", missing->len > 0 ? ", " : "", *name);
  if (missing->len > 0)
    transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_WARNING,
                             _("make one that holds them: mux-quic cert renew"),
                             _("the host's certificate lacks names of this machine: %s"), missing->str);
  else
    transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_OK, NULL,
                             _("the host's certificate holds every name and address of this machine (%u)"),
                             g_strv_length ((char **)held));
}

/* A host that serves by another file has other addresses. */
static gboolean
serves_by_these (const TransportExamination *examination)
{
  const char *path = config_settings_path (examination->transport->settings);

  return examination->config == NULL || g_str_equal (examination->config, path != NULL ? path : "");
}

void
transport_examine_server (TransportExamination *examination)
{
  g_autoptr (Contents) bytes = read_quietly (examination, "server.pem");
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (GError) error = NULL;
  PkiCertificate *leaf;

  if (bytes == NULL || !makes_certificate (examination->transport->settings))
    return;
  credentials = pki_credentials_from_pem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                          "server.pem", &error);
  if (credentials == NULL)
    {
      transport_diagnosis_add_error (examination->findings, "certificate", TRANSPORT_FINDING_ERROR, error,
                                     _("remove server.pem and start the host again: it makes another one"));
      return;
    }
  leaf = credentials->chain->pdata[0];
  /* A host that starts makes another one where this does not do. */
  if (!examination->running && examination->now > pki_certificate_not_after (leaf))
    {
      transport_diagnosis_add (
          examination->findings, "certificate", TRANSPORT_FINDING_NOTE, NULL,
          _("the host's certificate has expired: the host makes another one when it starts"));
      return;
    }
  if (transport_examine_dates (examination, "certificate", leaf, _("the host's certificate"),
                               _("make another one: mux-quic cert renew")))
    {
      g_autofree char *ends = transport_examine_date (pki_certificate_not_after (leaf));

      transport_diagnosis_add (examination->findings, "certificate", TRANSPORT_FINDING_OK, NULL,
                               _("the host's certificate fits its key and is valid until %s"), ends);
    }
  if (examination->running && serves_by_these (examination))
    examine_names (examination, leaf);
}

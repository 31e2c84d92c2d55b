#include "host/control-client.h"
#include "host/doctor.h"

#include "mux-quic-config.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A session takes some: its program's pipes, the keeper's socket. */
#define FEW_FILES 4096

void
host_doctor_add (GPtrArray *findings, const char *level, const char *check, const char *remedy,
                 const char *format, ...)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *text = NULL;
  g_autofree char *valid = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  valid = g_utf8_make_valid (text, -1);
  g_variant_dict_insert (&dict, "level", "s", level);
  g_variant_dict_insert (&dict, "check", "s", check);
  g_variant_dict_insert (&dict, "found", "s", valid);
  if (remedy != NULL)
    g_variant_dict_insert (&dict, "remedy", "s", remedy);
  g_ptr_array_add (findings, g_variant_ref_sink (g_variant_dict_end (&dict)));
}

/* The user that the unit of the system's host names; NULL where there is none, or it is not the system's. */
static const struct passwd *
system_user (void)
{
  return host_control_is_system () ? getpwnam (host_control_application ()) : NULL;
}

/* Whose the socket must be. */
static uid_t
rightful_owner (void)
{
  const struct passwd *user = system_user ();

  if (user != NULL)
    return user->pw_uid;
  return host_control_is_system () ? 0 : geteuid ();
}

void
host_doctor_see_as_host (GPtrArray *findings)
{
  const struct passwd *user = system_user ();
  g_autofree char *pki = g_build_filename ("/etc", host_control_application (), "pki", NULL);
  struct stat status;

  /* A host that somebody runs as root keeps what it makes. */
  if (user == NULL || geteuid () != 0 || lstat (pki, &status) != 0 || status.st_uid != user->pw_uid)
    return;
  if (initgroups (user->pw_name, user->pw_gid) != 0 || setgid (user->pw_gid) != 0 || setuid (user->pw_uid) != 0)
    host_doctor_add (findings, "note", "host", NULL, _("cannot look as user %s: %s"), user->pw_name,
                     g_strerror (errno));
}

/* Whoever else can put a socket there can ask for passwords in our name. FALSE: nobody should speak to it. */
static gboolean
examine_path (GPtrArray *findings, const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  uid_t owner = rightful_owner ();
  struct stat status;
  gboolean good = TRUE;

  for (guint i = 0; i < 2; i++)
    {
      const char *what = i == 0 ? directory : path;
      mode_t forbidden = !host_control_is_system () ? 077 : i == 0 ? 022 : 0;
      g_autofree char *remedy = NULL;

      if (lstat (what, &status) != 0)
        continue;
      /* Root can do what it likes without a socket. */
      if (status.st_uid != owner && !(host_control_is_system () && status.st_uid == 0))
        {
          remedy = g_strdup_printf (_("see who made it, then remove it: sudo rm -r '%s'"), what);
          host_doctor_add (findings, "error", "socket", remedy, _("%s belongs to user %u, not to %u"), what,
                           status.st_uid, owner);
          good = FALSE;
        }
      else if ((status.st_mode & forbidden) != 0)
        {
          remedy = g_strdup_printf ("chmod %s '%s'", i == 1 ? "600" : forbidden == 022 ? "755" : "700", what);
          host_doctor_add (findings, "error", "socket", remedy, _("others have access to %s (mode %03o)"),
                           what, status.st_mode & 0777);
          good = FALSE;
        }
    }
  return good;
}

/* What a living host says of itself. */
static void
examine_status (GPtrArray *findings, GVariant *status)
{
  g_autoptr (GVariant) listeners = g_variant_lookup_value (status, "listeners", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) certificates
      = g_variant_lookup_value (status, "certificates", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GString) addresses = g_string_new (NULL);
  const char *version = "?", *text;

  g_variant_lookup (status, "version", "&s", &version);
  for (gsize i = 0; listeners != NULL && i < g_variant_n_children (listeners); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (listeners, i);

      if (g_variant_lookup (one, "address", "&s", &text))
        g_string_append_printf (addresses, "%s%s", addresses->len > 0 ? ", " : "", text);
    }
  if (addresses->len > 0)
    host_doctor_add (findings, "ok", "host", NULL, _("a host runs here and listens on %s"), addresses->str);
  else
    host_doctor_add (findings, "ok", "host", NULL, _("a host runs here, and listens nowhere: it has only clients"));
  if (!g_str_equal (version, PACKAGE_VERSION))
    host_doctor_add (findings, "warning", "host",
                     host_control_is_system () ? _("start it again: sudo systemctl restart mux-quic")
                                               : _("start it again: systemctl --user restart mux-quic"),
                     _("the host that runs is of version %s, this program of %s"), version, PACKAGE_VERSION);
  for (gsize i = 0; certificates != NULL && i < g_variant_n_children (certificates); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (certificates, i);

      if (g_variant_lookup (one, "problem", "&s", &text))
        host_doctor_add (findings, "warning", "renewal", _("mend that; then: mux-quic cert renew"),
                         _("a certificate is not renewed: %s"), text);
    }
}

static void
examine_silence (GPtrArray *findings, const char *path, const GError *error)
{
  struct stat status;
  const char *start = host_control_is_system ()
                          ? _("to be reached from elsewhere, start one: sudo systemctl start mux-quic")
                          : _("to be reached from elsewhere, start one: mux-quic serve");

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    host_doctor_add (findings, "error", "host", _("if it stays so, end that host and start it again"),
                     _("the host that runs here does not answer: %s"), error->message);
  else if (lstat (path, &status) == 0)
    host_doctor_add (findings, "note", "host", start,
                     _("no host runs here; one has ended without a clean end (%s is left)"), path);
  else
    host_doctor_add (findings, "note", "host", start, _("no host runs here"));
}

void
host_doctor_host_clear (HostDoctorHost *host)
{
  g_clear_pointer (&host->config, g_free);
}

void
host_doctor_host (GPtrArray *findings, HostDoctorHost *host)
{
  g_autofree char *path = host_control_path ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) status = NULL;
  GCredentials *credentials;

  *host = (HostDoctorHost){ .running = FALSE };
  if (!examine_path (findings, path))
    return;
  connection = host_control_connect (&error);
  if (connection != NULL)
    reply = host_control_call (connection, "Describe", NULL, "(a{sv})", &error);
  if (reply == NULL)
    {
      examine_silence (findings, path, error);
      return;
    }
  g_variant_get (reply, "(@a{sv})", &status);
  examine_status (findings, status);
  host->running = TRUE;
  if (!g_variant_lookup (status, "config", "s", &host->config))
    host->config = g_strdup ("");
  credentials = g_dbus_connection_get_peer_credentials (connection);
  if (credentials != NULL)
    host->pid = MAX (g_credentials_get_unix_pid (credentials, NULL), 0);
}

/* Open files */

/* The soft limit of a process, by what the kernel says of it; 0 when that cannot be read. */
static guint64
limit_of (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/limits", pid);
  g_autofree char *text = NULL;
  const char *line;
  guint64 limit = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (line = strstr (text, "Max open files")) == NULL)
    return 0;
  line += strlen ("Max open files");
  line += strspn (line, " ");
  if (g_str_has_prefix (line, "unlimited"))
    return G_MAXUINT64;
  return sscanf (line, "%" G_GUINT64_FORMAT, &limit) == 1 ? limit : 0;
}

void
host_doctor_judge_files (GPtrArray *findings, guint64 limit)
{
  if (limit < FEW_FILES)
    host_doctor_add (findings, "warning", "files",
                     host_control_is_system ()
                         ? _("set LimitNOFILE=65536 in its unit (sudo systemctl edit mux-quic)")
                         : _("set LimitNOFILE=65536 in its unit (systemctl --user edit mux-quic), or raise the "
                             "user's hard limit in "
                             "/etc/security/limits.conf"),
                     _("a host can have %" PRIu64 " files open: enough for few sessions only"),
                     limit);
  else if (limit == G_MAXUINT64)
    host_doctor_add (findings, "ok", "files", NULL, _("a host can have any number of files open"));
  else
    host_doctor_add (findings, "ok", "files", NULL, _("a host can have %" PRIu64 " files open"),
                     limit);
}

void
host_doctor_files (GPtrArray *findings, int pid)
{
  guint64 limit = pid > 0 ? limit_of (pid) : 0;
  struct rlimit ours;

  /* A host raises its limit as far as it may. */
  if (limit == 0 && getrlimit (RLIMIT_NOFILE, &ours) == 0)
    limit = ours.rlim_max == RLIM_INFINITY ? G_MAXUINT64 : ours.rlim_max;
  if (limit != 0)
    host_doctor_judge_files (findings, limit);
}

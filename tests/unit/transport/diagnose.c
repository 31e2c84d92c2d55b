/* Broken things, each put in front of the check that is to find it, and what it says to do. */
#include "unit/transport/mini-host.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "net/udp.h"
#include "transport/diagnose-private.h"

#define SERVER "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}"
#define DAY 86400

/* Findings, however they were come by */

static GVariant *
find (GVariant *findings, const char *check, const char *level)
{
  for (gsize i = 0; i < g_variant_n_children (findings); i++)
    {
      GVariant *one = g_variant_get_child_value (findings, i);
      const char *its_check = "", *its_level = "";

      g_variant_lookup (one, "check", "&s", &its_check);
      g_variant_lookup (one, "level", "&s", &its_level);
      if (g_str_equal (check, its_check) && g_str_equal (level, its_level))
        return one;
      g_variant_unref (one);
    }
  return NULL;
}

static gsize
count (GVariant *findings, const char *level)
{
  gsize n = 0;

  for (gsize i = 0; i < g_variant_n_children (findings); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (findings, i);
      const char *its_level = "";

      g_variant_lookup (one, "level", "&s", &its_level);
      n += g_str_equal (level, its_level);
    }
  return n;
}

/* @found and @remedy are parts of what is said; NULL @remedy: there is none. */
static void
expect (GVariant *findings, const char *check, const char *level, const char *found, const char *remedy)
{
  g_autoptr (GVariant) one = find (findings, check, level);
  const char *text = "", *fix = NULL;

  if (one == NULL)
    {
      g_autofree char *all = g_variant_print (findings, FALSE);

      g_error ("there is no %s of “%s” in %s", level, check, all);
    }
  g_variant_lookup (one, "found", "&s", &text);
  g_variant_lookup (one, "remedy", "&s", &fix);
  if (strstr (text, found) == NULL || (remedy == NULL) != (fix == NULL)
      || (fix != NULL && strstr (fix, remedy) == NULL))
    g_error ("“%s” / “%s” does not say “%s” / “%s”", text, fix, found, remedy);
}

/* What one check says of a host, at a time. */
static GVariant *
examine (MiniHost *mini, TransportExamine check, gboolean running, gint64 later)
{
  g_autoptr (TransportDiagnosis) findings = transport_diagnosis_new ();
  TransportExamination examination = {
    .transport = mini->transport,
    .findings = findings,
    .running = running,
    .taken = running,
    .now = g_get_real_time () / G_USEC_PER_SEC + later,
  };

  check (&examination);
  return transport_diagnosis_to_variant (findings);
}

/* … and of a PKI file of its, once it is broken. */
static char *
pki_file (MiniHost *mini, const char *name)
{
  g_autofree char *directory = transport_server_pki_path (&mini->host);

  return g_build_filename (directory, name, NULL);
}

static void
test_directory (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  g_autofree char *directory = transport_server_pki_path (&mini->host);
  g_autofree char *key = pki_file (mini, "ca-key.pem");
  g_autofree char *other = pki_file (mini, "other");
  g_autoptr (GVariant) before = examine (mini, transport_examine_directory, FALSE, 0);

  expect (before, "pki", "note", "is not there", NULL);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  mini_start (mini);
  {
    g_autoptr (GVariant) good = examine (mini, transport_examine_directory, TRUE, 0);

    expect (good, "pki", "ok", directory, NULL);
    g_assert_cmpuint (g_variant_n_children (good), ==, 1);
  }
  g_chmod (key, 0640);
  {
    g_autoptr (GVariant) wide = examine (mini, transport_examine_directory, TRUE, 0);

    expect (wide, "pki", "error", key, "chmod 600 '");
    g_assert_cmpuint (g_variant_n_children (wide), ==, 1);
  }
  g_chmod (key, 0600);
  g_assert_cmpint (link (key, other), ==, 0);
  {
    g_autoptr (GVariant) linked = examine (mini, transport_examine_directory, TRUE, 0);

    expect (linked, "pki", "error", "hard links", "cp -p");
    g_assert_cmpuint (count (linked, "error"), ==, 2);
  }
  g_unlink (other);
  g_chmod (directory, 0755);
  {
    g_autoptr (GVariant) open = examine (mini, transport_examine_directory, TRUE, 0);

    expect (open, "pki", "error", "others have access", "chmod 700 '");
  }
  g_chmod (directory, 0700);
  mini_stop (mini);
}

static void
test_authority (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  g_autofree char *key_path = pki_file (mini, "ca-key.pem");
  g_autofree char *ca_path = pki_file (mini, "ca.pem");
  g_autoptr (PkiKey) other = pki_key_generate (NULL);
  g_autoptr (GVariant) before = examine (mini, transport_examine_authority, FALSE, 0);
  char *pem = pki_key_to_pem (other, NULL);

  g_assert_cmpuint (g_variant_n_children (before), ==, 0);
  mini_start (mini);
  {
    g_autoptr (GVariant) good = examine (mini, transport_examine_authority, TRUE, 0);
    g_autoptr (GVariant) late = examine (mini, transport_examine_authority, TRUE, (gint64)3600 * DAY);
    g_autoptr (GVariant) gone = examine (mini, transport_examine_authority, TRUE, (gint64)4000 * DAY);
    g_autoptr (GVariant) early = examine (mini, transport_examine_authority, TRUE, (gint64)-10 * DAY);

    expect (good, "ca", "ok", "fits its key", NULL);
    expect (late, "ca", "warning", "expires on", "rotate-ca");
    expect (gone, "ca", "error", "expired on", "rotate-ca");
    expect (early, "clock", "error", "is valid from", "set-ntp");
  }
  g_assert_true (g_file_set_contents_full (key_path, pem, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  {
    g_autoptr (GVariant) mismatch = examine (mini, transport_examine_authority, TRUE, 0);

    expect (mismatch, "ca", "error", "not the key", "backup");
  }
  g_unlink (key_path);
  {
    g_autoptr (GVariant) missing = examine (mini, transport_examine_authority, TRUE, 0);

    expect (missing, "ca", "error", "missing", "backup");
  }
  g_assert_true (g_file_set_contents_full (ca_path, "nothing", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  {
    g_autoptr (GVariant) rubbish = examine (mini, transport_examine_authority, TRUE, 0);

    expect (rubbish, "ca", "error", "ca.pem", "backup");
  }
  pki_key_pem_free (pem);
  mini_stop (mini);
}

static void
test_server (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  g_autofree char *path = pki_file (mini, "server.pem");
  g_autofree char *text = NULL;
  g_autoptr (PkiKey) other = pki_key_generate (NULL);
  char *pem = pki_key_to_pem (other, NULL);
  g_autofree char *mixed = NULL;
  char *end;

  mini_start (mini);
  {
    g_autoptr (GVariant) good = examine (mini, transport_examine_server, TRUE, 0);
    g_autoptr (GVariant) late = examine (mini, transport_examine_server, TRUE, 7 * DAY - 3600);
    g_autoptr (GVariant) gone = examine (mini, transport_examine_server, TRUE, 8 * DAY);
    g_autoptr (GVariant) idle = examine (mini, transport_examine_server, FALSE, 8 * DAY);

    expect (good, "certificate", "ok", "fits its key", NULL);
    expect (good, "names", "ok", "every name", NULL);
    expect (late, "certificate", "warning", "expires on", "cert renew");
    expect (gone, "certificate", "error", "expired on", "cert renew");
    expect (idle, "certificate", "note", "when it starts", NULL);
    g_assert_cmpuint (g_variant_n_children (idle), ==, 1);
  }
  mini_stop (mini);
  g_clear_pointer (&mini->transport, transport_free);
  mini_host_configure (
      mini,
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}, extra_san = {'new.example'}}}}");
  {
    g_autoptr (GVariant) lacks = examine (mini, transport_examine_server, TRUE, 0);

    expect (lacks, "names", "warning", "new.example", "cert renew");
  }
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  end = strstr (text, "-----BEGIN PRIVATE KEY");
  g_assert_nonnull (end);
  *end = '\0';
  mixed = g_strconcat (text, pem, NULL);
  g_assert_true (g_file_set_contents_full (path, mixed, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  {
    g_autoptr (GVariant) mismatch = examine (mini, transport_examine_server, TRUE, 0);

    expect (mismatch, "certificate", "error", "does not belong", "remove server.pem");
  }
  pki_key_pem_free (pem);
}

/* A person's own files. */
static void
test_files (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) mini = mini_host_new (server->context, "other", NULL);
  g_autofree char *pem = NULL;
  g_autofree char *key = g_build_filename (mini->directory, "key.pem", NULL);

  mini_start (server);
  pem = mini_pem (server, mini, "alice");
  mini_host_configure (
      mini,
      "{quic_servers = {{bind_address = '127.0.0.1:0', %s}}, quic_clients = {"
      "{name = 'good', remote_address = 'localhost:9001', %s},"
      "{name = 'none', remote_address = 'localhost:9001'},"
      "{name = 'lost', remote_address = 'localhost:9001', enroll_command = {'no-such-program'}},"
      "{name = 'fine', remote_address = 'localhost:9001', enroll_command = {'true'}}}}",
      pem, pem);
  {
    g_autoptr (GVariant) own = examine (mini, transport_examine_server_files, FALSE, 0);
    g_autoptr (GVariant) clients = examine (mini, transport_examine_clients, FALSE, 0);
    g_autoptr (GVariant) late = examine (mini, transport_examine_clients, FALSE, 8 * DAY);

    expect (own, "certificate", "error", "serverAuth", "extended key usage");
    expect (own, "names", "error", "no name", "subject alternative name");
    expect (own, "trust", "ok", "ca.pem holds 1 CA", NULL);
    expect (clients, "certificate", "ok", "cert.pem fits its key", NULL);
    expect (clients, "enrolment", "error", "none has no certificate", "bootstrap_via_ssh");
    expect (clients, "enrolment", "ok", "fine gets its certificate by /", NULL);
    g_assert_cmpuint (count (clients, "error"), ==, 2);
    expect (late, "certificate", "error", "cert.pem expired on", "in date");
  }
  g_chmod (key, 0644);
  {
    g_autoptr (GVariant) open = examine (mini, transport_examine_clients, FALSE, 0);

    expect (open, "certificate", "error", "key.pem", "chmod 600");
  }
  g_unlink (key);
  {
    g_autoptr (GVariant) missing = examine (mini, transport_examine_clients, FALSE, 0);

    expect (missing, "certificate", "error", "key.pem", "as PEM");
  }
  mini_stop (server);
}

static void
test_listen (void)
{
  g_autoptr (MiniHost) first = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) second = mini_host_new (first->context, "other", NULL);
  g_autofree char *address = NULL;

  mini_start (first);
  address = mini_address (first);
  mini_host_configure (second, "{quic_servers = {{bind_address = '%s'}}}", address);
  {
    g_autoptr (GVariant) taken = examine (second, transport_examine_listen, FALSE, 0);
    g_autoptr (GVariant) ours = examine (second, transport_examine_listen, TRUE, 0);

    expect (taken, "listen", "error", address, "ss -ulpn");
    g_assert_cmpuint (g_variant_n_children (ours), ==, 0);
  }
  mini_stop (first);
  {
    g_autoptr (GVariant) free = examine (second, transport_examine_listen, FALSE, 0);

    expect (free, "listen", "ok", address, NULL);
  }
}

static void
test_machine (void)
{
  g_autoptr (TransportDiagnosis) findings = transport_diagnosis_new ();
  g_autoptr (TransportDiagnosis) well = transport_diagnosis_new ();
  g_autoptr (GVariant) bad = NULL, good = NULL;

  transport_judge_buffers (findings, 212992, NET_UDP_SEND_BUFFER);
  transport_judge_offload (findings, TRUE, FALSE);
  transport_judge_clock (findings, 0, FALSE);
  bad = transport_diagnosis_to_variant (findings);
  expect (bad, "buffers", "warning", "net.core.rmem_max allows 208 KiB of 7168",
          "sysctl -w net.core.rmem_max=7340032;");
  expect (bad, "offload", "note", "lacks GRO", "5.0");
  expect (bad, "clock", "note", "1970-01-01 00:00 UTC", "set-ntp");
  transport_judge_buffers (well, NET_UDP_RECEIVE_BUFFER, NET_UDP_SEND_BUFFER);
  transport_judge_offload (well, TRUE, TRUE);
  transport_judge_clock (well, 0, TRUE);
  good = transport_diagnosis_to_variant (well);
  g_assert_cmpuint (count (good, "ok"), ==, 3);
}

/* Each outcome at one address. */
static void
test_reach (void)
{
  static const struct
  {
    NetProbeResult result;
    const char *reporter;
    gboolean speaks_v1, alone, relay;
    const char *check, *level, *found, *remedy;
  } cases[] = {
    { { .outcome = NET_PROBE_ANSWERED, .round_trip = 1500000 },
      NULL,
      TRUE,
      FALSE,
      FALSE,
      "reach",
      "ok",
      "after 1.5 ms",
      NULL },
    { { .outcome = NET_PROBE_ANSWERED },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "not version 1",
      "status" },
    { { .outcome = NET_PROBE_REFUSED, .error = ECONNREFUSED },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "nobody listens",
      "mux-quic serve" },
    { { .outcome = NET_PROBE_REFUSED, .error = ECONNREFUSED },
      NULL,
      FALSE,
      FALSE,
      FALSE,
      "reach",
      "warning",
      "nobody listens",
      "mux-quic serve" },
    { { .outcome = NET_PROBE_FORBIDDEN, .error = EPERM },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "firewall of this machine",
      "output udp dport 9001" },
    { { .outcome = NET_PROBE_FORBIDDEN, .error = EHOSTUNREACH },
      "192.0.2.1",
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "the firewall of 192.0.2.1:9001",
      "ufw allow 9001/udp" },
    { { .outcome = NET_PROBE_FORBIDDEN, .error = EHOSTUNREACH },
      "192.0.2.9",
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "at 192.0.2.9",
      "firewall-cmd" },
    { { .outcome = NET_PROBE_UNREACHABLE, .error = ENETUNREACH },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "no way to",
      "ip route" },
    { { .outcome = NET_PROBE_TOO_LARGE, .error = EMSGSIZE, .mtu = 1100 },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "mtu",
      "error",
      "1100 bytes",
      "mtu 1280" },
    { { .outcome = NET_PROBE_SILENT },
      NULL,
      FALSE,
      TRUE,
      FALSE,
      "reach",
      "error",
      "does not answer",
      "nft add rule inet filter input udp dport 9001 accept" },
    { { .outcome = NET_PROBE_SILENT },
      NULL,
      FALSE,
      TRUE,
      TRUE,
      "reach",
      "error",
      "go over ssh",
      "ufw allow 9001/udp" },
  };
  NetAddress address;

  net_address_from_numeric (&address, "192.0.2.1", 9001);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TransportDiagnosis) findings = transport_diagnosis_new ();
      NetProbeResult result = cases[i].result;
      g_autoptr (GVariant) said = NULL;

      if (cases[i].reporter != NULL)
        net_address_from_numeric (&result.reporter, cases[i].reporter, 0);
      transport_judge_reach (findings, &address, &result, cases[i].speaks_v1, cases[i].alone, cases[i].relay);
      said = transport_diagnosis_to_variant (findings);
      expect (said, cases[i].check, cases[i].level, cases[i].found, cases[i].remedy);
    }
}

static void
test_mtu (void)
{
  static const struct
  {
    NetProbeResult result;
    const char *level, *found, *remedy;
  } cases[] = {
    { { .outcome = NET_PROBE_ANSWERED }, "ok", "1200 and 1452", NULL },
    { { .outcome = NET_PROBE_TOO_LARGE, .mtu = 1400 }, "note", "1400 bytes", "nothing has to be done" },
    { { .outcome = NET_PROBE_SILENT }, "note", "nobody says why", "ICMP" },
  };
  NetAddress address;

  net_address_from_numeric (&address, "::1", 9001);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TransportDiagnosis) findings = transport_diagnosis_new ();
      g_autoptr (GVariant) said = NULL;

      transport_judge_mtu (findings, &address, &cases[i].result, 1452);
      said = transport_diagnosis_to_variant (findings);
      expect (said, "mtu", cases[i].level, cases[i].found, cases[i].remedy);
    }
}

/* The whole operation */

typedef struct
{
  GVariant *findings;
  GError *error;
  gboolean done;
} Answer;

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  answer->findings = transport_diagnose_finish (NULL, result, &answer->error);
  answer->done = TRUE;
}

static GVariant *
diagnose (MiniHost *mini, const char *target)
{
  Answer answer = { 0 };

  mini->ops->diagnose_async (mini->transport, target, NULL, NULL, answered_cb, &answer);
  g_assert_false (answer.done);
  mini_wait (mini, &answer.done);
  g_assert_no_error (answer.error);
  return answer.findings;
}

static void
test_config (void)
{
  g_autoptr (MiniHost) mini
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_adress = 'localhost:0'}}}");
  g_autoptr (GVariant) said = diagnose (mini, "localhost");

  expect (said, "config", "error", "config.lua:1", "mux-quic.lua");
  /* What the settings would say is not said, nor is anybody asked by wrong ones. */
  g_assert_null (find (said, "listen", "ok"));
  g_assert_null (find (said, "name", "ok"));
  expect (said, "buffers", "ok", "KiB", NULL);
}

static void
test_way (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autofree char *address = NULL;
  g_autofree char *pem = NULL;

  mini_start (server);
  address = mini_address (server);
  pem = mini_pem (server, client, "alice");
  mini_host_configure (client,
                       "{quic_clients = {{name = 'there', remote_address = '%s', %s},"
                       "{name = 'fresh', remote_address = '%s', enroll_command = {'false'}}}}",
                       address, pem, address);
  {
    g_autoptr (GVariant) good = diagnose (client, "there");
    g_autoptr (GVariant) fresh = diagnose (client, "fresh");

    g_assert_cmpuint (count (good, "error"), ==, 0);
    expect (good, "reach", "ok", address, NULL);
    expect (good, "mtu", "ok", "1452", NULL);
    expect (good, "handshake", "ok", "TLS 1.3", NULL);
    expect (good, "names", "ok", "127.0.0.1", NULL);
    expect (good, "session", "ok", "there", NULL);
    expect (fresh, "credentials", "note", "fresh", "connect once");
    expect (fresh, "reach", "ok", address, NULL);
    g_assert_null (find (fresh, "handshake", "error"));
  }
  g_assert_cmpuint (client->transport->sessions->len + client->transport->dials->len, ==, 0);
  g_assert_cmpuint (client->transport->diagnoses->len, ==, 0);
  server->unwelcome = g_strdup ("alice");
  {
    g_autoptr (GVariant) refused = diagnose (client, "there");

    expect (refused, "session", "error", "on holiday", "users");
    g_assert_cmpuint (count (refused, "error"), ==, 1);
  }
  mini_stop (server);
  {
    g_autoptr (GVariant) nobody = diagnose (client, "there");
    g_autoptr (GVariant) name = diagnose (client, "-x");

    expect (nobody, "reach", "error", "nobody listens", "mux-quic serve");
    g_assert_null (find (nobody, "handshake", "error"));
    expect (name, "target", "error", "-x", "[user@]host[:port]");
  }
}

/* A server that is trusted, but not by the name it is dialled by; then by another common name than expected.
 */
static void
test_names (void)
{
  g_autoptr (MiniHost) server
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '0.0.0.0:0', users = {'alice'}}}}");
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autofree char *address = NULL;
  g_autofree char *pem = NULL;
  const char *port;

  mini_start (server);
  address = mini_address (server);
  port = strrchr (address, ':') + 1;
  pem = mini_pem (server, client, "alice");
  mini_host_configure (
      client,
      "{quic_clients = {{name = 'there', remote_address = '127.0.0.3:%s', %s},"
      "{name = 'lenient', remote_address = '127.0.0.3:%s', accept_invalid_hostnames = true, %s},"
      "{name = 'strict', remote_address = '127.0.0.1:%s', expected_cn = 'nobody', %s}}}",
      port, pem, port, pem, port, pem);
  {
    g_autoptr (GVariant) name = diagnose (client, "there");
    g_autoptr (GVariant) lenient = diagnose (client, "lenient");
    g_autoptr (GVariant) strict = diagnose (client, "strict");

    expect (name, "names", "error", "not for 127.0.0.3", "add '127.0.0.3' to extra_san");
    expect (name, "handshake", "ok", "TLS 1.3", NULL);
    g_assert_null (find (name, "session", "ok"));
    expect (lenient, "names", "warning", "allowed by accept_invalid_hostnames",
            "remove accept_invalid_hostnames");
    expect (lenient, "session", "ok", "lenient", NULL);
    expect (strict, "names", "error", "nobody", "expected_cn");
  }
  mini_stop (server);
}

static void
test_given_up (void)
{
  g_autoptr (MiniHost) silent = mini_host_new (NULL, "client", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) late = g_cancellable_new ();
  NetAddress any;
  g_autoptr (NetUdp) udp = NULL;
  g_autofree char *target = NULL;
  NetReceived received;
  Answer answer = { 0 }, second = { 0 };

  net_address_from_numeric (&any, "127.0.0.1", 0);
  udp = net_udp_open (&any, NET_UDP_DEFAULT, NULL);
  g_assert_nonnull (udp);
  target = net_address_to_string (net_udp_local (udp));
  mini_host_configure (
      silent, "{quic_clients = {{name = 'there', remote_address = '%s', enroll_command = {'true'}}}}",
      target);
  silent->ops->diagnose_async (silent->transport, "there", NULL, cancellable, answered_cb, &answer);
  while (!net_udp_receive (udp, &received))
    g_main_context_iteration (silent->context, FALSE);
  g_cancellable_cancel (cancellable);
  mini_wait (silent, &answer.done);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&answer.error);
  /* The transport goes first; who waits is told all the same, and may still give up. */
  silent->ops->diagnose_async (silent->transport, "there", NULL, late, answered_cb, &second);
  while (!net_udp_receive (udp, &received))
    g_main_context_iteration (silent->context, FALSE);
  g_clear_pointer (&silent->transport, transport_free);
  g_cancellable_cancel (late);
  mini_wait (silent, &second.done);
  g_assert_error (second.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&second.error);
}

/* Says that it speaks QUIC, and never more. */
static NetUdp *
open_mute (char **address)
{
  NetAddress any;
  NetUdp *udp;

  net_address_from_numeric (&any, "127.0.0.1", 0);
  udp = net_udp_open (&any, NET_UDP_DEFAULT, NULL);
  g_assert_nonnull (udp);
  *address = net_address_to_string (net_udp_local (udp));
  return udp;
}

/* Answers questions; TRUE once somebody wants more of it. */
static gboolean
answer_versions (NetUdp *udp)
{
  static const guint8 versions[] = { 0, 0, 0, 1 };
  static const NetAddress unset;
  NetReceived received;

  while (net_udp_receive (udp, &received))
    {
      guint8 answer[64] = { 0x80 };
      const guint8 *cids = received.data + 5;
      gsize sent;

      if (memcmp (received.data + 1, versions, sizeof versions) == 0)
        return TRUE;
      g_assert_cmpuint (cids[0], ==, 8);
      g_assert_cmpuint (cids[9], ==, 8);
      memcpy (answer + 5, cids + 9, 9);
      memcpy (answer + 14, cids, 9);
      memcpy (answer + 23, versions, sizeof versions);
      net_udp_send (udp, &unset, &received.remote, 0, answer, 27, 27, &sent);
    }
  return FALSE;
}

/* Given up, and the transport gone, in the middle of a handshake. */
static void
test_mute (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autofree char *address = NULL;
  g_autoptr (NetUdp) udp = open_mute (&address);

  mini_start (server);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *files = mini_pem (server, client, "alice");
      Answer answer = { 0 };

      mini_host_configure (client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address,
                           files);
      client->transport->dial_timeout_ms = i == 0 ? 300 : 60000;
      client->ops->diagnose_async (client->transport, "there", NULL, cancellable, answered_cb, &answer);
      while (!answer_versions (udp))
        g_main_context_iteration (client->context, FALSE);
      if (i == 1)
        g_cancellable_cancel (cancellable);
      else if (i == 2)
        g_clear_pointer (&client->transport, transport_free);
      mini_wait (client, &answer.done);
      if (i == 0)
        {
          g_assert_no_error (answer.error);
          expect (answer.findings, "reach", "ok", address, NULL);
          expect (answer.findings, "handshake", "error", address, "pem_ca");
          g_variant_unref (answer.findings);
        }
      else
        g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&answer.error);
      /* What its socket had sent before it went. */
      while (answer_versions (udp))
        ;
    }
  mini_stop (server);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  g_assert_null (transport_dial_finish (NULL, result, &answer->error));
  answer->done = TRUE;
}

/* By UDP or not at all. */
static void
test_no_relay (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autofree char *address = NULL;
  g_autoptr (NetUdp) udp = open_mute (&address);
  g_autofree char *pem = NULL;

  mini_start (server);
  pem = mini_pem (server, client, "alice");
  mini_host_configure (client,
                       "{quic_clients = {{name = 'there', remote_address = '%s', bootstrap_via_ssh = "
                       "'nobody@127.0.0.1:1', %s}}}",
                       address, pem);
  client->transport->dial_timeout_ms = 300;
  for (guint i = 0; i < 2; i++)
    {
      Answer answer = { 0 };

      client->ops->connect_async (client->transport, "there",
                                  g_variant_new_parsed ("{'quiet': <true>, 'relay': <%b>}", i == 1), NULL,
                                  connected_cb, &answer);
      mini_wait (client, &answer.done);
      g_assert_error (answer.error, MUX_ERROR, MUX_ERROR_UNREACHABLE);
      g_assert_cmpint (strstr (answer.error->message, "ssh") != NULL, ==, i == 1);
      g_clear_error (&answer.error);
    }
  mini_stop (server);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/diagnose/directory", test_directory);
  g_test_add_func ("/transport/diagnose/authority", test_authority);
  g_test_add_func ("/transport/diagnose/server", test_server);
  g_test_add_func ("/transport/diagnose/files", test_files);
  g_test_add_func ("/transport/diagnose/listen", test_listen);
  g_test_add_func ("/transport/diagnose/machine", test_machine);
  g_test_add_func ("/transport/diagnose/reach", test_reach);
  g_test_add_func ("/transport/diagnose/mtu", test_mtu);
  g_test_add_func ("/transport/diagnose/config", test_config);
  g_test_add_func ("/transport/diagnose/way", test_way);
  g_test_add_func ("/transport/diagnose/names", test_names);
  g_test_add_func ("/transport/diagnose/given-up", test_given_up);
  g_test_add_func ("/transport/diagnose/mute", test_mute);
  g_test_add_func ("/transport/diagnose/no-relay", test_no_relay);
  return mini_run ();
}

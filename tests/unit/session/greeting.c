/* How sessions begin and end. */
#include "duo.h"

#include <mux/plugin.h>

static void
test_welcome (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (1);
  const char *user = NULL, *agent = NULL;
  g_autofree const char **services = NULL;

  g_assert_cmpuint (strlen (session_id (duo->client.session)), ==, 32);
  g_assert_cmpstr (session_id (duo->client.session), ==, session_id (duo->server.session));
  g_assert_true (g_variant_lookup (duo->client.hello, "user", "&s", &user));
  g_assert_cmpstr (user, ==, "alice");
  g_assert_true (g_variant_lookup (duo->client.hello, "services", "^a&s", &services));
  g_assert_cmpstr (services[1], ==, "exec");
  g_assert_true (g_variant_lookup (duo->server.hello, "agent", "&s", &agent));
  g_assert_cmpstr (agent, ==, "duo 1");
  /* Nothing is due when nothing happens; the session outlives every deadline of its greeting. */
  duo_run (duo, 120000);
  g_assert_false (duo->client.closed || duo->server.closed);
}

/* The server's host takes its time, and then says no. */
static void
test_turned_away (void)
{
  g_autoptr (Duo) duo = duo_new (2);
  g_autoptr (Asked) asked = NULL;

  duo->server.keep_unwelcome = TRUE;
  duo_connect (duo);
  asked = duo_ask (duo, "{}");
  duo_run (duo, 20000);
  g_assert_false (asked->answered);
  session_close (duo->server.session, "refused", "alice has no \033[31maccount");
  g_assert_false (duo->server.closed);
  duo_until (duo, duo->client.closed && duo->server.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_assert_nonnull (strstr (duo->client.error->message, "alice has no ?[31maccount"));
  g_assert_no_error (duo->server.error);
  g_assert_true (asked->answered);
  g_assert_error (asked->error, MUX_ERROR, MUX_ERROR_REFUSED);
}

static void
goodbye (gboolean by_server, const char *code, gboolean fault, guint loss)
{
  g_autoptr (Duo) duo = duo_new_welcome (3 + loss);
  Side *first = by_server ? &duo->server : &duo->client;
  Side *second = by_server ? &duo->client : &duo->server;
  Tap *client, *server;
  guint64 before;

  duo_channel (duo, &client, &server);
  link_conditions (duo->link)->loss = loss;
  before = link_now (duo->link);
  session_close (first->session, code, "that is all");
  session_close (first->session, "other", "once is enough");
  duo_until (duo, second->closed && first->closed);
  g_assert_cmpuint (link_now (duo->link) - before, <, 3 * BASE_SECOND);
  g_assert_no_error (first->error);
  if (fault)
    {
      g_assert_error (second->error, MUX_ERROR, MUX_ERROR_REFUSED);
      g_assert_nonnull (strstr (second->error->message, "that is all"));
    }
  else
    g_assert_no_error (second->error);
  g_assert_true (g_str_has_prefix (client->events->str, "closed"));
  g_assert_true (g_str_has_prefix (server->events->str, "closed"));
  duo_run (duo, 10);
  g_assert_error (client->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_error (server->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static void
test_goodbye (void)
{
  goodbye (FALSE, "bye", FALSE, 0);
  goodbye (TRUE, "shutdown", FALSE, 0);
  goodbye (TRUE, "revoked", TRUE, 0);
  goodbye (FALSE, "bye", FALSE, 300);
}

/* The network is dead: goodbye is not heard, and this side ends all the same. */
static void
test_goodbye_unheard (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (9);
  guint64 before;

  /* Long quiet: a stale clock must not end it before it is said. */
  duo_run (duo, 9000);
  link_conditions (duo->link)->down = TRUE;
  before = link_now (duo->link);
  session_close (duo->client.session, "bye", "");
  duo_until (duo, duo->client.closed);
  g_assert_cmpuint (link_now (duo->link) - before, >=, 2 * BASE_SECOND);
  g_assert_cmpuint (link_now (duo->link) - before, <, 3 * BASE_SECOND);
  g_assert_no_error (duo->client.error);
  duo_until_limit (duo, duo->server.closed, 60 * 1000);
  g_assert_error (duo->server.error, MUX_ERROR, MUX_ERROR_LOST);
}

static void
test_lost (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (10);
  g_autoptr (Asked) asked = NULL;
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  link_conditions (duo->link)->down = TRUE;
  asked = duo_ask (duo, "{}");
  duo_until_limit (duo, duo->client.closed && duo->server.closed, 120 * 1000);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_LOST);
  g_assert_true (asked->answered);
  g_assert_nonnull (asked->error);
  duo_run (duo, 1);
  g_assert_error (client->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  /* Asking afterwards is answered, too, though no pass will ever come. */
  {
    g_autoptr (Asked) late = duo_ask (duo, "{}");

    duo_run (duo, 1);
    g_assert_error (late->error, MUX_ERROR, MUX_ERROR_GONE);
  }
}

/* Closing at each moment of the beginning. */
static void
test_close_early (void)
{
  for (guint wait = 0; wait < 80; wait += 4)
    for (guint by_server = 0; by_server < 2; by_server++)
      {
        g_autoptr (Duo) duo = duo_new (20 + wait);
        g_autoptr (Asked) asked = NULL;
        Side *side = by_server ? &duo->server : &duo->client;

        duo_connect (duo);
        asked = duo_ask (duo, "{}");
        duo_run (duo, wait);
        if (side->session == NULL)
          duo_until (duo, side->session != NULL);
        session_close (side->session, "bye", "");
        duo_until_limit (duo, duo->client.closed, 60 * 1000);
        duo_until (duo, asked->answered);
        if (duo->server.session != NULL)
          duo_until_limit (duo, duo->server.closed, 60 * 1000);
      }
}

static void
test_free_while_open (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (11);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 10000000, TRUE);
  duo_run (duo, 35);
  /* duo_free () takes the endpoints away under everything. */
}

static void
renewed_cb (Session *session, GVariant *renewed, const GError *error, gpointer user_data)
{
  char **result = user_data;

  g_free (*result);
  *result = error != NULL ? g_strdup (error->message) : g_variant_print (renewed, FALSE);
}

static void
test_renew (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (12);
  g_autofree char *first = NULL, *second = NULL, *third = NULL;

  session_renew (duo->client.session, "CSR", renewed_cb, &first);
  session_renew (duo->client.session, "CSR", renewed_cb, &second);
  g_assert_null (second);
  duo_until (duo, duo->server.csr != NULL && second != NULL);
  g_assert_nonnull (strstr (second, "already"));
  session_renewed (duo->server.session, "CERT", "CA", 12345, NULL);
  duo_until (duo, first != NULL);
  g_assert_cmpstr (first, ==, "{'certificate': <'CERT'>, 'ca': <'CA'>, 'expires': <int64 12345>}");
  g_clear_pointer (&duo->server.csr, g_free);
  session_renew (duo->client.session, "CSR", renewed_cb, &third);
  duo_until (duo, duo->server.csr != NULL);
  session_renewed (duo->server.session, NULL, NULL, 0, "not today");
  duo_until (duo, third != NULL);
  g_assert_nonnull (strstr (third, "not today"));
  g_clear_pointer (&third, g_free);
  session_renew (duo->client.session, "CSR", renewed_cb, &third);
  session_close (duo->server.session, "shutdown", "");
  duo_until (duo, duo->client.closed);
  g_assert_nonnull (strstr (third, "ended"));
}

/* A client that cannot come back is told all the same. */
static void
test_restarting (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (13);

  session_restart (duo->server.session, 7);
  duo_until (duo, duo->client.closed && duo->server.closed);
  g_assert_cmpuint (duo->client.restarting, ==, 7);
  g_assert_no_error (duo->server.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/greeting/welcome", test_welcome);
  g_test_add_func ("/greeting/turned-away", test_turned_away);
  g_test_add_func ("/greeting/goodbye", test_goodbye);
  g_test_add_func ("/greeting/goodbye-unheard", test_goodbye_unheard);
  g_test_add_func ("/greeting/lost", test_lost);
  g_test_add_func ("/greeting/close-early", test_close_early);
  g_test_add_func ("/greeting/free-while-open", test_free_while_open);
  g_test_add_func ("/greeting/renew", test_renew);
  g_test_add_func ("/greeting/restarting", test_restarting);
  return g_test_run ();
}

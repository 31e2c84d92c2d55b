/* A dial that UDP does not answer goes over ssh, and knows it only by another address. */
#include "transport/dial-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"

static void
relayed_cb (TransportRelay *relay, const NetAddress *address, const GError *error, gpointer user_data)
{
  TransportDial *dial = user_data;
  GArray *addresses;

  if (error != NULL)
    {
      transport_dial_answer (dial, NULL, g_error_copy (error));
      return;
    }
  addresses = g_array_new (FALSE, FALSE, sizeof *address);
  g_array_append_val (addresses, *address);
  dial->timeout_ms = dial->transport->dial_timeout_ms;
  transport_dial_addresses (dial, addresses);
}

/* Nobody is there to answer a question. */
static char **
quiet_command (char **argv)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add_many (builder, argv[0], "-o", "BatchMode=yes", NULL);
  g_strv_builder_addv (builder, (const char **) argv + 1);
  return g_strv_builder_end (builder);
}

gboolean
transport_dial_relay (TransportDial *dial, const GError *error)
{
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) failure = NULL;

  if (!g_error_matches (error, MUX_ERROR, MUX_ERROR_UNREACHABLE) || !dial->may_relay || dial->relay != NULL
      || dial->client->relay_command == NULL)
    return FALSE;
  g_clear_pointer (&dial->race, transport_race_free);
  transport_progress (dial->transport,
                      g_strdup_printf (_("%s does not answer by UDP: going over ssh until it does"),
                                       dial->client->remote_address));
  argv = dial->quiet ? quiet_command (dial->client->relay_command) : g_strdupv (dial->client->relay_command);
  dial->relay = transport_relay_new (dial->transport, (const char *const *) argv, relayed_cb, dial, &failure);
  if (dial->relay == NULL)
    transport_dial_answer (dial, NULL, g_steal_pointer (&failure));
  return TRUE;
}

/* What a person sees of a session. */
#include "transport/peer-session.h"

static const char *
state_name (MuxSessionState state)
{
  static const char *const names[] = {
    [MUX_SESSION_CONNECTING] = "connecting",
    [MUX_SESSION_CONNECTED] = "connected",
    [MUX_SESSION_AWAY] = "away",
    [MUX_SESSION_CLOSED] = "closed",
  };

  return names[state];
}

static void
add_text (GVariantDict *dict, const char *name, const char *value)
{
  if (value != NULL)
    g_variant_dict_insert (dict, name, "s", value);
}

/* Counters are those of all its connections, the rest is of the one it has. */
static void
add_path (GVariantDict *dict, const MuxSession *self, QuicConnection *connection)
{
  QuicConnectionInfo info = { 0 };

  if (connection != NULL)
    {
      quic_connection_info (connection, &info);
      g_variant_dict_insert (dict, "rtt", "d", (double) info.smoothed_rtt_us / 1000);
      g_variant_dict_insert (dict, "cwnd", "t", info.cwnd);
    }
  g_variant_dict_insert (dict, "bytes_in", "t", self->past.bytes_in + info.bytes_in);
  g_variant_dict_insert (dict, "bytes_out", "t", self->past.bytes_out + info.bytes_out);
  g_variant_dict_insert (dict, "lost", "t", self->past.packets_lost + info.packets_lost);
  g_variant_dict_insert (dict, "migrations", "u", self->past.migrations + info.migrations);
}

GVariant *
transport_session_describe (MuxSession *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  QuicConnection *connection = session_connection (self->session);
  g_autoptr (GVariant) channels = transport_admission_describe_channels (self);

  transport_session_note_addresses (self);
  g_variant_dict_insert (&dict, "id", "s", session_id (self->session));
  g_variant_dict_insert (&dict, "direction", "s", self->incoming ? "in" : "out");
  g_variant_dict_insert (&dict, "state", "s", state_name (transport_session_state (self)));
  g_variant_dict_insert (&dict, "since", "x", self->since);
  if (self->waiting > 0)
    g_variant_dict_insert (&dict, "waiting", "u", self->waiting);
  if (!self->incoming)
    add_text (&dict, "path", self->relay != NULL ? "ssh" : "udp");
  g_variant_dict_insert (&dict, "aways", "u", self->aways);
  if (self->away_since != 0)
    g_variant_dict_insert (&dict, "away_since", "x", self->away_since);
  g_variant_dict_insert (&dict, "raw", "b", session_is_raw (self->session));
  g_variant_dict_insert_value (&dict, "channels", channels);
  add_text (&dict, "user", self->user);
  add_text (&dict, "device", self->device);
  add_text (&dict, "serial", self->serial);
  add_text (&dict, "peer", self->peer);
  add_text (&dict, "local", self->local);
  add_text (&dict, "target", self->target);
  add_text (&dict, "agent", self->agent);
  add_text (&dict, "listener", self->listener_address);
  if (self->services != NULL)
    g_variant_dict_insert (&dict, "services", "^as", self->services);
  if (self->error != NULL)
    add_text (&dict, "error", self->error->message);
  add_path (&dict, self, connection);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* The golden list of the contract: names, order, types and values of minor version 0, which stay for ever. A
 * younger member is appended, and gets no row here. */
#include <mux/transport.h>

#include "unit/abi/layout.h"

typedef struct
{
  const char *name;
  gsize offset;
} Row;

/* One row; another type does not compile. */
#define ROW(struct, member, ...)                                                                             \
  {                                                                                                          \
#struct "." #member,                                                                                     \
        G_STRUCT_OFFSET(struct, member)                                                                      \
            + 0                                                                                              \
                  * sizeof(char[__builtin_types_compatible_p(__typeof__(((struct *)0)->member), __VA_ARGS__) \
                                    ? 1                                                                      \
                                    : -1])                                                                   \
  }

static const Row desc[] = {
  ROW (MuxPluginDesc, struct_size, gsize),
  ROW (MuxPluginDesc, abi, guint32),
  ROW (MuxPluginDesc, name, const char *),
  ROW (MuxPluginDesc, version, const char *),
  ROW (MuxPluginDesc, description, const char *),
  ROW (MuxPluginDesc, activate, gpointer (*) (const MuxHost *, GError **)),
  ROW (MuxPluginDesc, deactivate, void (*) (gpointer)),
};

static const Row host[] = {
  ROW (MuxHost, struct_size, gsize),
  ROW (MuxHost, abi, guint32),
  ROW (MuxHost, user_data, gpointer),
  ROW (MuxHost, application, const char *),
  ROW (MuxHost, system_mode, gboolean),
  ROW (MuxHost, context, GMainContext *),
  ROW (MuxHost, config_path, const char *),
  ROW (MuxHost, bus, GDBusConnection *),
  ROW (MuxHost, register_transport,
       void (*) (gpointer, const char *, const MuxTransportOps *, MuxTransport *)),
  ROW (MuxHost, unregister_transport, void (*) (gpointer, MuxTransport *)),
  ROW (MuxHost, authorize, gboolean (*) (gpointer, GVariant *, GError **)),
  ROW (MuxHost, channel_opened, void (*) (gpointer, MuxSession *, GVariant *, GIOStream *)),
  ROW (MuxHost, channel_event, void (*) (gpointer, MuxSession *, GIOStream *, const char *, GVariant *)),
  ROW (MuxHost, session_changed, void (*) (gpointer, MuxSession *, MuxSessionState, const GError *)),
  ROW (MuxHost, progress, void (*) (gpointer, const char *)),
};

static const Row transport[] = {
  ROW (MuxTransportOps, struct_size, gsize),
  ROW (MuxTransportOps, start, gboolean (*) (MuxTransport *, GError **)),
  ROW (MuxTransportOps, stop_async, void (*) (MuxTransport *, GAsyncReadyCallback, gpointer)),
  ROW (MuxTransportOps, stop_finish, gboolean (*) (MuxTransport *, GAsyncResult *, GError **)),
  ROW (MuxTransportOps, reload, gboolean (*) (MuxTransport *, GError **)),
  ROW (MuxTransportOps, connect_async,
       void (*) (MuxTransport *, const char *, GVariant *, GCancellable *, GAsyncReadyCallback, gpointer)),
  ROW (MuxTransportOps, connect_finish, MuxSession *(*)(MuxTransport *, GAsyncResult *, GError **)),
  ROW (MuxTransportOps, session_ops, const MuxSessionOps *(*)(MuxTransport *)),
  ROW (MuxTransportOps, describe, GVariant *(*)(MuxTransport *)),
  ROW (MuxTransportOps, check, char **(*)(MuxTransport *, const char *, guint *)),
  ROW (MuxTransportOps, dup_setting, GVariant *(*)(MuxTransport *, const char *)),
};

static const Row session[] = {
  ROW (MuxSessionOps, struct_size, gsize),
  ROW (MuxSessionOps, ref, MuxSession *(*)(MuxSession *)),
  ROW (MuxSessionOps, unref, void (*) (MuxSession *)),
  ROW (MuxSessionOps, open_channel_async,
       void (*) (MuxSession *, GVariant *, GCancellable *, GAsyncReadyCallback, gpointer)),
  ROW (MuxSessionOps, open_channel_finish, GIOStream *(*)(MuxSession *, GAsyncResult *, GError **)),
  ROW (MuxSessionOps, accept_channel, void (*) (MuxSession *, GIOStream *)),
  ROW (MuxSessionOps, refuse_channel, void (*) (MuxSession *, GIOStream *, const char *, const char *)),
  ROW (MuxSessionOps, lane, GIOStream *(*)(MuxSession *, GIOStream *, const char *, GError **)),
  ROW (MuxSessionOps, send_event, void (*) (MuxSession *, GIOStream *, const char *, GVariant *)),
  ROW (MuxSessionOps, set_manual, void (*) (MuxSession *, GIOStream *)),
  ROW (MuxSessionOps, confirm, void (*) (MuxSession *, GIOStream *, guint64)),
  ROW (MuxSessionOps, renew_async, void (*) (MuxSession *, GCancellable *, GAsyncReadyCallback, gpointer)),
  ROW (MuxSessionOps, renew_finish, gboolean (*) (MuxSession *, GAsyncResult *, GError **)),
  ROW (MuxSessionOps, describe, GVariant *(*)(MuxSession *)),
  ROW (MuxSessionOps, describe_channel, GVariant *(*)(MuxSession *, GIOStream *)),
  ROW (MuxSessionOps, close_async, void (*) (MuxSession *, GAsyncReadyCallback, gpointer)),
  ROW (MuxSessionOps, close_finish, gboolean (*) (MuxSession *, GAsyncResult *, GError **)),
};

G_STATIC_ASSERT (ABI_HOST_SIZE == G_N_ELEMENTS (host) * sizeof (gpointer));
G_STATIC_ASSERT (ABI_TRANSPORT_OPS_SIZE == G_N_ELEMENTS (transport) * sizeof (gpointer));
G_STATIC_ASSERT (ABI_SESSION_OPS_SIZE == G_N_ELEMENTS (session) * sizeof (gpointer));

/* Every member takes the room of a pointer, on 32 and on 64 bits. */
static void
check (const Row *rows, gsize n, gsize size)
{
  for (gsize i = 0; i < n; i++)
    if (rows[i].offset != i * sizeof (gpointer))
      g_error ("%s is at %zu, not at %zu as in version 1.0", rows[i].name, rows[i].offset,
               i * sizeof (gpointer));
  g_assert_cmpuint (size, >=, n * sizeof (gpointer));
}

static void
test_members (void)
{
  check (desc, G_N_ELEMENTS (desc), sizeof (MuxPluginDesc));
  check (host, G_N_ELEMENTS (host), sizeof (MuxHost));
  check (transport, G_N_ELEMENTS (transport), sizeof (MuxTransportOps));
  check (session, G_N_ELEMENTS (session), sizeof (MuxSessionOps));
}

static void
test_values (void)
{
  static const int errors[] = {
    MUX_ERROR_FAILED,      MUX_ERROR_CONFIG, MUX_ERROR_PKI,       MUX_ERROR_UNKNOWN_TARGET,
    MUX_ERROR_UNREACHABLE, MUX_ERROR_TLS,    MUX_ERROR_REFUSED,   MUX_ERROR_PROTOCOL,
    MUX_ERROR_LOST,        MUX_ERROR_GONE,   MUX_ERROR_ENROLMENT, MUX_ERROR_LIMIT,
  };
  static const int states[]
      = { MUX_SESSION_CONNECTING, MUX_SESSION_CONNECTED, MUX_SESSION_AWAY, MUX_SESSION_CLOSED };

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    g_assert_cmpint (errors[i], ==, i);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    g_assert_cmpint (states[i], ==, i);
  g_assert_cmpuint (sizeof (MuxError), ==, sizeof (int));
  g_assert_cmpuint (MUX_ABI_MAJOR, ==, 1);
  g_assert_cmpuint (MUX_ABI, ==, 0x10000u + MUX_ABI_MINOR);
  g_assert_cmpuint (MUX_ABI_MAJOR_OF (0x12345678u), ==, 0x1234);
  g_assert_cmpstr (MUX_PLUGIN_QUERY_SYMBOL, ==, "mux_plugin_query");
  g_assert_cmpstr (g_quark_to_string (MUX_ERROR), ==, "mux-error-quark");
}

/* What a younger side asks of an older one, byte by byte of its size. */
static void
test_has (void)
{
  MuxHost older = { .struct_size = ABI_HOST_SIZE };
  struct
  {
    gsize struct_size;
    gpointer first;
    guint16 second;
    guint16 third;
  } younger = { .struct_size = 0 };

  g_assert_true (MUX_HAS (&older, struct_size) && MUX_HAS (&older, progress));
  older.struct_size = G_STRUCT_OFFSET (MuxHost, progress);
  g_assert_true (MUX_HAS (&older, session_changed));
  g_assert_false (MUX_HAS (&older, progress));
  older.struct_size = ABI_HOST_SIZE - 1;
  g_assert_false (MUX_HAS (&older, progress));
  younger.struct_size = G_STRUCT_OFFSET (__typeof__ (younger), third);
  g_assert_true (MUX_HAS (&younger, first) && MUX_HAS (&younger, second));
  g_assert_false (MUX_HAS (&younger, third));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/abi/layout/members", test_members);
  g_test_add_func ("/abi/layout/values", test_values);
  g_test_add_func ("/abi/layout/has", test_has);
  return g_test_run ();
}

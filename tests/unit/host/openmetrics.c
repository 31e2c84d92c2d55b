#include "host/openmetrics.h"

static char *
format (const char *stats, const char *version)
{
  g_autoptr (GVariant) parsed = g_variant_parse (G_VARIANT_TYPE_VARDICT, stats, NULL, NULL, NULL);

  return host_openmetrics_format (parsed, version);
}

#define HEAD                                                                                                 \
  "# HELP mux_quic_up Whether the host runs.\n"                                                              \
  "# TYPE mux_quic_up gauge\n"                                                                               \
  "mux_quic_up 1\n"                                                                                          \
  "# HELP mux_quic_build_info Always 1, with the version that runs.\n"                                       \
  "# TYPE mux_quic_build_info gauge\n"

static void
test_text (void)
{
  g_autofree char *text = format (
      "{'sessions': <uint32 3>, 'bytes_in': <uint64 18446744073709551615>, 'started': <int64 1700000000>,"
      " 'what_a_later_host_knows': <uint64 1>, 'channels': <'of another type'>}",
      "0.1 \"a\\b\"");

  g_assert_cmpstr (text, ==,
                   HEAD "mux_quic_build_info{version=\"0.1 \\\"a\\\\b\\\"\"} 1\n"
                        "# HELP mux_quic_start_time_seconds Unix time at which the host began to serve.\n"
                        "# TYPE mux_quic_start_time_seconds gauge\n"
                        "# UNIT mux_quic_start_time_seconds seconds\n"
                        "mux_quic_start_time_seconds 1700000000\n"
                        "# HELP mux_quic_sessions Sessions, with a connection or without.\n"
                        "# TYPE mux_quic_sessions gauge\n"
                        "mux_quic_sessions 3\n"
                        "# HELP mux_quic_received_bytes UDP payload received.\n"
                        "# TYPE mux_quic_received_bytes counter\n"
                        "# UNIT mux_quic_received_bytes bytes\n"
                        "mux_quic_received_bytes_total 9223372036854775807\n"
                        "# EOF\n");
}

static void
test_nothing_is_known (void)
{
  g_autofree char *text = format ("{}", "1.2.3");
  g_autofree char *down = host_openmetrics_format_down ();

  g_assert_cmpstr (text, ==, HEAD "mux_quic_build_info{version=\"1.2.3\"} 1\n# EOF\n");
  g_assert_cmpstr (
      down, ==,
      "# HELP mux_quic_up Whether the host runs.\n# TYPE mux_quic_up gauge\nmux_quic_up 0\n# EOF\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/openmetrics/text", test_text);
  g_test_add_func ("/openmetrics/nothing-is-known", test_nothing_is_known);
  return g_test_run ();
}

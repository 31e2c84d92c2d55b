#include "base/heap.h"
#include "quic/throttle.h"

static void
test_rate (void)
{
  QuicThrottle throttle;
  guint64 now = 5 * BASE_SECOND;
  guint let = 0;

  quic_throttle_init (&throttle, 100, 10);
  while (quic_throttle_take (&throttle, now))
    let++;
  g_assert_cmpuint (let, ==, 10);
  g_assert_false (quic_throttle_take (&throttle, now + 9 * BASE_MILLISECOND));
  g_assert_true (quic_throttle_take (&throttle, now + 10 * BASE_MILLISECOND));
  let = 0;
  for (guint i = 0; i < 100000; i++)
    let += quic_throttle_take (&throttle, now + 10 * BASE_MILLISECOND + i * (10 * BASE_SECOND / 100000));
  g_assert_cmpuint (let, >=, 999);
  g_assert_cmpuint (let, <=, 1010);
  /* Time that falls back, and a pause of years. */
  g_assert_false (quic_throttle_take (&throttle, 0));
  let = 0;
  while (quic_throttle_take (&throttle, G_MAXUINT64 - 1))
    let++;
  g_assert_cmpuint (let, ==, 10);
}

static NetAddress
address (const char *host, guint16 port)
{
  NetAddress result;

  g_assert_true (net_address_from_numeric (&result, host, port));
  return result;
}

static void
test_sources (void)
{
  static const struct
  {
    const char *a, *b;
    gboolean same;
  } pairs[] = {
    { "192.0.2.1", "192.0.2.1", TRUE },          { "192.0.2.1", "192.0.2.2", FALSE },
    { "192.0.2.1", "::ffff:192.0.2.1", TRUE },   { "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", TRUE },
    { "2001:db8::1", "2001:db8:0:1::1", FALSE }, { "::1", "127.0.0.1", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      QuicSources *sources = quic_sources_new (3);
      NetAddress a = address (pairs[i].a, 1000), b = address (pairs[i].b, 2000);

      for (guint n = 0; n < 3; n++)
        {
          g_assert_false (quic_sources_full (sources, &a));
          quic_sources_enter (sources, &a);
        }
      g_assert_true (quic_sources_full (sources, &a));
      g_assert_cmpint (quic_sources_full (sources, &b), ==, pairs[i].same);
      quic_sources_leave (sources, &a);
      g_assert_false (quic_sources_full (sources, &a));
      quic_sources_leave (sources, &a);
      quic_sources_leave (sources, &a);
      quic_sources_free (sources);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quic/throttle/rate", test_rate);
  g_test_add_func ("/quic/throttle/sources", test_sources);
  return g_test_run ();
}

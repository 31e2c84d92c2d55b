/* The gate against a hand-made clock, and that a message carries its room and text. */
#define BASE_LOG_ROOM "the-room"

#include "base/heap.h"
#include "base/log.h"

#define INTERVAL (10 * BASE_SECOND)

static void
test_gate (void)
{
  BaseLogGate gate = { 0 };
  guint64 now = 5 * BASE_SECOND;

  g_assert_true (base_log_gate (&gate, now, 2, INTERVAL));
  g_assert_true (base_log_gate (&gate, now + 1, 2, INTERVAL));
  g_assert_false (base_log_gate (&gate, now + 2, 2, INTERVAL));
  g_assert_false (base_log_gate (&gate, now + INTERVAL - 1, 2, INTERVAL));
  g_assert_cmpuint (gate.suppressed, ==, 2);

  g_assert_true (base_log_gate (&gate, now + INTERVAL, 2, INTERVAL));
  g_assert_cmpuint (gate.suppressed, ==, 2);
  g_assert_true (base_log_gate (&gate, now + INTERVAL, 2, INTERVAL));
  g_assert_cmpuint (gate.suppressed, ==, 0);
  g_assert_false (base_log_gate (&gate, now + INTERVAL, 2, INTERVAL));
  g_assert_cmpuint (gate.suppressed, ==, 1);
}

static void
test_gate_from_zero (void)
{
  BaseLogGate gate = { 0 };

  g_assert_true (base_log_gate (&gate, 0, 1, INTERVAL));
  g_assert_false (base_log_gate (&gate, 0, 1, INTERVAL));
  g_assert_false (base_log_gate (&gate, 1, 1, INTERVAL));
  g_assert_true (base_log_gate (&gate, INTERVAL + 1, 1, INTERVAL));
}

static void
test_gate_bound (void)
{
  BaseLogGate gate = { 0 };
  guint through = 0;

  for (guint i = 0; i < 10000; i++)
    through += base_log_gate (&gate, BASE_SECOND + i * BASE_MILLISECOND, 3, BASE_SECOND);
  g_assert_cmpuint (through, ==, 3 * 10);
}

typedef struct
{
  guint messages;
  GLogLevelFlags level;
  char *room, *text;
} Seen;

static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  Seen *seen = user_data;

  seen->messages++;
  seen->level = level & G_LOG_LEVEL_MASK;
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MUX_ROOM"))
      {
        g_free (seen->room);
        seen->room = g_strdup (fields[i].value);
      }
    else if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        g_free (seen->text);
        seen->text = g_strdup (fields[i].value);
      }
  return G_LOG_WRITER_HANDLED;
}

static Seen seen;

static void
test_fields (void)
{
  seen.messages = 0;
  base_info ("%d of %s", 2, "five");
  g_assert_cmpuint (seen.messages, ==, 1);
  g_assert_cmpuint (seen.level, ==, G_LOG_LEVEL_INFO);
  g_assert_cmpstr (seen.room, ==, "the-room");
  g_assert_cmpstr (seen.text, ==, "2 of five");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_cb, &seen, NULL);
  g_test_add_func ("/base/log/gate", test_gate);
  g_test_add_func ("/base/log/gate-from-zero", test_gate_from_zero);
  g_test_add_func ("/base/log/gate-bound", test_gate_bound);
  g_test_add_func ("/base/log/fields", test_fields);
  result = g_test_run ();
  g_free (seen.room);
  g_free (seen.text);
  return result;
}

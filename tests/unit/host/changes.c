#include "host/changes.h"

#define LISTENER "{'address': <'[::]:9001'>, 'connections': <uint32 1>}"
#define ALICE                                                                                                \
  "'id': <'a1'>, 'direction': <'in'>, 'user': <'alice'>, 'device': <'laptop'>, 'peer': <'10.0.0.7:1'>"
#define SERVER "'role': <'server'>, 'serial': <'5e'>, 'not_after': <int64 1000>"

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *status = text == NULL ? NULL : g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return status;
}

/* The changes, as "EVENT TEXT" joined by "|". */
static char *
tell (const char *before, const char *after)
{
  g_autoptr (GVariant) was = parse (before);
  g_autoptr (GVariant) is = parse (after);
  g_autoptr (GPtrArray) changes = host_changes_between (was, is);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < changes->len; i++)
    {
      HostChange *change = changes->pdata[i];

      g_assert_true (g_str_has_prefix (change->event, change->kind));
      g_assert_true (g_variant_is_of_type (change->subject, G_VARIANT_TYPE_VARDICT));
      g_string_append_printf (text, "%s%s %s", i > 0 ? "|" : "", change->event, change->text);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_table (void)
{
  static const struct
  {
    const char *before, *after, *changes;
  } cases[] = {
    { NULL, "{'sessions': <@aa{sv} []>}", "" },
    { NULL, "{'listeners': <[" LISTENER "]>, 'sessions': <[{" ALICE ", 'state': <'connected'>}]>}",
      "listener-added listening on [::]:9001|session-added alice/laptop: connected, 10.0.0.7:1" },
    { "{'listeners': <[" LISTENER "]>}", "{'listeners': <[" LISTENER "]>}", "" },
    /* Counters are no news. */
    { "{'listeners': <[{'address': <'a:1'>, 'connections': <uint32 1>}]>}",
      "{'listeners': <[{'address': <'a:1'>, 'connections': <uint32 2>}]>}", "" },
    { "{'sessions': <[{" ALICE ", 'state': <'connected'>, 'rtt': <1.0>}]>}",
      "{'sessions': <[{" ALICE ", 'state': <'connected'>, 'rtt': <2.0>}]>}", "" },
    { "{'listeners': <[" LISTENER "]>}", "{'listeners': <[{'address': <'[::]:9002'>}]>}",
      "listener-removed no longer listening on [::]:9001|listener-added listening on [::]:9002" },
    { "{'sessions': <[{" ALICE ", 'state': <'connected'>}]>}",
      "{'sessions': <[{" ALICE ", 'state': <'away'>}]>}", "session-changed alice/laptop: away" },
    { "{'sessions': <[{" ALICE ", 'state': <'away'>}]>}",
      "{'sessions': <[{" ALICE ", 'state': <'connected'>}]>}",
      "session-changed alice/laptop: connected, 10.0.0.7:1" },
    { "{'sessions': <[{" ALICE "}]>}",
      "{'sessions': <[{'id': <'a1'>, 'direction': <'in'>, 'user': <'alice'>, 'peer': <'10.0.0.8:2'>}]>}",
      "session-changed alice: moved to 10.0.0.8:2" },
    { "{'sessions': <[{" ALICE ", 'path': <'ssh'>}]>}", "{'sessions': <[{" ALICE ", 'path': <'udp'>}]>}",
      "session-changed alice/laptop: goes over UDP" },
    { "{'sessions': <[{" ALICE "}]>}", "{'sessions': <[{" ALICE ", 'channels': <[{'id': <uint64 1>}]>}]>}",
      "session-changed alice/laptop: 1 channel" },
    { "{'sessions': <[{" ALICE ", 'channels': <[{'id': <uint64 1>}]>}]>}", "{'sessions': <[{" ALICE "}]>}",
      "session-changed alice/laptop: 0 channels" },
    { "{'sessions': <[{" ALICE "}]>}", "{}", "session-removed alice/laptop: ended" },
    /* Both ends of a session may be here, under one id. */
    { "{'sessions': <[{" ALICE "}]>}",
      "{'sessions': <[{" ALICE "}, {'id': <'a1'>, 'direction': <'out'>, 'target': <'work'>, 'state': "
                               "<'connected'>, 'peer': <'b:9'>}]>}",
      "session-added → work: connected, b:9" },
    { "{'certificates': <[{" SERVER "}]>}", "{'certificates': <[{" SERVER ", 'problem': <'disk full'>}]>}",
      "certificate-changed certificate (server) 5e cannot be renewed: disk full" },
    { "{'certificates': <[{" SERVER ", 'problem': <'disk full'>}]>}", "{'certificates': <[{" SERVER "}]>}",
      "certificate-changed certificate (server) 5e is renewed again" },
    { "{'certificates': <[{" SERVER "}]>}",
      "{'certificates': <[{'role': <'server'>, 'serial': <'5f'>, 'not_after': <int64 1000>}]>}",
      "certificate-removed certificate (server) 5e is not used any more|"
      "certificate-added certificate (server) 5f, valid until 1970-01-01 00:16" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *changes = tell (cases[i].before, cases[i].after);

      g_assert_cmpstr (changes, ==, cases[i].changes);
    }
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/changes/table", test_table);
  return g_test_run ();
}

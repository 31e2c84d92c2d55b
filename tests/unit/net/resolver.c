/* Splitting as a table; looking up against a name service made here, so that no network is asked. */
#include "net/resolver.h"

#include <mux/plugin.h>
#include <string.h>

typedef struct
{
  const char *text, *host; /* NULL = refused */
  guint port;
} Row;

static const Row rows[] = {
  { "localhost:9001", "localhost", 9001 },
  { "127.0.0.1:1", "127.0.0.1", 1 },
  { "host.example:65535", "host.example", 65535 },
  { "host.example:0", "host.example", 0 },
  { "host.example", "host.example", 77 },
  { "[::1]:9001", "::1", 9001 },
  { "[::]:0", "::", 0 },
  { "[::1]", "::1", 77 },
  { "::1", "::1", 77 },
  { "fe80::1%lo", "fe80::1%lo", 77 },
  { "[fe80::1%lo]:9001", "fe80::1%lo", 9001 },
  { "[fe80::1%1]:9001", "fe80::1%1", 9001 },
  { "_service.example:5", "_service.example", 5 },
  { "b\xc3\xbc"
    "cher.example:5",
    "b\xc3\xbc"
    "cher.example",
    5 },
  { "" },
  { ":" },
  { ":9001" },
  { "host:" },
  { "host:65536" },
  { "host:-1" },
  { "host:9x" },
  { "host: 9" },
  { "host :9" },
  { "ho st:9" },
  { "[::1" },
  { "[::1]9001" },
  { "[::1]:" },
  { "[::1]:70000" },
  { "[]:9001" },
  { "[localhost]:9001" },
  { "[127.0.0.1]:9001" },
  { "a:b:c" },
  { "::1:x" },
  { "[fe80::1%no-such-interface]:1" },
  { "-oProxyCommand=x:22" },
  { "-v" },
  { "a\nb:1" },
  { "user@host:1" },
  { "a/b:1" },
  { "a;b" },
  { "*:9001" },
  { "\xff\xfe:1" },
};

static void
test_split (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *host = NULL;
      guint16 port = 4242;
      gboolean split = net_resolver_split (rows[i].text, 77, &host, &port, &error);

      g_test_message ("row %" G_GSIZE_FORMAT ": %s", i, error != NULL ? error->message : host);
      g_assert_true (split == (rows[i].host != NULL));
      g_assert_cmpstr (host, ==, rows[i].host);
      g_assert_cmpuint (port, ==, split ? rows[i].port : 4242);
      if (split)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
      if (g_utf8_validate (rows[i].text, -1, NULL))
        g_assert_nonnull (strstr (error->message, rows[i].text));
    }
}

static void
test_split_long (void)
{
  g_autofree char *name = g_strnfill (254, 'a');
  g_autofree char *host = NULL;
  guint16 port;

  g_assert_false (net_resolver_split (name, 1, &host, &port, NULL));
  name[253] = '\0';
  g_assert_true (net_resolver_split (name, 1, &host, &port, NULL));
}

/* A name service that knows two names, and counts its questions. */
#define TEST_TYPE_RESOLVER (test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

struct _TestResolver
{
  GResolver parent;
  guint questions;
};

G_DEFINE_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static GList *
answer (TestResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  static const char *const known[] = { "2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.1" };
  GList *list = NULL;

  resolver->questions++;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (g_str_equal (name, "many.example"))
    for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
      list = g_list_append (list, g_inet_address_new_from_string (known[i]));
  if (list == NULL && !g_str_equal (name, "none.example"))
    g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no %s here", name);
  return list;
}

static GList *
lookup_by_name (GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  return answer (TEST_RESOLVER (resolver), name, cancellable, error);
}

static void
free_list_cb (gpointer list)
{
  g_resolver_free_addresses (list);
}

static void
lookup_by_name_async (GResolver *resolver, const char *name, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GError *error = NULL;
  GList *list = answer (TEST_RESOLVER (resolver), name, cancellable, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, list, free_list_cb);
}

static GList *
lookup_by_name_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name = lookup_by_name;
  resolver_class->lookup_by_name_async = lookup_by_name_async;
  resolver_class->lookup_by_name_finish = lookup_by_name_finish;
}

static void
test_resolver_init (TestResolver *resolver)
{
}

static TestResolver *service;

static void
answered_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* Both forms must say the same; @async chooses. */
static GArray *
look_up (gboolean async, const char *host, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (!async)
    return net_resolver_lookup (host, 9001, cancellable, error);
  net_resolver_lookup_async (host, 9001, cancellable, answered_cb, &result);
  g_assert_null (result); /* never from inside the call */
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return net_resolver_lookup_finish (result, error);
}

static void
assert_addresses (GArray *addresses, const char *const *expected)
{
  g_assert_nonnull (addresses);
  g_assert_cmpuint (addresses->len, ==, g_strv_length ((char **) expected));
  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *text = net_address_to_string (&g_array_index (addresses, NetAddress, i));

      g_assert_cmpstr (text, ==, expected[i]);
    }
}

static void
test_numeric (gconstpointer async)
{
  static const char *const hosts[] = { "127.0.0.1", "::1", "fe80::5%lo" };
  static const char *const expected[] = { "127.0.0.1:9001", "[::1]:9001", "[fe80::5%lo]:9001" };
  guint before = service->questions;

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GArray) addresses = look_up (GPOINTER_TO_INT (async), hosts[i], NULL, &error);

      g_assert_no_error (error);
      assert_addresses (addresses, (const char *const[]){ expected[i], NULL });
    }
  g_assert_cmpuint (service->questions, ==, before);
}

static void
test_names (gconstpointer async)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) addresses = look_up (GPOINTER_TO_INT (async), "many.example", NULL, &error);

  g_assert_no_error (error);
  assert_addresses (addresses,
                    (const char *const[]){ "[2001:db8::1]:9001", "192.0.2.1:9001", "192.0.2.2:9001", NULL });
}

static void
test_failures (gconstpointer async)
{
  static const char *const hosts[] = { "unknown.example", "none.example" };

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (look_up (GPOINTER_TO_INT (async), hosts[i], NULL, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_UNREACHABLE);
      g_assert_nonnull (strstr (error->message, hosts[i]));
      g_assert_null (look_up (GPOINTER_TO_INT (async), hosts[i], NULL, NULL));
    }
}

static void
test_cancelled (gconstpointer async)
{
  static const char *const hosts[] = { "many.example", "unknown.example" };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (look_up (GPOINTER_TO_INT (async), hosts[i], cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
add_both (const char *name, GTestDataFunc func)
{
  g_autofree char *sync = g_strconcat ("/net/resolver/", name, "/sync", NULL);
  g_autofree char *async = g_strconcat ("/net/resolver/", name, "/async", NULL);

  g_test_add_data_func (sync, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (async, GINT_TO_POINTER (TRUE), func);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  service = g_object_new (TEST_TYPE_RESOLVER, NULL);
  g_resolver_set_default (G_RESOLVER (service));
  g_test_add_func ("/net/resolver/split", test_split);
  g_test_add_func ("/net/resolver/split-long", test_split_long);
  add_both ("numeric", test_numeric);
  add_both ("names", test_names);
  add_both ("failures", test_failures);
  add_both ("cancelled", test_cancelled);
  result = g_test_run ();
  g_object_unref (service);
  return result;
}

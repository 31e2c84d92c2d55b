#include "control/routes.h"

#include "transport/peer-session.h"

typedef struct
{
  ControlRouteFunc func;
  gpointer user_data;
} Waiter;

typedef struct
{
  ControlRoutes *routes; /* NULL when nobody waits any more */
  MuxTransport *transport;
  char *target;
  GCancellable *cancellable;
  GArray *waiters;
} Dial;

typedef struct
{
  guint count;
  gboolean dialled; /* by us: ours to end */
} Use;

struct _ControlRoutes
{
  MuxTransport *transport;
  GPtrArray *dials; /* of Dial: each ends with its callback */
  GHashTable *uses; /* MuxSession, referenced → Use */
};

static void
use (ControlRoutes *routes, MuxSession *session, gboolean dialled)
{
  Use *use = g_hash_table_lookup (routes->uses, session);

  if (use == NULL)
    {
      use = g_new0 (Use, 1);
      use->dialled = dialled;
      g_hash_table_insert (routes->uses, transport_session_ops.ref (session), use);
    }
  use->count++;
}

MuxSession *
control_routes_take (ControlRoutes *routes, const char *target)
{
  GPtrArray *sessions = transport_sessions (routes->transport);

  for (guint i = 0; i < sessions->len; i++)
    {
      MuxSession *session = sessions->pdata[i];

      if (session->incoming || g_strcmp0 (session->target, target) != 0 || session->closing.length > 0)
        continue;
      use (routes, session, FALSE);
      return session;
    }
  return NULL;
}

void
control_routes_release (ControlRoutes *routes, MuxSession *session)
{
  Use *use = g_hash_table_lookup (routes->uses, session);

  g_assert (use != NULL);
  if (--use->count > 0)
    return;
  if (use->dialled)
    transport_session_ops.close_async (session, NULL, NULL);
  g_hash_table_remove (routes->uses, session);
}

/* Dials */

static void
dial_free (Dial *dial)
{
  g_array_unref (dial->waiters);
  g_object_unref (dial->cancellable);
  g_free (dial->target);
  g_free (dial);
}

/* Nobody waits for it; its callback frees it. */
static void
abandon (Dial *dial)
{
  g_ptr_array_remove_fast (dial->routes->dials, dial);
  dial->routes = NULL;
  g_cancellable_cancel (dial->cancellable);
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Dial *dial = data;
  ControlRoutes *routes = dial->routes;
  g_autoptr (GError) error = NULL;
  g_autoptr (MuxSession) session = transport_ops.connect_finish (dial->transport, result, &error);

  if (routes != NULL)
    g_ptr_array_remove_fast (routes->dials, dial);
  else if (session != NULL)
    transport_session_ops.close_async (session, NULL, NULL);
  for (guint i = 0; routes != NULL && i < dial->waiters->len; i++)
    {
      Waiter *waiter = &g_array_index (dial->waiters, Waiter, i);

      if (session != NULL)
        use (routes, session, TRUE);
      waiter->func (session, error, waiter->user_data);
    }
  dial_free (dial);
}

static Dial *
find_dial (ControlRoutes *routes, const char *target)
{
  for (guint i = 0; i < routes->dials->len; i++)
    if (g_str_equal (((Dial *)routes->dials->pdata[i])->target, target))
      return routes->dials->pdata[i];
  return NULL;
}

void
control_routes_ask (ControlRoutes *routes, const char *target, ControlRouteFunc func, gpointer user_data)
{
  const Waiter waiter = { func, user_data };
  Dial *dial = find_dial (routes, target);

  if (dial != NULL)
    {
      g_array_append_val (dial->waiters, waiter);
      return;
    }
  dial = g_new0 (Dial, 1);
  dial->routes = routes;
  dial->transport = routes->transport;
  dial->target = g_strdup (target);
  dial->cancellable = g_cancellable_new ();
  dial->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  g_array_append_val (dial->waiters, waiter);
  g_ptr_array_add (routes->dials, dial);
  transport_ops.connect_async (routes->transport, target, NULL, dial->cancellable, dialled_cb, dial);
}

void
control_routes_forget (ControlRoutes *routes, gpointer user_data)
{
  for (guint i = routes->dials->len; i-- > 0;)
    {
      Dial *dial = routes->dials->pdata[i];

      for (guint k = dial->waiters->len; k-- > 0;)
        if (g_array_index (dial->waiters, Waiter, k).user_data == user_data)
          g_array_remove_index (dial->waiters, k);
      if (dial->waiters->len == 0)
        abandon (dial);
    }
}

ControlRoutes *
control_routes_new (MuxTransport *transport)
{
  ControlRoutes *routes = g_new0 (ControlRoutes, 1);

  routes->transport = transport;
  routes->dials = g_ptr_array_new ();
  routes->uses = g_hash_table_new_full (NULL, NULL, (GDestroyNotify)transport_session_ops.unref, g_free);
  return routes;
}

void
control_routes_free (ControlRoutes *routes)
{
  while (routes->dials->len > 0)
    abandon (routes->dials->pdata[0]);
  g_ptr_array_unref (routes->dials);
  g_assert (g_hash_table_size (routes->uses) == 0);
  g_hash_table_unref (routes->uses);
  g_free (routes);
}

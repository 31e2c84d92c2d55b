#include "unit/control/many.h"

#include <string.h>

#include "session/session-private.h"
#include "transport/peer-session.h"

void
many_add (Many *many)
{
  MuxTransport *transport = many->world->server->transport;
  MuxSession *copy = g_memdup2 (many->model, sizeof *copy);
  guint number = (guint)++transport->arrivals;

  copy->session = g_memdup2 (many->model->session, sizeof *copy->session);
  g_snprintf (copy->session->id, sizeof copy->session->id, "%032x", number);
  copy->number = number;
  copy->peer = g_strdup (many->model->peer);
  copy->local = g_strdup (many->model->local);
  copy->services_of = NULL;
  g_ptr_array_add (many->copies, copy);
  g_ptr_array_add (transport->sessions, copy);
  transport->observer->session_added (transport, copy, transport->observer_data);
}

void
many_remove (Many *many, guint i)
{
  MuxTransport *transport = many->world->server->transport;
  MuxSession *copy = g_ptr_array_remove_index (many->copies, i);

  transport->observer->session_removed (transport, copy, transport->observer_data);
  g_ptr_array_steal_index (transport->sessions, transport_sessions_after (transport, copy->number - 1));
  g_free (copy->session);
  g_free (copy->peer);
  g_free (copy->local);
  g_free (copy);
}

Many *
many_new (World *world, MuxSession *model, guint n)
{
  Many *many = g_new0 (Many, 1);

  many->world = world;
  many->model = model;
  many->copies = g_ptr_array_new ();
  for (guint i = 0; i < n; i++)
    many_add (many);
  return many;
}

void
many_free (Many *many)
{
  while (many->copies->len > 0)
    many_remove (many, many->copies->len - 1);
  g_ptr_array_unref (many->copies);
  g_free (many);
}

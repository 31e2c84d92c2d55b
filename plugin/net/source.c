#include "net/source.h"

#include "base/heap.h"

#include <time.h>

struct _NetSource
{
  GSource parent;
  NetUdp *udp;
  gpointer fd_tag;
  guint64 deadline;
  gboolean want_write;
  gboolean rearmed; /* a ready time was set since the dispatch began */
  NetSourceFunc func;
  gpointer user_data;
};

static gboolean
dispatch_cb (GSource *parent, GSourceFunc unused_callback, gpointer unused_data)
{
  NetSource *source = (NetSource *) parent;
  GIOCondition polled = g_source_query_unix_fd (parent, source->fd_tag);
  GIOCondition condition = polled & (G_IO_IN | G_IO_OUT);
  gboolean due = source->deadline != BASE_NEVER && source->deadline <= net_now ();

  /* An error queued on the socket is taken off by reading; otherwise poll would report it for ever. */
  if ((polled & (G_IO_ERR | G_IO_HUP)) != 0)
    condition |= G_IO_IN;
  source->rearmed = FALSE;
  source->func (source->udp, condition, source->user_data);
  if (g_source_is_destroyed (parent)) /* and the socket may be gone */
    return G_SOURCE_REMOVE;
  if (due && !source->rearmed)
    net_source_set_ready_time (source, BASE_NEVER);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = dispatch_cb };

void
net_source_set_ready_time (NetSource *source, guint64 deadline)
{
  source->rearmed = TRUE;
  if (source->deadline == deadline)
    return;
  source->deadline = deadline;
  /* GLib's clock is this one in microseconds: rounded up, so that at the dispatch the deadline has passed. */
  if (deadline == BASE_NEVER)
    g_source_set_ready_time (&source->parent, -1);
  else
    g_source_set_ready_time (&source->parent,
                             (gint64) (deadline / BASE_MICROSECOND + (deadline % BASE_MICROSECOND != 0)));
}

void
net_source_set_want_write (NetSource *source, gboolean want)
{
  want = want != FALSE;
  if (source->want_write == want)
    return;
  source->want_write = want;
  g_source_modify_unix_fd (&source->parent, source->fd_tag, want ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

guint64
net_now (void)
{
  struct timespec now;

  if (clock_gettime (CLOCK_MONOTONIC, &now) != 0)
    g_assert_not_reached ();
  return (guint64) now.tv_sec * BASE_SECOND + (guint64) now.tv_nsec;
}

NetSource *
net_source_new (NetUdp *udp, GMainContext *context, const char *name, NetSourceFunc func, gpointer user_data)
{
  NetSource *source = (NetSource *) g_source_new (&source_funcs, sizeof (NetSource));

  source->udp = udp;
  source->func = func;
  source->user_data = user_data;
  source->deadline = BASE_NEVER;
  source->fd_tag = g_source_add_unix_fd (&source->parent, net_udp_fd (udp), G_IO_IN);
  g_source_set_name (&source->parent, name);
  g_source_attach (&source->parent, context);
  return source;
}

void
net_source_free (NetSource *source)
{
  g_source_destroy (&source->parent);
  g_source_unref (&source->parent);
}

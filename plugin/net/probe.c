#include "net/probe.h"

#include "base/error.h"
#include "net/source.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <unistd.h>

/* Until it is sent again; twice as long each time. */
#define FIRST_INTERVAL_MS 250

typedef struct
{
  int fd;
  NetAddress remote;
  GBytes *bytes;
  NetProbeFunc is_answer;
  gpointer is_answer_data;
  gint64 begun, deadline; /* µs */
  guint interval_ms;
  GSource *readable, *timer, *cancelled;
  NetProbeResult result;
} Probe;

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
probe_free (gpointer data)
{
  Probe *probe = data;

  clear_source (&probe->readable);
  clear_source (&probe->timer);
  clear_source (&probe->cancelled);
  if (probe->fd >= 0)
    close (probe->fd);
  g_bytes_unref (probe->bytes);
  g_free (probe);
}

static gboolean
is_ipv6 (const Probe *probe)
{
  return net_address_family (&probe->remote) == AF_INET6;
}

/* Consumes @task. */
static void
conclude (GTask *task, NetProbeOutcome outcome)
{
  Probe *probe = g_task_get_task_data (task);
  int mtu = 0;
  socklen_t length = sizeof mtu;

  clear_source (&probe->readable);
  clear_source (&probe->timer);
  clear_source (&probe->cancelled);
  probe->result.outcome = outcome;
  if (getsockopt (probe->fd, is_ipv6 (probe) ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 (probe) ? IPV6_MTU : IP_MTU,
                  &mtu, &length)
          == 0
      && mtu > 0)
    probe->result.mtu = (guint)mtu;
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* What a queued error says beyond its number: who sent it, and that it was a firewall's. */
static gboolean
is_prohibition (const struct sock_extended_err *details)
{
  if (details->ee_origin == SO_EE_ORIGIN_ICMP)
    return details->ee_type == ICMP_DEST_UNREACH
           && (details->ee_code == ICMP_PKT_FILTERED || details->ee_code == ICMP_NET_ANO
               || details->ee_code == ICMP_HOST_ANO);
  /* RFC 4443: 1 is "administratively prohibited", 5 "failed ingress/egress policy". */
  return details->ee_origin == SO_EE_ORIGIN_ICMP6 && details->ee_type == ICMP6_DST_UNREACH
         && (details->ee_code == ICMP6_DST_UNREACH_ADMIN || details->ee_code == 5);
}

static gboolean
read_details (Probe *probe)
{
  union
  {
    struct cmsghdr align;
    guint8 bytes[CMSG_SPACE (sizeof (struct sock_extended_err) + sizeof (struct sockaddr_in6))];
  } control;
  struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof control };
  struct sock_extended_err *details;
  const struct sockaddr *offender;

  if (recvmsg (probe->fd, &message, MSG_ERRQUEUE) < 0)
    return FALSE;
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (&message); cmsg != NULL; cmsg = CMSG_NXTHDR (&message, cmsg))
    if ((cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_RECVERR)
        || (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_RECVERR))
      {
        details = (struct sock_extended_err *)CMSG_DATA (cmsg);
        offender = SO_EE_OFFENDER (details);
        if (offender->sa_family != AF_UNSPEC)
          net_address_from_sockaddr (&probe->result.reporter, offender,
                                     offender->sa_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                                                     : sizeof (struct sockaddr_in));
        return is_prohibition (details);
      }
  return FALSE;
}

/* Something said no. Consumes @task. */
static void
fail (GTask *task, int error)
{
  Probe *probe = g_task_get_task_data (task);
  gboolean prohibited = read_details (probe);

  probe->result.error = error;
  if (prohibited || error == EPERM || error == EACCES)
    conclude (task, NET_PROBE_FORBIDDEN);
  else if (error == ECONNREFUSED)
    conclude (task, NET_PROBE_REFUSED);
  else if (error == EMSGSIZE)
    conclude (task, NET_PROBE_TOO_LARGE);
  else
    conclude (task, NET_PROBE_UNREACHABLE);
}

/* FALSE: it has failed, and @task is consumed. */
static gboolean
send_now (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  gsize length;
  const void *data = g_bytes_get_data (probe->bytes, &length);

  if (send (probe->fd, data, length, MSG_NOSIGNAL) >= 0 || errno == EAGAIN || errno == ENOBUFS
      || errno == EINTR)
    return TRUE;
  fail (task, errno);
  return FALSE;
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer task)
{
  Probe *probe = g_task_get_task_data (task);
  guint8 buffer[2048];
  gssize length = recv (fd, buffer, sizeof buffer, 0);

  if (length >= 0 && probe->is_answer (buffer, (gsize)length, probe->is_answer_data))
    {
      probe->result.round_trip = (guint64)(g_get_monotonic_time () - probe->begun) * 1000;
      conclude (task, NET_PROBE_ANSWERED);
      return G_SOURCE_REMOVE;
    }
  if (length < 0 && errno != EAGAIN && errno != EINTR)
    {
      fail (task, errno);
      return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

static void
attach (GTask *task, GSource **slot, GSource *source, const char *name)
{
  *slot = source;
  g_source_set_static_name (source, name);
  g_source_attach (source, g_task_get_context (task));
}

static gboolean timer_cb (gpointer task);

static void
wait_on (GTask *task, gint64 microseconds)
{
  Probe *probe = g_task_get_task_data (task);

  clear_source (&probe->timer);
  attach (task, &probe->timer, g_timeout_source_new ((guint)MAX (microseconds / 1000, 0)),
          "mux-quic probe timer");
  g_source_set_callback (probe->timer, timer_cb, task, NULL);
}

static gboolean
timer_cb (gpointer task)
{
  Probe *probe = g_task_get_task_data (task);
  gint64 left = probe->deadline - g_get_monotonic_time ();

  if (left <= 0)
    conclude (task, NET_PROBE_SILENT);
  else if (send_now (task))
    {
      wait_on (task, MIN ((gint64)probe->interval_ms * 1000, left + 999));
      probe->interval_ms *= 2;
    }
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer task)
{
  Probe *probe = g_task_get_task_data (task);

  clear_source (&probe->readable);
  clear_source (&probe->timer);
  g_task_return_error_if_cancelled (task);
  g_object_unref (task);
  return G_SOURCE_REMOVE;
}

static gboolean
open_socket (Probe *probe, GError **error)
{
  gboolean ipv6 = is_ipv6 (probe);
  int probing = ipv6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE, one = 1;

  probe->fd = socket (ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe->fd < 0
      || setsockopt (probe->fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                     &probing, sizeof probing)
             != 0
      || setsockopt (probe->fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_RECVERR : IP_RECVERR, &one,
                     sizeof one)
             != 0)
    return base_error_set_errno (error, errno, _("There is no UDP socket to ask with"));
  return TRUE;
}

void
net_probe_async (const NetAddress *remote, const guint8 *data, gsize length, guint timeout_ms,
                 NetProbeFunc is_answer, gpointer is_answer_data, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Probe *probe = g_new0 (Probe, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, net_probe_async);
  g_task_set_task_data (task, probe, probe_free);
  probe->remote = *remote;
  net_address_unmap (&probe->remote);
  probe->bytes = g_bytes_new (data, length);
  probe->is_answer = is_answer;
  probe->is_answer_data = is_answer_data;
  probe->begun = g_get_monotonic_time ();
  probe->deadline = probe->begun + (gint64)timeout_ms * 1000;
  probe->interval_ms = FIRST_INTERVAL_MS;
  if (!open_socket (probe, &error))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (connect (probe->fd, &probe->remote.u.any, probe->remote.length) != 0)
    {
      fail (task, errno);
      return;
    }
  attach (task, &probe->readable, g_unix_fd_source_new (probe->fd, G_IO_IN | G_IO_ERR), "mux-quic probe");
  g_source_set_callback (probe->readable, G_SOURCE_FUNC (readable_cb), task, NULL);
  wait_on (task, 0);
  if (cancellable != NULL)
    {
      attach (task, &probe->cancelled, g_cancellable_source_new (cancellable), "mux-quic probe cancelled");
      g_source_set_callback (probe->cancelled, G_SOURCE_FUNC (cancelled_cb), task, NULL);
    }
}

gboolean
net_probe_finish (GAsyncResult *result, NetProbeResult *answer, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, net_probe_async), FALSE);
  *answer = ((Probe *)g_task_get_task_data (G_TASK (result)))->result;
  return g_task_propagate_boolean (G_TASK (result), error);
}

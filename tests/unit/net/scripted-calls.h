/* System calls that answer from a script: functions of the C library's names, which an executable that
 * includes this uses in place of the library's, the rooms linked into it included. Include it from one file
 * only. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_STEPS 64

/* Answers of one call, used up one by one: an errno, or 0 to pass it through; after the last all pass. */
typedef struct
{
  int steps[MAX_STEPS];
  guint count, next;
  gboolean always; /* repeat the last */
} Script;

static Script sends, receives, sockets;
/* While set, a sendmsg with UDP_SEGMENT fails so. */
static int segmented_error;
/* What the next successful recvmsg says besides. */
static int extra_flags;

static int
next_step (Script *script)
{
  if (script->next < script->count)
    return script->steps[script->next++];
  return script->always ? script->steps[script->count - 1] : 0;
}

static void
play (Script *script, guint count, const int *steps)
{
  *script = (Script){ .count = count };
  memcpy (script->steps, steps, count * sizeof *steps);
}

#define PLAY(script, ...)                                                                                    \
  play (&(script), G_N_ELEMENTS (((const int[]){ __VA_ARGS__ })), (const int[]){ __VA_ARGS__ })

static void
reset (void)
{
  sends = receives = sockets = (Script){ .count = 0 };
  segmented_error = extra_flags = 0;
}

static gboolean
is_segmented (const struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR ((struct msghdr *) message, c))
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
      return TRUE;
  return FALSE;
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  int error = segmented_error != 0 && is_segmented (message) ? segmented_error : next_step (&sends);

  if (error == 0)
    return syscall (SYS_sendmsg, fd, message, flags);
  errno = error;
  return -1;
}

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  int error = next_step (&receives);
  ssize_t length;

  if (error == 0)
    {
      length = syscall (SYS_recvmsg, fd, message, flags);
      if (length >= 0)
        {
          message->msg_flags |= extra_flags;
          extra_flags = 0;
        }
      return length;
    }
  errno = error;
  return -1;
}

int
socket (int domain, int type, int protocol)
{
  int error = next_step (&sockets);

  if (error == 0)
    return (int) syscall (SYS_socket, domain, type, protocol);
  errno = error;
  return -1;
}

#include "host/notify.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
host_notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = path == NULL ? 0 : strlen (path);
  socklen_t size;
  int fd;

  if ((length < 2 || length >= sizeof address.sun_path) || (path[0] != '/' && path[0] != '@'))
    return;
  memcpy (address.sun_path, path, length);
  if (path[0] == '@')
    address.sun_path[0] = '\0'; /* an abstract name */
  size = (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + length);
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  if (sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *) &address, size) < 0)
    g_debug ("systemd does not listen");
  close (fd);
}

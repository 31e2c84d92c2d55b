/* `mux-quic relay`: datagrams between standard input and output and the host that runs here. ssh starts it where UDP is blocked. */
#include "host/control-client.h"
#include "host/verb.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The line before the first datagram; each is its length (16 bits, big-endian) and its bytes. */
#define MARK "MUX-QUIC RELAY 1\n"
#define HEADER 2
#define MAX_DATAGRAM 65535

/* The first address the host listens on, as one that can be sent to. NULL with @error. */
static char *
find_listener (char **port, GError **error)
{
  g_autoptr (GDBusConnection) connection = host_control_connect (error);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) described = NULL;
  g_autoptr (GVariant) listeners = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GSocketConnectable) parsed = NULL;
  const char *address = NULL, *host;

  reply = connection == NULL ? NULL : host_control_call (connection, "Describe", NULL, "(a{sv})", error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(@a{sv})", &described);
  listeners = g_variant_lookup_value (described, "listeners", G_VARIANT_TYPE ("aa{sv}"));
  if (listeners != NULL && g_variant_n_children (listeners) > 0)
    first = g_variant_get_child_value (listeners, 0);
  if (first == NULL || !g_variant_lookup (first, "address", "&s", &address))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("the host listens nowhere"));
      return NULL;
    }
  parsed = g_network_address_parse (address, 0, error);
  if (parsed == NULL)
    return NULL;
  *port = g_strdup_printf ("%u", g_network_address_get_port (G_NETWORK_ADDRESS (parsed)));
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed));
  if (g_str_equal (host, "::") || g_str_equal (host, "0.0.0.0"))
    host = "127.0.0.1";
  return g_strdup (host);
}

static int
open_socket (const char *host, const char *port, GError **error)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
  struct addrinfo *found = NULL;
  int fd = -1;

  if (getaddrinfo (host, port, &hints, &found) == 0)
    {
      fd = socket (found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd >= 0 && connect (fd, found->ai_addr, found->ai_addrlen) != 0)
        {
          close (fd);
          fd = -1;
        }
      freeaddrinfo (found);
    }
  if (fd < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("no socket to the host at %s, port %s"), host, port);
  return fd;
}

static gboolean
write_all (const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gssize done = write (STDOUT_FILENO, data, length);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return FALSE;
      data += done;
      length -= (gsize) done;
    }
  return TRUE;
}

/* FALSE: standard output is gone. */
static gboolean
take_datagrams (int fd)
{
  static guint8 buffer[HEADER + MAX_DATAGRAM];

  for (guint i = 0; i < 64; i++)
    {
      gssize length = recv (fd, buffer + HEADER, MAX_DATAGRAM, 0);

      if (length <= 0)
        break; /* nothing more now, or nobody listens there at the moment */
      buffer[0] = (guint8) (length >> 8);
      buffer[1] = (guint8) length;
      if (!write_all (buffer, HEADER + (gsize) length))
        return FALSE;
    }
  return TRUE;
}

/* FALSE: standard input has ended. */
static gboolean
take_input (int fd, GByteArray *come)
{
  static guint8 buffer[HEADER + MAX_DATAGRAM];
  gssize done = read (STDIN_FILENO, buffer, sizeof buffer);
  gsize offset = 0;

  if (done < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (done <= 0)
    return FALSE;
  g_byte_array_append (come, buffer, (guint) done);
  while (come->len - offset >= HEADER)
    {
      gsize length = (gsize) come->data[offset] << 8 | come->data[offset + 1];

      if (come->len - offset < HEADER + length)
        break;
      /* What does not go is lost, as in any network. */
      if (length > 0 && send (fd, come->data + offset + HEADER, length, MSG_NOSIGNAL) < 0)
        g_debug ("a datagram is lost: %s", g_strerror (errno));
      offset += HEADER + length;
    }
  g_byte_array_remove_range (come, 0, (guint) offset);
  return TRUE;
}

static void
carry (int fd)
{
  g_autoptr (GByteArray) come = g_byte_array_new ();
  struct pollfd polled[] = { { STDIN_FILENO, POLLIN, 0 }, { fd, POLLIN, 0 } };

  while (poll (polled, G_N_ELEMENTS (polled), -1) >= 0 || errno == EINTR)
    {
      if (polled[1].revents != 0 && !take_datagrams (fd))
        return;
      if (polled[0].revents != 0 && !take_input (fd, come))
        return;
    }
}

static int
run (int argc, char **argv)
{
  g_autofree char *host = NULL;
  g_autofree char *port = NULL;
  g_autoptr (GError) error = NULL;
  int fd = -1;

  host = find_listener (&port, &error);
  if (host != NULL)
    fd = open_socket (host, port, &error);
  if (fd < 0)
    {
      host_complain ("%s", error->message);
      return host_exit_for_error (error);
    }
  if (write_all ((const guint8 *) MARK, strlen (MARK)))
    carry (fd);
  close (fd);
  return HOST_EXIT_OK;
}

const HostVerb host_verb_relay = {
  .name = "relay",
  .description = N_("Carries datagrams between standard input and output and the host that runs here."),
  .options = { host_control_options },
  .run = run,
};

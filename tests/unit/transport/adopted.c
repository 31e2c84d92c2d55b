/* Sockets that the host was given: who uses them, who gets them back, and that a host of the first minor
 * version, which has none, is not asked. */
#include "unit/transport/mini-host.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "transport/adopted.h"

static int
bound (char **address)
{
  struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof name;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *)&name, sizeof name), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&name, &length), ==, 0);
  *address = g_strdup_printf ("127.0.0.1:%u", g_ntohs (name.sin_port));
  return fd;
}

static void
expect_address (MiniHost *mini, const char *wanted)
{
  g_autofree char *address = mini_address (mini);

  g_assert_cmpstr (address, ==, wanted);
}

/* Port 0 takes what there is, and gets the same again after a stop. */
static void
test_again (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", NULL);
  g_autofree char *address = NULL;
  int fd = bound (&address);

  mini->host.sockets = &fd;
  mini->host.n_sockets = 1;
  mini_host_configure (mini, "{quic_servers = {{bind_address = '127.0.0.1:0'}}}");
  for (guint i = 0; i < 3; i++)
    {
      mini_start (mini);
      expect_address (mini, address);
      mini_stop (mini);
    }
  g_clear_pointer (&mini->transport, transport_free);
  g_assert_cmpint (fcntl (fd, F_GETFD), <, 0);
}

/* Of two entries the one of that address gets it, and of two of the same address only one. */
static void
test_one_each (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", NULL);
  g_autofree char *address = NULL;
  g_autoptr (GVariant) listeners = NULL;
  g_autoptr (GVariant) second = NULL;
  g_autoptr (GError) error = NULL;
  const char *text = NULL;
  int fd = bound (&address);

  mini->host.sockets = &fd;
  mini->host.n_sockets = 1;
  mini_host_configure (mini, "{quic_servers = {{bind_address = '%s'}, {bind_address = '127.0.0.1:0'}}}",
                       address);
  mini_start (mini);
  expect_address (mini, address);
  listeners = transport_describe_listeners (mini->transport);
  second = g_variant_get_child_value (listeners, 1);
  g_assert_true (g_variant_lookup (second, "address", "&s", &text));
  g_assert_cmpstr (text, !=, address);
  mini_host_configure (mini, "{quic_servers = {{bind_address = '%s'}, {bind_address = 'localhost:%s'}}}",
                       address, strchr (address, ':') + 1);
  g_assert_false (mini->ops->reload (mini->transport, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  mini_stop (mini);
}

/* What fails after it was lent is given back. */
static void
test_failure (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", NULL);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;
  int fd = bound (&address);

  mini->host.sockets = &fd;
  mini->host.n_sockets = 1;
  mini_host_configure (mini,
                       "{quic_servers = {{bind_address = '%s', pem_cert = '/nonexistent/c', pem_private_key "
                       "= '/nonexistent/k'}}}",
                       address);
  g_assert_false (mini->ops->start (mini->transport, &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent/"));
  g_clear_error (&error);
  mini_host_configure (mini, "{quic_servers = {{bind_address = '%s'}}}", address);
  g_assert_true (mini->ops->reload (mini->transport, &error));
  g_assert_no_error (error);
  mini_start (mini);
  expect_address (mini, address);
  mini_stop (mini);
}

static void
test_first_minor (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", NULL);

  mini->host.struct_size = G_STRUCT_OFFSET (MuxHost, sockets);
  mini->host.abi = 1 << 16;
  mini->host.sockets = (const int *)(void *)1;
  mini->host.socket_names = (const char *const *)(void *)1;
  mini->host.n_sockets = 1000;
  mini_host_configure (mini, "{quic_servers = {{bind_address = '127.0.0.1:0'}}}");
  mini_start (mini);
  mini_stop (mini);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/adopted/again", test_again);
  g_test_add_func ("/transport/adopted/one-each", test_one_each);
  g_test_add_func ("/transport/adopted/failure", test_failure);
  g_test_add_func ("/transport/adopted/first-minor", test_first_minor);
  return mini_run ();
}

#include "net/resolver.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* RFC 1035, 2.3.4, without the root's dot; a scope id fits besides. */
#define MAX_HOST_LENGTH 253

static gboolean
fail_split (GError **error, const char *text, const char *why)
{
  return base_error_set (error, MUX_ERROR_CONFIG,
                         _("“%s” is not an address: %s. Write host:port, 127.0.0.1:9001 or [::1]:9001"),
                         text, why);
}

/* Names are given to the name service, to TLS and to messages: no blanks, control characters, or anything
 * that a program could take for an option or a path. */
static const char *
complain_host (const char *host)
{
  if (host[0] == '\0')
    return _("the host is missing");
  if (strlen (host) > MAX_HOST_LENGTH)
    return _("the host is too long");
  if (host[0] == '-')
    return _("a host cannot begin with “-”");
  for (const char *c = host; *c != '\0'; c++)
    if (g_ascii_isspace (*c) || g_ascii_iscntrl (*c) || strchr ("/\\@\"'`$;&|<>()[]{}?*#,=", *c) != NULL)
      return _("the host has a character that no host name has");
  if (!g_utf8_validate (host, -1, NULL))
    return _("the host is not UTF-8");
  return NULL;
}

gboolean
net_resolver_split (const char *text, guint16 default_port, char **host, guint16 *port, GError **error)
{
  g_autoptr (GSocketConnectable) connectable = NULL;
  g_autoptr (GError) why = NULL;
  const char *name, *complaint;
  NetAddress address;
  gboolean numeric6;

  if (!g_utf8_validate (text, -1, NULL))
    return base_error_set (error, MUX_ERROR_CONFIG, _("An address is not valid UTF-8"));
  connectable = g_network_address_parse (text, default_port, &why);
  if (connectable == NULL)
    return fail_split (error, text, why->message);
  name = g_network_address_get_hostname (G_NETWORK_ADDRESS (connectable));
  complaint = complain_host (name);
  if (complaint != NULL)
    return fail_split (error, text, complaint);
  numeric6 = net_address_from_numeric (&address, name, 0) && net_address_family (&address) == AF_INET6;
  if (!numeric6 && (text[0] == '[' || strchr (name, ':') != NULL))
    return fail_split (error, text, _("there is no such IPv6 address"));
  *host = g_strdup (name);
  *port = g_network_address_get_port (G_NETWORK_ADDRESS (connectable));
  return TRUE;
}

static GArray *
new_addresses (void)
{
  return g_array_new (FALSE, TRUE, sizeof (NetAddress));
}

/* What needs no name service, or NULL. */
static GArray *
lookup_numeric (const char *host, guint16 port)
{
  NetAddress address;
  GArray *addresses;

  if (!net_address_from_numeric (&address, host, port))
    return NULL;
  addresses = new_addresses ();
  g_array_append_val (addresses, address);
  return addresses;
}

/* The resolver's @list (of GInetAddress, or NULL with @why) as addresses; takes neither. GResolver has
 * removed duplicates. */
static GArray *
convert (GList *list, const char *host, guint16 port, const GError *why, GError **error)
{
  g_autoptr (GArray) addresses = new_addresses ();

  for (GList *link = list; link != NULL; link = link->next)
    {
      g_autoptr (GSocketAddress) socket_address = g_inet_socket_address_new (link->data, port);
      NetAddress address;

      if (net_address_from_gsocket (&address, socket_address))
        g_array_append_val (addresses, address);
    }
  if (addresses->len > 0)
    return g_steal_pointer (&addresses);
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (error != NULL && *error == NULL)
        *error = g_error_copy (why);
      return NULL;
    }
  base_error_set (error, MUX_ERROR_UNREACHABLE,
                  _("Cannot find the address of “%s”: %s. Check the name, and whether this machine's "
                    "name service works"),
                  host, why != NULL ? why->message : _("the name has no address"));
  return NULL;
}

GArray *
net_resolver_lookup (const char *host, guint16 port, GCancellable *cancellable, GError **error)
{
  GArray *addresses = lookup_numeric (host, port);
  g_autoptr (GResolver) resolver = NULL;
  g_autoptr (GError) why = NULL;
  GList *list;

  if (addresses != NULL)
    return addresses;
  resolver = g_resolver_get_default ();
  list = g_resolver_lookup_by_name (resolver, host, cancellable, &why);
  addresses = convert (list, host, port, why, error);
  g_resolver_free_addresses (list);
  return addresses;
}

typedef struct
{
  char *host;
  guint16 port;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->host);
  g_free (question);
}

static void
free_array_cb (gpointer array)
{
  g_array_unref (array);
}

static void
answered_cb (GObject *resolver, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Question *question = g_task_get_task_data (task);
  g_autoptr (GError) why = NULL;
  GError *error = NULL;
  GList *list = g_resolver_lookup_by_name_finish (G_RESOLVER (resolver), result, &why);
  GArray *addresses = convert (list, question->host, question->port, why, &error);

  g_resolver_free_addresses (list);
  if (addresses != NULL)
    g_task_return_pointer (task, addresses, free_array_cb);
  else
    g_task_return_error (task, error);
}

void
net_resolver_lookup_async (const char *host, guint16 port, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = NULL;
  GArray *addresses = lookup_numeric (host, port);
  Question *question;

  g_task_set_source_tag (task, net_resolver_lookup_async);
  if (addresses != NULL)
    {
      g_task_return_pointer (task, addresses, free_array_cb);
      return;
    }
  question = g_new0 (Question, 1);
  question->host = g_strdup (host);
  question->port = port;
  g_task_set_task_data (task, question, question_free);
  resolver = g_resolver_get_default ();
  g_resolver_lookup_by_name_async (resolver, host, cancellable, answered_cb, g_steal_pointer (&task));
}

GArray *
net_resolver_lookup_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

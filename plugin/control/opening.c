#include "control/opening.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "control/passage.h"

struct _ControlOpening
{
  guint references;      /* ours, and that of a channel which is asked for */
  ControlRoutes *routes; /* NULL once nobody waits */
  GVariant *request;
  GCancellable *cancellable;
  MuxSession *session; /* in use, while a channel is asked for */
  ControlOpened func;
  gpointer user_data;
};

/* The request */

#define MAX_LANE_NAME 32

static const struct
{
  const char *name;
  const char *type;
} members[] = {
  { "service", "s" }, { "argv", "as" },   { "term", "s" },
  { "rows", "u" },    { "columns", "u" }, { "environment", "a{ss}" },
};

static gboolean
check_member (const char *name, GVariant *value, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    if (g_str_equal (members[i].name, name))
      return g_variant_is_of_type (value, G_VARIANT_TYPE (members[i].type))
             || base_error_set (error, MUX_ERROR_FAILED,
                                _ ("“%s” of the request is of type %s; it must be %s"), name,
                                g_variant_get_type_string (value), members[i].type);
  return base_error_set (error, MUX_ERROR_FAILED, _ ("a request has no “%s”"), name);
}

static gboolean
check_lanes (char *const *lanes, GError **error)
{
  if (g_strv_length ((char **)lanes) > CONTROL_PASSAGE_MAX_LANES)
    return base_error_set (error, MUX_ERROR_FAILED, _ ("a channel has at most %d lanes beside the main one"),
                           CONTROL_PASSAGE_MAX_LANES);
  for (guint i = 0; lanes[i] != NULL; i++)
    {
      if (lanes[i][0] == '\0' || strlen (lanes[i]) > MAX_LANE_NAME)
        return base_error_set (error, MUX_ERROR_FAILED, _ ("the name of a lane has 1 to %d bytes"),
                               MAX_LANE_NAME);
      for (guint k = 0; k < i; k++)
        if (g_str_equal (lanes[i], lanes[k]))
          return base_error_set (error, MUX_ERROR_FAILED, _ ("the lane “%s” is named twice"), lanes[i]);
    }
  return TRUE;
}

GVariant *
control_opening_parse (GVariant *request, char ***lanes, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GStrv) names = g_new0 (char *, 1);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, request);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (g_str_equal (name, "lanes") && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
        {
          g_strfreev (names);
          names = g_variant_dup_strv (value, NULL);
        }
      else if (check_member (name, value, error))
        g_variant_dict_insert_value (&dict, name, value);
      else
        return NULL;
    }
  if (!check_lanes (names, error))
    return NULL;
  *lanes = g_steal_pointer (&names);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* The way */

static void
unref (ControlOpening *opening)
{
  if (--opening->references > 0)
    return;
  g_object_unref (opening->cancellable);
  g_variant_unref (opening->request);
  g_free (opening);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ControlOpening *opening = data;
  MuxSession *session = g_steal_pointer (&opening->session);
  ControlRoutes *routes = opening->routes;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = transport_session_ops.open_channel_finish (session, result, &error);

  if (routes != NULL)
    {
      if (channel == NULL)
        control_routes_release (routes, session);
      opening->routes = NULL;
      opening->func (opening, channel != NULL ? session : NULL, channel, error, opening->user_data);
    }
  transport_session_ops.unref (session);
  unref (opening);
}

static void
ask (ControlOpening *opening, MuxSession *session)
{
  opening->session = transport_session_ops.ref (session);
  opening->references++;
  transport_session_ops.open_channel_async (session, opening->request, opening->cancellable, opened_cb,
                                            opening);
}

static void
routed_cb (MuxSession *session, const GError *error, gpointer data)
{
  ControlOpening *opening = data;

  if (session != NULL)
    {
      ask (opening, session);
      return;
    }
  opening->routes = NULL;
  opening->func (opening, NULL, NULL, error, opening->user_data);
}

ControlOpening *
control_opening_new (ControlRoutes *routes, const char *target, GVariant *request, ControlOpened func,
                     gpointer user_data)
{
  ControlOpening *opening = g_new0 (ControlOpening, 1);
  MuxSession *session = control_routes_take (routes, target);

  opening->references = 1;
  opening->routes = routes;
  opening->request = g_variant_ref (request);
  opening->cancellable = g_cancellable_new ();
  opening->func = func;
  opening->user_data = user_data;
  if (session != NULL)
    ask (opening, session);
  else
    control_routes_ask (routes, target, routed_cb, opening);
  return opening;
}

void
control_opening_free (ControlOpening *opening)
{
  ControlRoutes *routes = g_steal_pointer (&opening->routes);

  if (routes != NULL)
    {
      control_routes_forget (routes, opening);
      if (opening->session != NULL)
        control_routes_release (routes, opening->session);
      g_cancellable_cancel (opening->cancellable);
    }
  unref (opening);
}

/* A channel on its way: from what a program asks for, by way of a session, to the channel itself. */
#pragma once

#include "control/routes.h"

G_BEGIN_DECLS

typedef struct _ControlOpening ControlOpening;

/* What OpenChannel was asked for, checked: the request as the protocol has it (a{sv}, transfer full), and the
 * names of the @lanes that are wanted beside the main one (free with g_strfreev ()). MUX_ERROR_FAILED. */
GVariant *control_opening_parse (GVariant *request, char ***lanes, GError **error);

/* @session: borrowed, in use until it is released at @routes; @channel: borrowed. Both NULL with @error.
 * Called once, in a later turn. The opening can be freed in it. */
typedef void (*ControlOpened) (ControlOpening *opening, MuxSession *session, GIOStream *channel,
                               const GError *error, gpointer user_data);
ControlOpening *control_opening_new (ControlRoutes *routes, const char *target, GVariant *request,
                                     ControlOpened func, gpointer user_data);
/* Without an answer, if there was none. */
void control_opening_free (ControlOpening *opening);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlOpening, control_opening_free)

G_END_DECLS

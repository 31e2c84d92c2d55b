/* The sessions that channels of other programs go over: one for each target, whoever else uses it; dialled
 * when none is there, and then ended after its last channel. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _ControlRoutes ControlRoutes;

/* @session: borrowed, and in use until it is released; NULL with @error. */
typedef void (*ControlRouteFunc) (MuxSession *session, const GError *error, gpointer user_data);

ControlRoutes *control_routes_new (MuxTransport *transport);
/* Nobody is called any more. */
void control_routes_free (ControlRoutes *routes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlRoutes, control_routes_free)

/* A session that is there already, in use until it is released; NULL when one must be asked for. */
MuxSession *control_routes_take (ControlRoutes *routes, const char *target);
/* Dials @target; those who ask meanwhile wait with it. @func is called once, in a later turn. */
void control_routes_ask (ControlRoutes *routes, const char *target, ControlRouteFunc func,
                         gpointer user_data);
/* Whoever asked with @user_data is not called any more; a dial that nobody waits for ends. */
void control_routes_forget (ControlRoutes *routes, gpointer user_data);
void control_routes_release (ControlRoutes *routes, MuxSession *session);

G_END_DECLS

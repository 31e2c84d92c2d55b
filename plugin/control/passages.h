/* The channels that other programs have: the method OpenChannel, whose they are, how many they may be, and
 * their end when their owner goes. */
#pragma once

#include "control/rights.h"

G_BEGIN_DECLS

typedef struct _ControlPassages ControlPassages;
typedef struct _ControlManager ControlManager; /* control-dbus.h */

/* Channels, those on their way included: of one caller, and of all. */
#define CONTROL_PASSAGES_OF_CALLER 64
#define CONTROL_PASSAGES_MAX 256

/* While @transport serves. */
ControlPassages *control_passages_new (MuxTransport *transport);
/* Hangs all of them up. */
void control_passages_free (ControlPassages *passages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlPassages, control_passages_free)

/* Answers OpenChannel on @skeleton as long as that lives. That the caller may is looked at before (control/manager.h). */
void control_passages_serve (ControlPassages *passages, ControlManager *skeleton);
/* @connection is gone, and so is everybody on it. */
void control_passages_drop (ControlPassages *passages, GDBusConnection *connection);
/* TransportObserver.channel_event (). */
gboolean control_passages_event (ControlPassages *passages, GIOStream *channel, const char *event,
                                 GVariant *details);

G_END_DECLS

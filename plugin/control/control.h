/* The status objects of a transport on D-Bus: on the host's bus connection under the name org.muxquic.Quic1,
 * and on the private socket
 * `$XDG_RUNTIME_DIR/<application>/control` (system mode: `/run/<application>/control`), for the same user
 * only. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

#define CONTROL_BUS_NAME "org.muxquic.Quic1"
#define CONTROL_ROOT_PATH "/org/muxquic/Quic1"
#define CONTROL_SESSIONS_PATH CONTROL_ROOT_PATH "/Session"
/* So many sessions go into one reply: more would keep the loop too long. Fewer into a page of ListSessions, which looks at each anew. */
#define CONTROL_SESSIONS_LISTED 128
#define CONTROL_SESSIONS_PAGE 64

typedef struct _Control Control;

/* Becomes @transport's observer; opens socket and name when that starts, closes them when it stops. */
Control *control_new (MuxTransport *transport);
void control_free (Control *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Control, control_free)

/* Path of the private socket; free with g_free (). Without XDG_RUNTIME_DIR a directory of mode 0700 under
 * /tmp is refused: then it is below the user's cache directory. */
char *control_socket_path (const char *application, gboolean system_mode);

G_END_DECLS

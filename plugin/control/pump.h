/* Moves bytes from one pollable stream to another, without threads and within one buffer: what is not taken
 * is not read, and nothing spins while one side waits. One direction; half-closing is the caller's. (GIO's
 * splice does this too, but only on the thread's default context, which the host's need not be.) */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ControlPump ControlPump;

/* What a pump holds at most. */
#define CONTROL_PUMP_BUFFER 32768

/* So many bytes in all have been written. May be NULL. */
typedef void (*ControlPumpProgress) (ControlPump *pump, guint64 count, gpointer user_data);
/* Called once: at the end of the input, when all is written, with @error NULL; or when reading or writing
 * failed (@writing tells which). Not from inside a call of this header. The pump can be freed in it. */
typedef void (*ControlPumpDone) (ControlPump *pump, const GError *error, gboolean writing,
                                 gpointer user_data);

ControlPump *control_pump_new (GInputStream *from, GOutputStream *to, GMainContext *context,
                               ControlPumpProgress progress, ControlPumpDone done, gpointer user_data);
void control_pump_free (ControlPump *pump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlPump, control_pump_free)

G_END_DECLS

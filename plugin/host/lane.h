/* One lane at the keeper: bytes between a socket to the host and a program's descriptors. It keeps what the program said until the client has counted
 * it, and counts what the program was given; so a later host can go on where an earlier one ended. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HostLane HostLane;

/* What a lane keeps of uncounted output; then the program waits. More than the client's window, or that could never fill. */
#define HOST_LANE_KEPT_MAX ((gsize) 10 * 1024 * 1024)
/* A count is told after so many bytes, or so long. */
#define HOST_LANE_COUNT_STEP ((guint64) 256 * 1024)
#define HOST_LANE_COUNT_MS 50

typedef struct
{
  /* The program has been given @count bytes in all. */
  void (*written) (HostLane *lane, guint64 count, gpointer user_data);
  /* The client says no more; what it said before is with the program. */
  void (*input_ended) (HostLane *lane, gpointer user_data);
  /* The program says no more, and the host has it all. */
  void (*output_ended) (HostLane *lane, gpointer user_data);
} HostLaneEvents;

/* Owns @socket; @input and @output are borrowed, −1 = none: a lane without input ends it at once, one without output too. */
HostLane *host_lane_new (const char *name, int socket, int input, int output, const HostLaneEvents *events,
                         gpointer user_data);
void host_lane_free (HostLane *lane);
const char *host_lane_name (const HostLane *lane);
/* The client has @count bytes of the program's output: they are kept no longer. */
void host_lane_received (HostLane *lane, guint64 count);
/* The program has ended: what can be read now is the last, even if somebody else still holds the terminal open. */
void host_lane_program_ended (HostLane *lane);
/* Nothing is written to the input any more; its descriptor goes away. */
void host_lane_forget_input (HostLane *lane);
gboolean host_lane_output_ended (const HostLane *lane);

G_END_DECLS

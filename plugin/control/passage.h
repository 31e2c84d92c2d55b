/* A channel in the hands of another process: the bytes go through socket pairs, of which that process has the
 * other ends, one for each lane; what is said beside them goes through an object org.muxquic.Quic1.Channel,
 * for that process alone. Both sides' ends of file are passed on. When the process closes its end of the main
 * lane, what it wrote before is delivered, then the channel is hung up. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _ControlPassage ControlPassage;

/* Lanes beside the main one. */
#define CONTROL_PASSAGE_MAX_LANES 3

typedef struct
{
  MuxSession *session;
  GIOStream *channel;
  const char *const
      *lanes; /* names of those that are wanted beside the main one; at most CONTROL_PASSAGE_MAX_LANES */
  GDBusConnection *connection;
  const char *owner; /* unique name on the bus of @connection; NULL: there is no bus */
  const char *path;  /* of the object */
  GMainContext *context;
} ControlPassageConfig;

/* Nothing moves any more; `Closed` has been said. Free it now or later. Of the calls of this header only
 * control_passage_event () may end it. */
typedef void (*ControlPassageOver) (ControlPassage *passage, gpointer user_data);

/* @fds: where to put the other ends, the main lane first; the caller closes them. NULL with MUX_ERROR_LIMIT,
 * or what a system call said. The thread's default context must be @config's. */
ControlPassage *control_passage_new (const ControlPassageConfig *config, int *fds, ControlPassageOver over,
                                     gpointer user_data, GError **error);
/* Ends it without a word; an unfinished channel is reset. */
void control_passage_free (ControlPassage *passage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlPassage, control_passage_free)

/* What MuxHost.channel_event () would be told of its channel. Last: @passage may be gone after it. */
void control_passage_event (ControlPassage *passage, const char *event, GVariant *details);

GIOStream *control_passage_channel (const ControlPassage *passage);

G_END_DECLS

/* The control stream: frames both ways on stream 0, served before all others. What waits to be sent is
   bounded, so that a peer that asks much and hears nothing cannot make it grow. Events come in passes of
   the connection; the stream's owner frees it, never from inside an event. */
#pragma once

#include "quic/stream.h"
#include "session/frame.h"

G_BEGIN_DECLS

/* More unsent bytes than this end the session. */
#define SESSION_CONTROL_BACKLOG (256 * 1024)

typedef struct _SessionControl SessionControl;

typedef struct
{
  void (*message) (const char *name, GVariant *arguments, gpointer user_data);
  /* What came is no frame, or the peer ended or reset the stream. No message follows. */
  void (*failed) (const GError *error, gpointer user_data);
  /* Something of what was sent is acknowledged now. */
  void (*acknowledged) (gpointer user_data);
} SessionControlEvents;

SessionControl *session_control_new (QuicStream *stream, const SessionControlEvents *events,
                                     gpointer user_data);
void session_control_free (SessionControl *control);

/* MUX_ERROR_LIMIT when the message is too long for a frame, or too much is unsent already. */
gboolean session_control_send (SessionControl *control, const char *name, GVariant *arguments,
                               GError **error);
/* Who hears the events from now on. */
void session_control_set_user_data (SessionControl *control, gpointer user_data);
/* Bytes sent so far, and those of them that the peer's QUIC has. */
guint64 session_control_written (const SessionControl *control);
guint64 session_control_acknowledged (const SessionControl *control);
/* No message is read any more. */
void session_control_stop (SessionControl *control);
/* The peer's QUIC has all we said (or the stream is gone). */
gboolean session_control_is_acknowledged (const SessionControl *control);

G_END_DECLS

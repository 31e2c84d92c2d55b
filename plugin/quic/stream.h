/* One bidirectional QUIC stream (RFC 9000 section 2) of a connection. The connection owns it; whoever uses it is told `closed` as
 * the last event and must not touch it after. Events come in passes of the endpoint (endpoint.h), never from inside a call
 * of this header. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _QuicStream QuicStream;
typedef struct _QuicConnection QuicConnection;

typedef struct
{
  /* New data in order, or the end of it, can be read. Level-triggered by quic_stream_readable (), told once per pass. */
  void (*readable) (QuicStream *stream, gpointer user_data);
  /* Some of what was queued left: quic_stream_unsent () or quic_stream_unacked () fell. */
  void (*writable) (QuicStream *stream, gpointer user_data);
  /* The peer ended its sending half with RESET_STREAM @code, or asked us to stop ours with STOP_SENDING @code (then our half was
   * reset with the same code). */
  void (*reset) (QuicStream *stream, guint64 code, gpointer user_data);
  void (*stopped) (QuicStream *stream, guint64 code, gpointer user_data);
  /* The stream is gone: both halves are done and acknowledged, or the connection ended. Last event. */
  void (*closed) (QuicStream *stream, gpointer user_data);
} QuicStreamEvents;

/* @events must outlive the stream (static, as a rule). */
void quic_stream_set_events (QuicStream *stream, const QuicStreamEvents *events, gpointer user_data);
gint64 quic_stream_id (const QuicStream *stream);
QuicConnection *quic_stream_connection (const QuicStream *stream);

/* Bytes that can be read now; @fin (may be NULL): whether nothing follows them. */
gsize quic_stream_readable (const QuicStream *stream, gboolean *fin);
/* Copies out at most @length bytes and returns how many; flow-control credit is given back for them. */
gsize quic_stream_read (QuicStream *stream, void *buffer, gsize length);

/* Queues @bytes (keeps a reference). The caller bounds the backlog by quic_stream_unsent (). Ignored after finish or reset. */
void quic_stream_write (QuicStream *stream, GBytes *bytes);
/* Ends our half after what is queued (FIN). Idempotent. */
void quic_stream_finish (QuicStream *stream);
/* RESET_STREAM: drops what is queued. */
void quic_stream_reset (QuicStream *stream, guint64 code);
/* STOP_SENDING: we read no more; what arrives is dropped, its credit given back. */
void quic_stream_stop_sending (QuicStream *stream, guint64 code);

/* Bytes queued that no packet has carried yet, and bytes not acknowledged yet (including the former). */
gsize quic_stream_unsent (const QuicStream *stream);
gsize quic_stream_unacked (const QuicStream *stream);

/* Streams with a lower number are served first in every packet; equal ones in turn. 0 control, 1 interactive (default), 2 bulk. */
void quic_stream_set_urgency (QuicStream *stream, guint urgency);

G_END_DECLS

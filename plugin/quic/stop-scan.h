/* Finds STOP_SENDING frames in the plaintext of a packet. ngtcp2 acts on them without telling the application (a callback exists only in
 * versions much younger than the oldest one we support), but whoever writes to a stream must learn that nobody reads it, and why. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef void (*QuicStopFunc) (gint64 stream, guint64 code, gpointer user_data);

/* Walks the frames of @payload (RFC 9000 19); stops at the first that it cannot read, which ngtcp2 will refuse. */
void quic_stop_scan (const guint8 *payload, gsize length, QuicStopFunc func, gpointer user_data);

G_END_DECLS

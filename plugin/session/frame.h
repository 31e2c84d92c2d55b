/* Frames of `mux/1`: a big-endian u32 length (1..65536) and a GVariant (sa{sv}), little-endian, in normal form. Nothing is allocated from the
 * length alone: the reader grows with what has arrived. Errors: MUX_ERROR_PROTOCOL. Never calls back. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SESSION_FRAME_MAX 65536

/* @arguments: a{sv}, floating consumed; NULL = empty. NULL with @error (MUX_ERROR_LIMIT) when it would be longer than a frame may be. */
GBytes *session_frame_encode (const char *name, GVariant *arguments, GError **error);

typedef struct _SessionFrameReader SessionFrameReader;
SessionFrameReader *session_frame_reader_new (void);
void session_frame_reader_free (SessionFrameReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SessionFrameReader, session_frame_reader_free)

/* How many bytes the reader can take before a frame is complete at the earliest: 4, then the rest of the body. Feed never more than
 * that, so that raw bytes behind a frame stay with the stream. */
gsize session_frame_reader_wants (const SessionFrameReader *reader);
/* Whether it stands between two frames. */
gboolean session_frame_reader_is_empty (const SessionFrameReader *reader);
/* Feeds @length <= wants bytes. TRUE when nothing is wrong; then *@name (transfer full) and *@arguments (transfer full) are set if a frame is complete,
 * else NULL. */
gboolean session_frame_reader_feed (SessionFrameReader *reader, const void *data, gsize length, char **name,
                                    GVariant **arguments, GError **error);

G_END_DECLS

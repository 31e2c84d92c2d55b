#include "session/frame-stream.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"

#define READ_SIZE 4096

SessionFrameResult
session_frame_stream_read (QuicStream *stream, SessionFrameReader *reader, char **name, GVariant **arguments,
                           GError **error)
{
  guint8 buffer[READ_SIZE];
  gboolean fin = FALSE;

  *name = NULL;
  *arguments = NULL;
  while (TRUE)
    {
      gsize wants = session_frame_reader_wants (reader);
      gsize length = quic_stream_read (stream, buffer, MIN (wants, sizeof buffer));

      if (length == 0)
        break;
      if (!session_frame_reader_feed (reader, buffer, length, name, arguments, error))
        return SESSION_FRAME_WRONG;
      if (*name != NULL)
        return SESSION_FRAME_READ;
    }
  if (quic_stream_readable (stream, &fin) > 0 || !fin)
    return SESSION_FRAME_NONE;
  if (!session_frame_reader_is_empty (reader))
    {
      base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer ended a stream in the middle of a frame"));
      return SESSION_FRAME_WRONG;
    }
  return SESSION_FRAME_ENDED;
}

gboolean
session_frame_stream_write (QuicStream *stream, const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GBytes) frame = session_frame_encode (name, arguments, error);

  if (frame == NULL)
    return FALSE;
  quic_stream_write (stream, frame);
  return TRUE;
}

char *
session_frame_text (const char *text, gsize max)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *clean = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gsize length = g_utf8_next_char (p) - p;

      if (clean->len + length > max)
        break;
      /* Marks that turn the direction of writing can disguise text as well as an escape sequence can. */
      if (g_unichar_iscntrl (c) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        g_string_append_c (clean, '?');
      else
        g_string_append_len (clean, p, length);
    }
  return g_string_free (clean, FALSE);
}

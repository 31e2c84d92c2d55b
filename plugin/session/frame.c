#include "session/frame.h"
#include "base/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define LENGTH_SIZE 4
#define FRAME_TYPE G_VARIANT_TYPE ("(sa{sv})")

struct _SessionFrameReader
{
  guint8 header[LENGTH_SIZE];
  gsize header_filled;
  gsize body_length; /* known once the header is filled */
  GByteArray *body;  /* grows with what has arrived, never to what the header promises */
};

GBytes *
session_frame_encode (const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) message = NULL;
  g_autofree guint8 *frame = NULL;
  gsize size;
  guint32 length;

  g_return_val_if_fail (name != NULL, NULL);

  if (arguments == NULL)
    arguments = g_variant_new ("a{sv}", NULL);
  message = g_variant_ref_sink (g_variant_new ("(s@a{sv})", name, arguments));
  if (!g_variant_is_normal_form (message))
    {
      GVariant *normal = g_variant_get_normal_form (message);

      g_variant_unref (message);
      message = normal;
    }
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (message);

      g_variant_unref (message);
      message = swapped;
    }

  size = g_variant_get_size (message);
  if (size > SESSION_FRAME_MAX)
    {
      base_error_set (error, MUX_ERROR_LIMIT,
                      _ ("The message “%s” would have %zu bytes; a frame has at most %d: shorten its contents"),
                      name, size, SESSION_FRAME_MAX);
      return NULL;
    }
  frame = g_malloc (LENGTH_SIZE + size);
  length = GUINT32_TO_BE ((guint32) size);
  memcpy (frame, &length, LENGTH_SIZE);
  /* Not g_variant_store (): behind the length the place is not aligned. */
  memcpy (frame + LENGTH_SIZE, g_variant_get_data (message), size);
  return g_bytes_new_take (g_steal_pointer (&frame), LENGTH_SIZE + size);
}

SessionFrameReader *
session_frame_reader_new (void)
{
  SessionFrameReader *reader = g_new0 (SessionFrameReader, 1);

  reader->body = g_byte_array_new ();
  return reader;
}

void
session_frame_reader_free (SessionFrameReader *reader)
{
  if (reader == NULL)
    return;
  g_byte_array_unref (reader->body);
  g_free (reader);
}

gsize
session_frame_reader_wants (const SessionFrameReader *reader)
{
  if (reader->header_filled < LENGTH_SIZE)
    return LENGTH_SIZE - reader->header_filled;
  return reader->body_length - reader->body->len;
}

gboolean
session_frame_reader_is_empty (const SessionFrameReader *reader)
{
  return reader->header_filled == 0;
}

static gboolean
feed_header (SessionFrameReader *reader, const void *data, gsize length, GError **error)
{
  guint32 announced;

  memcpy (reader->header + reader->header_filled, data, length);
  reader->header_filled += length;
  if (reader->header_filled < LENGTH_SIZE)
    return TRUE;
  memcpy (&announced, reader->header, LENGTH_SIZE);
  announced = GUINT32_FROM_BE (announced);
  if (announced == 0 || announced > SESSION_FRAME_MAX)
    return base_error_set (error, MUX_ERROR_PROTOCOL,
                           _ ("The peer announced a frame of %u bytes; allowed are 1 to %d"), announced,
                           SESSION_FRAME_MAX);
  reader->body_length = announced;
  return TRUE;
}

/* Takes the finished body out of the reader, which is then ready for the next frame. */
static gboolean
finish_body (SessionFrameReader *reader, char **name, GVariant **arguments, GError **error)
{
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (reader->body);
  g_autoptr (GVariant) message = NULL;

  reader->body = g_byte_array_new ();
  reader->header_filled = 0;
  reader->body_length = 0;

  message = g_variant_ref_sink (g_variant_new_from_bytes (FRAME_TYPE, bytes, FALSE));
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped;

      /* Swapping normalises, so the check has to come first. */
      if (!g_variant_is_normal_form (message))
        return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer sent a frame that is not in normal form"));
      swapped = g_variant_byteswap (message);
      g_variant_unref (message);
      message = swapped;
    }
  if (!g_variant_is_normal_form (message))
    return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer sent a frame that is not in normal form"));
  g_variant_get (message, "(s@a{sv})", name, arguments);
  return TRUE;
}

gboolean
session_frame_reader_feed (SessionFrameReader *reader, const void *data, gsize length, char **name,
                           GVariant **arguments, GError **error)
{
  g_return_val_if_fail (length <= session_frame_reader_wants (reader), FALSE);

  *name = NULL;
  *arguments = NULL;
  if (length == 0)
    return TRUE;
  if (reader->header_filled < LENGTH_SIZE)
    return feed_header (reader, data, length, error);
  g_byte_array_append (reader->body, data, length);
  if (reader->body->len < reader->body_length)
    return TRUE;
  return finish_body (reader, name, arguments, error);
}

#include "quic/stop-scan.h"

typedef struct
{
  const guint8 *at, *end;
  gboolean bad;
} Cursor;

/* RFC 9000 16. */
static guint64
varint (Cursor *cursor)
{
  gsize length;
  guint64 value;

  if (cursor->at == cursor->end)
    {
      cursor->bad = TRUE;
      return 0;
    }
  length = (gsize)1 << (*cursor->at >> 6);
  if ((gsize)(cursor->end - cursor->at) < length)
    {
      cursor->bad = TRUE;
      return 0;
    }
  value = *cursor->at++ & 0x3f;
  while (--length > 0)
    value = value << 8 | *cursor->at++;
  return value;
}

static void
skip (Cursor *cursor, guint64 length)
{
  if ((guint64)(cursor->end - cursor->at) < length)
    cursor->bad = TRUE;
  else
    cursor->at += length;
}

static void
skip_varints (Cursor *cursor, guint64 n)
{
  while (n-- > 0 && !cursor->bad)
    varint (cursor);
}

static void
skip_ack (Cursor *cursor, gboolean ecn)
{
  guint64 ranges;

  skip_varints (cursor, 2);
  ranges = varint (cursor);
  skip_varints (cursor, 1);
  while (ranges-- > 0 && !cursor->bad)
    skip_varints (cursor, 2);
  if (ecn)
    skip_varints (cursor, 3);
}

static void
skip_stream (Cursor *cursor, guint64 type)
{
  skip_varints (cursor, type & 0x04 ? 2 : 1);
  if (type & 0x02)
    skip (cursor, varint (cursor));
  else
    cursor->at = cursor->end;
}

static void
skip_frame (Cursor *cursor, guint64 type)
{
  if (type >= 0x08 && type <= 0x0f)
    skip_stream (cursor, type);
  else
    switch (type)
      {
      case 0x00: /* PADDING */
      case 0x01: /* PING */
      case 0x1e: /* HANDSHAKE_DONE */
        break;
      case 0x02: /* ACK */
      case 0x03:
        skip_ack (cursor, type == 0x03);
        break;
      case 0x04: /* RESET_STREAM */
        skip_varints (cursor, 3);
        break;
      case 0x06: /* CRYPTO */
        skip_varints (cursor, 1);
        skip (cursor, varint (cursor));
        break;
      case 0x07: /* NEW_TOKEN */
        skip (cursor, varint (cursor));
        break;
      case 0x10: /* MAX_DATA */
      case 0x12: /* MAX_STREAMS */
      case 0x13:
      case 0x14: /* DATA_BLOCKED */
      case 0x16: /* STREAMS_BLOCKED */
      case 0x17:
      case 0x19: /* RETIRE_CONNECTION_ID */
        skip_varints (cursor, 1);
        break;
      case 0x11: /* MAX_STREAM_DATA */
      case 0x15: /* STREAM_DATA_BLOCKED */
        skip_varints (cursor, 2);
        break;
      case 0x18: /* NEW_CONNECTION_ID: sequence, retire prior to, length, ID, token */
        skip_varints (cursor, 2);
        if (cursor->at < cursor->end)
          skip (cursor, 1 + (guint64)*cursor->at + 16);
        break;
      case 0x1a: /* PATH_CHALLENGE */
      case 0x1b: /* PATH_RESPONSE */
        skip (cursor, 8);
        break;
      default: /* CONNECTION_CLOSE ends everything; others are not negotiated */
        cursor->bad = TRUE;
        break;
      }
}

void
quic_stop_scan (const guint8 *payload, gsize length, QuicStopFunc func, gpointer user_data)
{
  Cursor cursor = { .at = payload, .end = payload + length };

  while (cursor.at < cursor.end && !cursor.bad)
    {
      guint64 type = varint (&cursor);

      if (type == 0x05)
        {
          guint64 stream = varint (&cursor);
          guint64 code = varint (&cursor);

          if (!cursor.bad)
            func ((gint64)stream, code, user_data);
        }
      else
        skip_frame (&cursor, type);
    }
}

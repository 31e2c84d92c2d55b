/* The number by which both sides know a session. */
#include "session/session-private.h"

#include <string.h>

const char *
session_id (const Session *session)
{
  return session->id;
}

const guint8 *
session_id_bytes (const Session *session)
{
  return session->id_bytes;
}

gboolean
session_id_parse (const char *text, guint8 bytes[SESSION_ID_SIZE])
{
  if (strlen (text) != 2 * SESSION_ID_SIZE)
    return FALSE;
  for (gsize i = 0; i < SESSION_ID_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]), low = g_ascii_xdigit_value (text[2 * i + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      bytes[i] = (guint8)(high << 4 | low);
    }
  return TRUE;
}

void
session_set_id (Session *session, const guint8 *bytes)
{
  memcpy (session->id_bytes, bytes, SESSION_ID_SIZE);
  for (gsize i = 0; i < SESSION_ID_SIZE; i++)
    g_snprintf (session->id + 2 * i, 3, "%02x", bytes[i]);
}

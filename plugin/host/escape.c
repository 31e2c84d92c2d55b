#include "host/escape.h"

#define ESCAPE '~'
#define CONTROL_Z 26

void
host_escape_init (HostEscape *escape)
{
  *escape = (HostEscape){ .line_start = TRUE };
}

/* What follows an escape character. TRUE when it was an action, set in *@action. */
static gboolean
after_escape (HostEscape *escape, guint8 c, GByteArray *out, HostEscapeAction *action)
{
  static const guint8 one = ESCAPE;

  escape->pending = FALSE;
  switch (c)
    {
    case '.':
      *action = HOST_ESCAPE_END;
      return TRUE;
    case '?':
      *action = HOST_ESCAPE_HELP;
      break;
    case CONTROL_Z:
      *action = HOST_ESCAPE_SUSPEND;
      break;
    case ESCAPE:
      /* Typed twice it is sent once. */
      g_byte_array_append (out, &one, 1);
      escape->line_start = FALSE;
      return FALSE;
    default:
      g_byte_array_append (out, &one, 1);
      g_byte_array_append (out, &c, 1);
      escape->line_start = c == '\r' || c == '\n';
      return FALSE;
    }
  /* The line is still empty. */
  escape->line_start = TRUE;
  return TRUE;
}

HostEscapeAction
host_escape_filter (HostEscape *escape, const guint8 *data, gsize length, GByteArray *out, gsize *used)
{
  HostEscapeAction action = HOST_ESCAPE_NONE;

  for (gsize i = 0; i < length; i++)
    {
      guint8 c = data[i];

      if (escape->pending)
        {
          if (after_escape (escape, c, out, &action))
            {
              *used = i + 1;
              return action;
            }
        }
      else if (c == ESCAPE && escape->line_start)
        escape->pending = TRUE;
      else
        {
          g_byte_array_append (out, &c, 1);
          escape->line_start = c == '\r' || c == '\n';
        }
    }
  *used = length;
  return HOST_ESCAPE_NONE;
}

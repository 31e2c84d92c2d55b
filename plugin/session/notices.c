/* What is said of a channel beside its bytes must arrive once, whatever becomes of the connection: it is numbered, kept until the
 * peer's QUIC has it, and said again over the next connection; a number that was heard before is not heard again. */
#include "session/session-private.h"

#define BASE_LOG_ROOM "session"
#include "base/log.h"

/* Nobody waits for more of them while the connection is away. */
#define MAX_NOTICES 512

typedef struct
{
  guint64 number, channel;
  guint64 end; /* of it on the control stream; G_MAXUINT64: not said over this connection */
  char *name;
  GVariant *arguments;
} SessionNotice;

static void
notice_free (gpointer data)
{
  SessionNotice *notice = data;

  g_free (notice->name);
  g_variant_unref (notice->arguments);
  g_free (notice);
}

static void
say (Session *session, SessionNotice *notice)
{
  notice->end = G_MAXUINT64;
  if (session->phase != SESSION_UP)
    return;
  session_say (session, notice->name, notice->arguments);
  if (session->control != NULL)
    notice->end = session_control_written (session->control);
}

/* Of several sizes that nobody has heard only the last one counts. */
static void
drop_older_size (Session *session, guint64 channel)
{
  for (GList *link = session->notices.head; link != NULL; link = link->next)
    {
      SessionNotice *notice = link->data;

      if (notice->end != G_MAXUINT64 || notice->channel != channel || !g_str_equal (notice->name, "resize"))
        continue;
      notice_free (notice);
      g_queue_delete_link (&session->notices, link);
      return;
    }
}

void
session_notice_say (Session *session, guint64 channel, const char *name, GVariantDict *arguments)
{
  SessionNotice *notice;

  if (g_str_equal (name, "resize"))
    drop_older_size (session, channel);
  if (session->notices.length >= MAX_NOTICES && !g_str_equal (name, "exited"))
    {
      base_info ("“%s” is lost: the other side has not heard of %d others yet", name, MAX_NOTICES);
      return;
    }
  notice = g_new0 (SessionNotice, 1);
  notice->number = ++session->notices_said;
  notice->channel = channel;
  notice->name = g_strdup (name);
  g_variant_dict_insert (arguments, "channel", "t", channel);
  g_variant_dict_insert (arguments, "n", "t", notice->number);
  notice->arguments = g_variant_ref_sink (g_variant_dict_end (arguments));
  g_queue_push_tail (&session->notices, notice);
  say (session, notice);
}

void
session_notices_acknowledged (Session *session)
{
  guint64 heard = session->control != NULL ? session_control_acknowledged (session->control) : 0;
  SessionNotice *notice;

  while ((notice = g_queue_peek_head (&session->notices)) != NULL && notice->end <= heard)
    notice_free (g_queue_pop_head (&session->notices));
}

void
session_notices_repeat (Session *session)
{
  for (GList *link = session->notices.head; link != NULL; link = link->next)
    say (session, link->data);
}

void
session_notices_forget (Session *session)
{
  g_queue_clear_full (&session->notices, notice_free);
}

gboolean
session_notice_is_news (Session *session, GVariant *arguments)
{
  guint64 number = 0;

  if (!g_variant_lookup (arguments, "n", "t", &number))
    return TRUE;
  if (number <= session->notices_heard)
    return FALSE;
  session->notices_heard = number;
  return TRUE;
}

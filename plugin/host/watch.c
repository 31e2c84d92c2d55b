#include "host/watch.h"

#include "host/changes.h"
#include "host/follow.h"
#include "host/json.h"
#include "host/screen.h"
#include "host/status-table.h"
#include "host/style.h"
#include "host/terminal.h"
#include "host/verb.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CTRL(letter) ((letter)&0x1f)

typedef struct
{
  GMainLoop *loop;
  HostFollow *follow;
  GVariant *status; /* the last that was seen; NULL: none yet */
  gint64 gone;      /* since when the host is, Unix seconds; 0: it is there */
  gboolean json, screen;
  int exit_status;
} Watch;

static char *
format_clock (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (seconds);

  return time != NULL ? g_date_time_format (time, "%H:%M:%S") : g_strdup ("?");
}

static gint64
now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
end (Watch *watch, int exit_status)
{
  watch->exit_status = exit_status;
  g_main_loop_quit (watch->loop);
}

/* Lines */

/* @kind may be NULL. */
static void
say (Watch *watch, const char *event, const char *text, const char *kind, GVariant *subject)
{
  g_autofree char *harmless = NULL;
  g_autofree char *clock = NULL;
  GVariantDict dict;

  if (watch->json)
    {
      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "event", "s", event);
      g_variant_dict_insert (&dict, "time", "x", now ());
      if (kind != NULL)
        g_variant_dict_insert_value (&dict, kind, subject);
      host_json_print_line (g_variant_dict_end (&dict));
      return;
    }
  clock = format_clock (now ());
  harmless = host_make_harmless (text);
  g_print ("%s %s\n", clock, harmless);
  fflush (stdout);
}

static void
say_changes (Watch *watch, GVariant *status)
{
  g_autoptr (GPtrArray) changes = host_changes_between (watch->status, status);

  for (guint i = 0; i < changes->len; i++)
    {
      HostChange *change = changes->pdata[i];

      say (watch, change->event, change->text, change->kind, change->subject);
    }
}

/* The table */

static void
paint (Watch *watch)
{
  HostTableLook look = { .colors = host_style_enabled (STDOUT_FILENO) };
  HostStyle style = watch->gone != 0 ? HOST_STYLE_BAD : HOST_STYLE_HEADING;
  g_autofree char *gone = format_clock (watch->gone);
  g_autofree char *words = NULL;
  g_autofree char *title = NULL;
  g_autofree char *body = NULL;
  const char *version = "";
  guint rows;

  if (watch->status == NULL)
    return;
  host_terminal_size (STDOUT_FILENO, &rows, &look.columns);
  body = host_status_table_format (watch->status, &look);
  g_variant_lookup (watch->status, "version", "&s", &version);
  words = watch->gone != 0
              ? g_strdup_printf (_ ("The host is gone since %s; this goes on when it is back"), gone)
              : g_strdup_printf (_ ("mux-quic %s on %s"), version, g_get_host_name ());
  title
      = g_strconcat (host_style_begin (style, look.colors), words, host_style_end (style, look.colors), NULL);
  if (!host_screen_paint (&(HostScreen){ title, body, _ ("q ends this") }, STDOUT_FILENO))
    end (watch, HOST_EXIT_OK);
}

static gboolean
resized_cb (gpointer data)
{
  paint (data);
  return G_SOURCE_CONTINUE;
}

static void
open_screen (void)
{
  /* First what stops a program of the background, so that it leaves no mess there. */
  host_terminal_make_raw (STDIN_FILENO);
  host_terminal_open_screen (STDOUT_FILENO);
}

/* Stops as a program in front does, and goes on with the terminal as it is then. */
static void
suspend (Watch *watch)
{
  host_terminal_restore ();
  kill (0, SIGSTOP);
  open_screen ();
  paint (watch);
}

static gboolean
key_cb (int fd, GIOCondition condition, gpointer data)
{
  Watch *watch = data;
  char keys[64];
  gssize n = read (fd, keys, sizeof keys);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      end (watch, HOST_EXIT_OK);
      return G_SOURCE_CONTINUE;
    }
  for (gssize i = 0; i < n; i++)
    if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == CTRL ('c') || keys[i] == CTRL ('d'))
      end (watch, HOST_EXIT_OK);
    else if (keys[i] == CTRL ('z'))
      suspend (watch);
    else if (keys[i] == CTRL ('l'))
      paint (watch);
  return G_SOURCE_CONTINUE;
}

/* What the host says */

static void
status_cb (GVariant *status, gpointer data)
{
  Watch *watch = data;

  if (!watch->screen && watch->gone != 0)
    say (watch, "host-back", _ ("the host is back"), NULL, NULL);
  watch->gone = 0;
  if (!watch->screen && watch->json && watch->status == NULL)
    say (watch, "status", NULL, "status", status);
  else if (!watch->screen)
    say_changes (watch, status);
  else if (watch->status == NULL)
    open_screen ();
  g_clear_pointer (&watch->status, g_variant_unref);
  watch->status = g_variant_ref (status);
  if (watch->screen)
    paint (watch);
}

static void
gone_cb (gpointer data)
{
  Watch *watch = data;

  watch->gone = now ();
  if (watch->screen)
    paint (watch);
  else
    say (watch, "host-gone", _ ("the host is gone; waiting for it"), NULL, NULL);
}

static void
failed_cb (const GError *error, gpointer data)
{
  end (data, host_exit_for_error (error));
  host_complain ("%s", error->message);
}

static const HostFollowEvents events = { .status = status_cb, .gone = gone_cb, .failed = failed_cb };

static gboolean
signal_cb (gpointer data)
{
  end (data, HOST_EXIT_OK);
  return G_SOURCE_CONTINUE;
}

/* Nobody reads any more. (GIO lets no SIGPIPE end us.) */
static gboolean
unread_cb (int fd, GIOCondition condition, gpointer data)
{
  end (data, 128 + SIGPIPE);
  return G_SOURCE_CONTINUE;
}

int
host_watch_run (gboolean json)
{
  Watch watch = { .json = json };
  guint sources[6];

  watch.screen = !json && isatty (STDOUT_FILENO);
  watch.loop = g_main_loop_new (NULL, FALSE);
  sources[0] = g_unix_signal_add (SIGINT, signal_cb, &watch);
  sources[1] = g_unix_signal_add (SIGTERM, signal_cb, &watch);
  sources[2] = g_unix_signal_add (SIGHUP, signal_cb, &watch);
  sources[3] = watch.screen ? g_unix_signal_add (SIGWINCH, resized_cb, &watch) : 0;
  sources[4] = watch.screen && isatty (STDIN_FILENO)
                   ? g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, key_cb, &watch)
                   : 0;
  sources[5] = g_unix_fd_add (STDOUT_FILENO, G_IO_ERR, unread_cb, &watch);
  /* Only a table shows round-trip times and bytes. */
  watch.follow = host_follow_new (watch.screen, &events, &watch);
  g_main_loop_run (watch.loop);
  host_follow_free (watch.follow);
  host_terminal_restore ();
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
  g_clear_pointer (&watch.status, g_variant_unref);
  g_main_loop_unref (watch.loop);
  return watch.exit_status;
}

/* Whether systemd, where there is one, starts the host by itself and lets it outlive a logout. */
#include "host/control-client.h"
#include "host/doctor.h"
#include "host/progress.h"

#include <glib/gi18n.h>
#include <string.h>

/* systemctl and loginctl answer at once, or not at all. */
#define PATIENCE_MS 5000

/* Either starts the host: at login, or at the first datagram. */
static const char *const units[] = { "mux-quic.service", "mux-quic.socket" };

typedef struct
{
  GSubprocess *process;
  GCancellable *cancellable;
  char *text;
  gboolean done, hung;
} Question;

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &question->text, NULL, NULL);
  question->done = TRUE;
}

static gboolean
hung_cb (gpointer data)
{
  Question *question = data;

  question->hung = TRUE;
  g_subprocess_force_exit (question->process);
  g_cancellable_cancel (question->cancellable);
  return G_SOURCE_CONTINUE;
}

/* The first line that @argv prints, whatever its exit status; NULL when it cannot be run or says nothing. *@hung
 * (may be NULL) is set when it does not come to an end: who asks for a doctor may have a systemd that is ill. */
static char *
first_line (const char *const *argv, gboolean *hung)
{
  Question question = { 0 };
  guint timer;

  question.process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  if (question.process == NULL)
    return NULL;
  question.cancellable = g_cancellable_new ();
  timer = g_timeout_add (PATIENCE_MS, hung_cb, &question);
  g_subprocess_communicate_utf8_async (question.process, NULL, question.cancellable, answered_cb, &question);
  host_progress_wait (&question.done, NULL);
  g_source_remove (timer);
  g_object_unref (question.cancellable);
  g_object_unref (question.process);
  if (hung != NULL && question.hung)
    *hung = TRUE;
  if (question.text != NULL)
    question.text[strcspn (question.text, "\n")] = '\0';
  if (question.text == NULL || *question.text == '\0')
    g_clear_pointer (&question.text, g_free);
  return question.text;
}

static gboolean
is_enabled (const char *word)
{
  static const char *const words[]
      = { "enabled",   "enabled-runtime", "linked", "linked-runtime", "static", "indirect",
          "generated", "alias",           NULL };

  return g_strv_contains (words, word);
}

/* What systemctl says of the unit that is enabled, or else of the last one. */
static char *
ask_unit (gboolean *hung)
{
  g_autofree char *word = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (units) && !*hung && (word == NULL || !is_enabled (word)); i++)
    {
      const char *user[] = { "systemctl", "--user", "is-enabled", units[i], NULL };
      const char *system[] = { "systemctl", "is-enabled", units[i], NULL };
      g_autofree char *next = first_line (host_control_is_system () ? system : user, hung);

      if (next != NULL)
        {
          g_free (word);
          word = g_steal_pointer (&next);
        }
    }
  return g_steal_pointer (&word);
}

gboolean
host_doctor_is_awaited (void)
{
  const char *user[] = { "systemctl", "--user", "is-active", "mux-quic.socket", NULL };
  const char *system[] = { "systemctl", "is-active", "mux-quic.socket", NULL };
  g_autofree char *word = first_line (host_control_is_system () ? system : user, NULL);

  return g_strcmp0 (word, "active") == 0;
}

void
host_doctor_judge_unit (GPtrArray *findings, const char *unit, gboolean system_mode, gboolean running)
{
  const char *enable = system_mode ? _("let it: sudo systemctl enable --now mux-quic")
                                   : _("let it: systemctl --user enable --now mux-quic");

  if (unit == NULL)
    host_doctor_add (findings, "note", "service", NULL,
                     _("systemd does not run here: a host starts by the desktop's autostart, or by hand"));
  else if (is_enabled (unit))
    host_doctor_add (findings, "ok", "service", NULL, _("systemd starts a host by itself"));
  else if (g_str_equal (unit, "masked") || g_str_equal (unit, "masked-runtime"))
    host_doctor_add (findings, running ? "warning" : "note", "service",
                     system_mode ? _("allow it: sudo systemctl unmask mux-quic")
                                 : _("allow it: systemctl --user unmask mux-quic"),
                     _("somebody has forbidden systemd to start a host (it is masked)"));
  else
    host_doctor_add (findings, running ? "warning" : "note", "service", enable,
                     _("systemd does not start a host by itself"));
}

void
host_doctor_judge_linger (GPtrArray *findings, const char *linger)
{
  if (g_strcmp0 (linger, "yes") == 0)
    host_doctor_add (findings, "ok", "linger", NULL,
                     _("the host outlives a logout, and starts when the machine does"));
  else if (g_strcmp0 (linger, "no") == 0)
    host_doctor_add (findings, "warning", "linger", _("let it stay: sudo loginctl enable-linger \"$USER\""),
                     _("the host ends when you log out, and starts when you log in"));
}

void
host_doctor_service (GPtrArray *findings, gboolean running)
{
  const char *argv[] = { "loginctl", "show-user", g_get_user_name (), "--property=Linger", "--value", NULL };
  gboolean hung = FALSE;
  g_autofree char *unit = ask_unit (&hung);
  g_autofree char *linger = NULL;

  if (hung)
    {
      host_doctor_add (findings, "warning", "service",
                       host_control_is_system () ? _("look for the cause: journalctl -b -p warning")
                                                 : _("look for the cause: journalctl -b -p warning -u \"user@$(id -u)\""),
                       _("systemd does not answer systemctl"));
      return;
    }
  host_doctor_judge_unit (findings, unit, host_control_is_system (), running);
  if (unit == NULL || !is_enabled (unit) || host_control_is_system ())
    return;
  linger = first_line (argv, NULL);
  host_doctor_judge_linger (findings, linger);
}

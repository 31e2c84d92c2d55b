/* What `doctor` looks at beside the plugin: the host that runs here, or does not, and what keeps it running.
 * Findings are those of MuxTransportOps.diagnose_async () in mux/transport.h: a{sv} with level, check, found,
 * remedy. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A finding; @remedy may be NULL. @level: "ok", "note", "warning", "error". */
void host_doctor_add (GPtrArray *findings, const char *level, const char *check, const char *remedy,
                      const char *format, ...) G_GNUC_PRINTF (5, 6);

/* What is known of the host that runs here; clear it. */
typedef struct
{
  gboolean running;
  int pid;      /* 0 = unknown */
  char *config; /* the file it serves by, "" for none; NULL: nothing runs */
} HostDoctorHost;

void host_doctor_host_clear (HostDoctorHost *host);
/* The control socket and who answers on it. */
void host_doctor_host (GPtrArray *findings, HostDoctorHost *host);
/* Of the system's host, asked by root: from here on this process is the user that it runs as, and sees what it may
 * and may not. */
void host_doctor_see_as_host (GPtrArray *findings);
/* The limit of open files of @pid, or of what would be started here when it is 0. */
void host_doctor_files (GPtrArray *findings, int pid);
/* Whether systemd listens in the place of a host that does not run. */
gboolean host_doctor_is_awaited (void);
/* Whether the host starts by itself, and outlives a logout. */
void host_doctor_service (GPtrArray *findings, gboolean running);

/* The judgements, apart from how the facts were come by. @unit: the word of `systemctl is-enabled`, NULL = no
 * systemd here;
 * @linger: the word of loginctl, NULL = unknown. */
void host_doctor_judge_files (GPtrArray *findings, guint64 limit);
void host_doctor_judge_unit (GPtrArray *findings, const char *unit, gboolean system_mode, gboolean running);
void host_doctor_judge_linger (GPtrArray *findings, const char *linger);

G_END_DECLS

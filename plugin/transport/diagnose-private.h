/* What the checks of a diagnosis share. diagnose.c: the table of what is looked at on this machine, and the
 * operation; diagnose-pki.c: the PKI directory; diagnose-files.c: certificates that a person supplied, and
 * how clients get theirs; diagnose-machine.c: what the kernel gives; diagnose-way.c: the way to a target;
 * diagnose-reach.c: what an answer by UDP, or none, means; diagnose-peer.c: what the server shows. Nothing
 * here changes anything. */
#pragma once

#include "net/probe.h"
#include "transport/diagnose.h"
#include "transport/diagnosis.h"
#include "transport/domain.h"
#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct
{
  MuxTransport *transport;
  TransportDiagnosis *findings; /* owned */
  char *target;                 /* NULL: this machine alone */
  gboolean running;             /* a host serves here: its sockets are taken, its certificates in use */
  gint64 now;                   /* Unix seconds */
  gboolean taken;               /* its addresses are: by it, or by systemd in its place */
  char *config;                 /* the file it serves by, "" for none; NULL: unknown */

  /* Of the way. */
  struct _TransportRace *race;
  GTask *racing; /* what waits for it; its reference */
} TransportExamination;

/* One thing to look at; adds at least one finding, or none where there is nothing of the kind. */
typedef void (*TransportExamine) (TransportExamination *examination);

void transport_examine_directory (TransportExamination *examination);
void transport_examine_authority (TransportExamination *examination);
void transport_examine_server (TransportExamination *examination);
void transport_examine_server_files (TransportExamination *examination);
void transport_examine_clients (TransportExamination *examination);
void transport_examine_clock (TransportExamination *examination);
void transport_examine_socket (TransportExamination *examination);
void transport_examine_listen (TransportExamination *examination);

/* Whether @certificate, called @label, is in date. One that is not is a finding of @check: expired with
 * @remedy, not valid yet as a finding of "clock"; one that expires soon is a warning, with FALSE as well. */
gboolean transport_examine_dates (TransportExamination *examination, const char *check,
                                  PkiCertificate *certificate, const char *label, const char *remedy);
/* "2026-11-27 23:26 UTC"; free with g_free (). */
char *transport_examine_date (gint64 seconds);

/* The judgements, apart from how the facts were come by. Sizes in bytes, as the socket has them; limits of
 * the kernel's, 0 = unknown. */
void transport_judge_buffers (TransportDiagnosis *findings, gsize receive, gsize send);
void transport_judge_offload (TransportDiagnosis *findings, gboolean gso, gboolean gro);
void transport_judge_clock (TransportDiagnosis *findings, gint64 now, gboolean synchronised);

/* What became of the question to one address. @speaks_v1: when it was answered. @alone: no other address of
 * the target has answered. */
void transport_judge_reach (TransportDiagnosis *findings, const NetAddress *address,
                            const NetProbeResult *result, gboolean speaks_v1, gboolean alone,
                            gboolean has_relay);
/* … and to the larger one of @size bytes, at an address that answered the small one. */
void transport_judge_mtu (TransportDiagnosis *findings, const NetAddress *address,
                          const NetProbeResult *result, gsize size);

/* What a server shows that was reached: @peer, verified but for its name. @name: what must stand in it. */
void transport_judge_peer (TransportExamination *examination, const ConfigClient *client, const char *name,
                           PkiCertificate *peer);

/* The way to examination->target; @callback, in a later turn, when all is found. @owner, which frees the
 * examination, is kept so long. After @cancellable the transport may go. */
void transport_examine_way_async (TransportExamination *examination, GObject *owner,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean transport_examine_way_finish (GAsyncResult *result, GError **error);
/* What of it stands in the transport goes now. After @cancellable. */
void transport_examine_way_abort (TransportExamination *examination);

G_END_DECLS

/* What the steps on the way to a target share: diagnose-way.c (its certificate, its name, every address by
 * UDP) and diagnose-meet.c (the handshake, a session). A step ends in the next one or in transport_way_finish
 * (). */
#pragma once

#include "quic/probe.h"
#include "transport/diagnose-private.h"

G_BEGIN_DECLS

typedef struct
{
  GTask *task; /* of the way; a reference */
  NetAddress address;
  guint8 nonce[QUIC_PROBE_NONCE];
  QuicProbeAnswer answer;
  NetProbeResult small, large;
  gboolean asked_large;
} TransportQuestion;

/* Task data. */
typedef struct
{
  TransportExamination *examination; /* of … */
  GObject *owner;                    /* … which is kept as long */
  ConfigSettings *settings;
  ConfigClient *own_client;
  const ConfigClient *client;
  TransportDomain *domain; /* NULL: no certificate is at hand */
  char *host;
  guint16 port;
  GPtrArray *questions; /* of TransportQuestion, owned */
  guint pending;
} TransportWay;

/* No further step. Consumes @task. */
void transport_way_finish (GTask *task);
/* Whether nobody waits any more: then the transport may be gone, and there is nothing to do but to finish. */
gboolean transport_way_is_over (GTask *task);
/* With every address that answered. Consumes @task. */
void transport_way_meet (GTask *task);

G_END_DECLS

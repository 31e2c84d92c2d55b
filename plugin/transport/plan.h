/* Everything that a configuration's servers need, made before anything that is in force is touched: PKI,
 * sockets, certificates. Either it is made whole and then committed, which cannot fail, or it goes without a
 * trace. Never calls back. */
#pragma once

#include "transport/listener.h"

G_BEGIN_DECLS

typedef struct
{
  ConfigSettings *settings;
  TransportServerPki *pki;
  char **names;
  GPtrArray *listeners; /* one for each server: fresh, or one that is there already (borrowed) */
  GPtrArray *fresh;     /* those among them, owned */
  GPtrArray *tls, *leaves;
} TransportPlan;

/* Zero-initialise @plan; clear it also after a failure. */
gboolean transport_plan_make (TransportPlan *plan, MuxTransport *transport, ConfigSettings *settings,
                              GError **error);
/* Listeners that the plan has no more use for are marked as retired. */
void transport_plan_commit (TransportPlan *plan, MuxTransport *transport);
void transport_plan_clear (TransportPlan *plan);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TransportPlan, transport_plan_clear)

G_END_DECLS

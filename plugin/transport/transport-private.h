/* What the files of this room share. */
#pragma once

#include "pki/secret.h"
#include "transport/domain.h"
#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _TransportListener TransportListener;

struct _MuxTransport
{
  const MuxHost *host;
  GMainContext *context;
  ConfigSettings *settings;
  GError *config_error; /* why @settings are only the defaults */

  /* The server's side, there after start (). */
  gboolean running;
  gint64 started; /* Unix seconds */
  PkiStore *store;
  PkiAuthority *authority;
  PkiSecret *secret;
  char **names;
  GPtrArray *listeners; /* of TransportListener, in the configuration's order */
  GSource *renewal;

  GPtrArray *sessions; /* of MuxSession, a reference each */
  GHashTable *identities; /* domain name → TransportIdentity: enrolled by this process, not on disk */

  const TransportObserver *observer;
  gpointer observer_data;
  GTask *stopping;
  GSource *stop_deadline;
};

/* The session left `sessions`: a stop may be complete. */
void transport_session_gone (MuxTransport *transport);
GVariant *transport_describe (MuxTransport *transport);
/* Names of the services the host offers: `mux_services` and the built-in ones. */
char **transport_service_names (MuxTransport *transport);

G_END_DECLS

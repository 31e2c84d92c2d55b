/* What differs between two looks at a host's status, each difference with a name for a program and a line for
 * a person. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  /* "listener-added", "listener-removed", "session-added", "session-changed", "session-removed",
   * "certificate-added", "certificate-changed", "certificate-removed". Static. */
  const char *event;
  const char *kind;  /* "listener", "session", "certificate". Static. */
  GVariant *subject; /* a{sv}: as it is now; as it was when it is removed */
  char *text;        /* translated */
} HostChange;

/* @before, @after: a{sv} of Manager.Describe; @before NULL: of a host that had nothing. Returns HostChange *,
 * in the order of the status. */
GPtrArray *host_changes_between (GVariant *before, GVariant *after);

G_END_DECLS

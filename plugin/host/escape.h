/* The escapes of ssh: `~` at the beginning of a line and a letter. A pure state machine over what is typed. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  HOST_ESCAPE_NONE,
  HOST_ESCAPE_END,     /* ~. */
  HOST_ESCAPE_HELP,    /* ~? */
  HOST_ESCAPE_SUSPEND, /* ~^Z */
} HostEscapeAction;

typedef struct
{
  gboolean line_start; /* TRUE at first */
  gboolean pending;    /* an escape character is held back */
} HostEscape;

void host_escape_init (HostEscape *escape);

/* Appends to @out what goes to the other side of @data. Stops behind an action: *@used bytes were looked at, call again for the rest. */
HostEscapeAction host_escape_filter (HostEscape *escape, const guint8 *data, gsize length, GByteArray *out, gsize *used);

G_END_DECLS

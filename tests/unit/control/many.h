/* Thousands of sessions without thousands of handshakes: copies of one that is real, each with an id of its
 * own. They can be looked at, and nothing else. */
#pragma once

#include "unit/control/world.h"

G_BEGIN_DECLS

typedef struct
{
  World *world;
  MuxSession *model;
  GPtrArray *copies; /* of MuxSession */
} Many;

/* @model: a session of the server's. */
Many *many_new (World *world, MuxSession *model, guint n);
/* The server's copy @i comes or goes, as the observer is told. */
void many_add (Many *many);
void many_remove (Many *many, guint i);
void many_free (Many *many);

G_END_DECLS

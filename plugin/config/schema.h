/* One row for each setting of `quic_servers` and `quic_clients`: its name, type, range and where it goes. What reads a configuration, and what
 * guesses the name that was meant, goes by these rows. */
#pragma once

#include "config/settings.h"

G_BEGIN_DECLS

typedef enum
{
  CONFIG_STRING,
  CONFIG_PATH,    /* absolute afterwards */
  CONFIG_INTEGER, /* guint */
  CONFIG_BOOLEAN, /* gboolean */
  CONFIG_SECONDS, /* any positive number; guint64, milliseconds */
  CONFIG_STRINGS, /* char ** */
  CONFIG_PATHS,   /* char **, absolute */
  CONFIG_CHOICE,  /* enum: index in choices */
  CONFIG_INERT,   /* accepted, without effect */
} ConfigType;

typedef struct
{
  const char *name;
  ConfigType type;
  gsize offset;
  double minimum, maximum; /* integers; seconds */
  double preset;           /* integers, seconds, booleans, choices; lists are empty, strings NULL */
  const char *preset_text; /* strings */
  const char *const *choices;
  gboolean required;
} ConfigRow;

/* Ended by a row without a name. */
extern const ConfigRow config_server_rows[];
extern const ConfigRow config_client_rows[];

const ConfigRow *config_schema_find (const ConfigRow *rows, const char *name);
/* The name of a row that was perhaps meant; NULL when none is near. */
const char *config_schema_nearest (const ConfigRow *rows, const char *name);
/* Puts every default into the zeroed struct @target. */
void config_schema_preset (const ConfigRow *rows, gpointer target);
/* Frees what the rows own in @target. */
void config_schema_clear (const ConfigRow *rows, gpointer target);

G_END_DECLS

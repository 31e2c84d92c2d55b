/* What a verb found, as JSON for a program: every object carries the number of the schema that it follows. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* --json, of every verb that prints data. */
extern const GOptionEntry host_json_options[];
/* Whether it was given. */
gboolean host_json_wanted (void);

/* Prints @dictionary (a{sv}; floating consumed) with "schema" to standard output: indented, or on one line.
 */
void host_json_print (GVariant *dictionary);
void host_json_print_line (GVariant *dictionary);

G_END_DECLS

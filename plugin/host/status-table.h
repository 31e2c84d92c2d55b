/* The status as tables for a person. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @status: what Manager.Describe gives. Prints to standard output. */
void host_status_table_print (GVariant *status);

G_END_DECLS

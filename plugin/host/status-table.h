/* The status as tables for a person. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @status: what Manager.Describe gives. Prints to standard output. */
void host_status_table_print (GVariant *status);
/* The `certificates` of a status alone. */
void host_status_table_print_own (GVariant *status);
/* aa{sv} of the Manager's ListCertificates (). */
void host_status_table_print_issued (GVariant *certificates);
/* @dictionary: a{sv}; floating consumed. With the schema's number. */
void host_print_json (GVariant *dictionary);

G_END_DECLS

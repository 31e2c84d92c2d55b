/* The status as tables for a person. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How it is to look. */
typedef struct
{
  gboolean colors;
  guint columns; /* lines are no wider than that; 0: as wide as they need to be */
} HostTableLook;

/* @status: what Manager.Describe gives: listeners, sessions, certificates. */
char *host_status_table_format (GVariant *status, const HostTableLook *look);
/* The same, and its `certificates` alone, and aa{sv} of the Manager's ListCertificates (), to standard output. */
void host_status_table_print (GVariant *status);
void host_status_table_print_own (GVariant *status);
void host_status_table_print_issued (GVariant *certificates);

G_END_DECLS

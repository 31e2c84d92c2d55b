/* What an examination found, finding by finding: a list of a{sv} with level s ("ok", "note", "warning",
 * "error"), check s (a word that never changes and is never translated), found s, and remedy s where there is
 * something to do. An error is what keeps somebody from connecting, a warning what will, or costs speed or
 * safety. Never calls back. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  TRANSPORT_FINDING_OK,
  TRANSPORT_FINDING_NOTE,
  TRANSPORT_FINDING_WARNING,
  TRANSPORT_FINDING_ERROR,
} TransportFindingLevel;

typedef struct _TransportDiagnosis TransportDiagnosis;

TransportDiagnosis *transport_diagnosis_new (void);
void transport_diagnosis_free (TransportDiagnosis *diagnosis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportDiagnosis, transport_diagnosis_free)

/* @check must be static. @remedy may be NULL. */
void transport_diagnosis_add (TransportDiagnosis *diagnosis, const char *check, TransportFindingLevel level,
                              const char *remedy, const char *format, ...) G_GNUC_PRINTF (5, 6);
/* An error of the house ends with what to do, behind a semicolon; one that does not gets @remedy. */
void transport_diagnosis_add_error (TransportDiagnosis *diagnosis, const char *check,
                                    TransportFindingLevel level, const GError *error, const char *remedy);

guint transport_diagnosis_size (const TransportDiagnosis *diagnosis);
/* aa{sv}, transfer full. */
GVariant *transport_diagnosis_to_variant (const TransportDiagnosis *diagnosis);

G_END_DECLS

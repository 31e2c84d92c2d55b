#include "transport/diagnosis.h"

#include <stdarg.h>
#include <string.h>

struct _TransportDiagnosis
{
  GPtrArray *findings; /* of GVariant a{sv}, owned */
};

static const char *const levels[] = {
  [TRANSPORT_FINDING_OK] = "ok",
  [TRANSPORT_FINDING_NOTE] = "note",
  [TRANSPORT_FINDING_WARNING] = "warning",
  [TRANSPORT_FINDING_ERROR] = "error",
};

TransportDiagnosis *
transport_diagnosis_new (void)
{
  TransportDiagnosis *diagnosis = g_new0 (TransportDiagnosis, 1);

  diagnosis->findings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  return diagnosis;
}

void
transport_diagnosis_free (TransportDiagnosis *diagnosis)
{
  g_ptr_array_unref (diagnosis->findings);
  g_free (diagnosis);
}

static void
add (TransportDiagnosis *diagnosis, const char *check, TransportFindingLevel level, const char *remedy,
     const char *found)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *valid = g_utf8_make_valid (found, -1);
  g_autofree char *valid_remedy = remedy != NULL ? g_utf8_make_valid (remedy, -1) : NULL;

  g_variant_dict_insert (&dict, "level", "s", levels[level]);
  g_variant_dict_insert (&dict, "check", "s", check);
  g_variant_dict_insert (&dict, "found", "s", valid);
  if (valid_remedy != NULL)
    g_variant_dict_insert (&dict, "remedy", "s", valid_remedy);
  g_ptr_array_add (diagnosis->findings, g_variant_ref_sink (g_variant_dict_end (&dict)));
}

void
transport_diagnosis_add (TransportDiagnosis *diagnosis, const char *check, TransportFindingLevel level,
                         const char *remedy, const char *format, ...)
{
  g_autofree char *found = NULL;
  va_list arguments;

  va_start (arguments, format);
  found = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add (diagnosis, check, level, remedy, found);
}

void
transport_diagnosis_add_error (TransportDiagnosis *diagnosis, const char *check, TransportFindingLevel level,
                               const GError *error, const char *remedy)
{
  const char *end = strstr (error->message, "; ");
  g_autofree char *found
      = end != NULL ? g_strndup (error->message, (gsize)(end - error->message)) : g_strdup (error->message);

  add (diagnosis, check, level, end != NULL ? end + strlen ("; ") : remedy, found);
}

guint
transport_diagnosis_size (const TransportDiagnosis *diagnosis)
{
  return diagnosis->findings->len;
}

GVariant *
transport_diagnosis_to_variant (const TransportDiagnosis *diagnosis)
{
  return g_variant_ref_sink (g_variant_new_array (
      G_VARIANT_TYPE_VARDICT, (GVariant **)diagnosis->findings->pdata, diagnosis->findings->len));
}

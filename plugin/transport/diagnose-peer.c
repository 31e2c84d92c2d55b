/* What a server shows of itself: its certificate's names and dates. */
#include "transport/diagnose-private.h"

#include <glib/gi18n-lib.h>

#include "pki/names.h"

static void
judge_name (TransportExamination *examination, const ConfigClient *client, const char *name,
            PkiCertificate *peer)
{
  g_autofree char *held = g_strjoinv (", ", (char **)pki_certificate_names (peer));

  if (pki_names_match (pki_certificate_native (peer), name))
    transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_OK, NULL,
                             _("the server's certificate is for %s"), name);
  else if (client->accept_invalid_hostnames)
    transport_diagnosis_add (
        examination->findings, "names", TRANSPORT_FINDING_WARNING,
        _("dial by one of its names, and remove accept_invalid_hostnames"),
        _("the server's certificate is for %s, not for %s; that is allowed by accept_invalid_hostnames"),
        held, name);
  else
    {
      g_autofree char *remedy = g_strdup_printf (_("on the server, add '%s' to extra_san (or have pem_cert "
                                                    "issued with it) and reload; or dial by a name it holds"),
                                                 name);

      transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_ERROR, remedy,
                               _("the server's certificate is for %s, not for %s"), held, name);
    }
}

void
transport_judge_peer (TransportExamination *examination, const ConfigClient *client, const char *name,
                      PkiCertificate *peer)
{
  g_autoptr (GError) error = NULL;

  judge_name (examination, client, name, peer);
  if (!transport_domain_check_peer (client, examination->target, peer, &error))
    transport_diagnosis_add_error (examination->findings, "names", TRANSPORT_FINDING_ERROR, error,
                                   _("correct expected_cn in its entry of quic_clients"));
  if (transport_examine_dates (examination, "certificate", peer, _("the server's certificate"),
                               _("on the server: mux-quic cert renew, or replace pem_cert")))
    {
      g_autofree char *ends = transport_examine_date (pki_certificate_not_after (peer));

      transport_diagnosis_add (examination->findings, "certificate", TRANSPORT_FINDING_OK, NULL,
                               _("the server's certificate is valid until %s"), ends);
    }
}

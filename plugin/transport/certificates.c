/* What a person does with certificates: looks at them, renews, rotates, revokes. */
#define BASE_LOG_ROOM "transport"
#include "transport/transport-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"
#include "pki/rotation.h"
#include "transport/away.h"
#include "transport/upkeep.h"

static PkiAuthority *
need_authority (MuxTransport *transport, GError **error)
{
  PkiAuthority *authority = transport_authority (transport);

  if (authority == NULL)
    base_error_set (error, MUX_ERROR_PKI,
                    _("This host has no CA of its own: its certificates are files of yours (pem_cert, pem_ca)"));
  return authority;
}

static void
add_text (GVariantDict *dict, const char *name, const char *value)
{
  if (value != NULL)
    g_variant_dict_insert (dict, name, "s", value);
}

static void
add_record (GVariantBuilder *list, const PkiRecord *record)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *pem = pki_certificate_to_pem (record->certificate);

  g_variant_dict_insert (&dict, "serial", "s", pki_certificate_serial (record->certificate));
  g_variant_dict_insert (&dict, "issued", "x", pki_certificate_not_before (record->certificate));
  g_variant_dict_insert (&dict, "expires", "x", pki_certificate_not_after (record->certificate));
  g_variant_dict_insert (&dict, "certificate", "s", pem);
  add_text (&dict, "user", record->user);
  add_text (&dict, "device", record->device);
  add_text (&dict, "renews", record->renews);
  add_text (&dict, "address", record->address);
  if (record->seen != 0)
    g_variant_dict_insert (&dict, "seen", "x", record->seen);
  if (record->revoked != 0)
    g_variant_dict_insert (&dict, "revoked", "x", record->revoked);
  g_variant_builder_add_value (list, g_variant_dict_end (&dict));
}

GVariant *
transport_list_certificates (MuxTransport *transport, GError **error)
{
  g_autoptr (GPtrArray) records = NULL;
  GVariantBuilder list;

  if (need_authority (transport, error) == NULL)
    return NULL;
  records = pki_registry_list (transport_server_pki_registry (transport->pki), error);
  if (records == NULL)
    return NULL;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < records->len; i++)
    add_record (&list, records->pdata[i]);
  return g_variant_ref_sink (g_variant_builder_end (&list));
}

void
transport_note_issued (MuxTransport *transport)
{
  transport->totals.certificates_issued++;
}

void
transport_certificate_renewed (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate)
{
  transport->totals.certificates_renewed++;
  if (transport->observer != NULL && transport->observer->certificate_renewed != NULL)
    transport->observer->certificate_renewed (transport, role, name, certificate, transport->observer_data);
}

static gboolean
shows_one_of (MuxSession *session, const char *const *serials)
{
  QuicConnection *connection = session_connection (session->session);
  PkiCertificate *peer = connection != NULL ? quic_connection_peer (connection) : NULL;

  return session->incoming
         && (g_strv_contains (serials, session->serial != NULL ? session->serial : "")
             || (peer != NULL && g_strv_contains (serials, pki_certificate_serial (peer)))
             || (session->renewed != NULL && g_strv_contains (serials, session->renewed)));
}

/* Without a farewell that the other side could put off: the connection closes in this turn. */
static guint
cut (GPtrArray *sessions, const char *const *serials)
{
  g_autoptr (GError) revoked = NULL;
  guint n = 0;

  base_error_set (&revoked, MUX_ERROR_REFUSED, _("the certificate was revoked"));
  for (guint i = 0; i < sessions->len; i++)
    if (shows_one_of (sessions->pdata[i], serials))
      {
        MuxSession *session = sessions->pdata[i];

        if (session->away_since != 0)
          transport_away_abandon (session->away, revoked);
        else
          quic_connection_close (session_connection (session->session), QUIC_CODE_REFUSED, revoked->message);
        n++;
      }
  return n;
}

gboolean
transport_revoke (MuxTransport *transport, const char *serial, GError **error)
{
  g_auto (GStrv) serials = NULL;
  guint n;

  if (need_authority (transport, error) == NULL)
    return FALSE;
  serials = pki_registry_revoke (transport_server_pki_registry (transport->pki), serial, error);
  if (serials == NULL)
    return FALSE;
  transport->totals.certificates_revoked += g_strv_length (serials);
  n = cut (transport->sessions, (const char *const *) serials)
      + cut (transport->arriving, (const char *const *) serials);
  base_event (BASE_EVENT_CERTIFICATE_REVOKED, "MUX_SERIAL", serial, "MESSAGE", "The certificate %s was revoked, with %u renewals of it and %u sessions", serial,
                g_strv_length (serials) - 1, n);
  return transport_upkeep_refresh (transport, error);
}

gboolean
transport_renew_certificates (MuxTransport *transport, GError **error)
{
  PkiAuthority *authority = need_authority (transport, error);

  if (authority == NULL)
    return FALSE;
  pki_authority_expire_server (authority);
  if (!transport_upkeep_refresh (transport, error))
    return FALSE;
  transport_upkeep_look (transport->upkeep);
  return TRUE;
}

gboolean
transport_rotate_authority (MuxTransport *transport, GError **error)
{
  PkiAuthority *authority = need_authority (transport, error);

  if (authority == NULL || !pki_authority_rotate (authority, error))
    return FALSE;
  transport_upkeep_note_rotation (transport);
  if (!transport_upkeep_refresh (transport, error))
    return FALSE;
  transport_upkeep_look (transport->upkeep);
  return TRUE;
}

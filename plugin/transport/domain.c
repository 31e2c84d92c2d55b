#define BASE_LOG_ROOM "transport"
#include "transport/domain-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* A certificate that ends within the handshake is of no use. */
#define MARGIN_SECONDS 60

/* A target's name as a name of a directory: `alice@host:9001` is one, `../pki` is not. */
static char *
directory_leaf (const char *name)
{
  g_autofree char *escaped = g_uri_escape_string (name, "@:+,=[]", FALSE);

  return *escaped == '.' ? g_strconcat ("domains/%2E", escaped + 1, NULL)
                         : g_strconcat ("domains/", escaped, NULL);
}

TransportDomain *
transport_domain_new (const MuxHost *host, const ConfigClient *client, const char *name)
{
  TransportDomain *domain = g_new0 (TransportDomain, 1);

  domain->references = 1;
  domain->address = client != NULL ? g_strdup (client->remote_address) : NULL;
  domain->names = g_new0 (char *, 1);
  domain->addresses = g_new0 (char *, 1);
  if (client != NULL && client->persist_to_disk)
    {
      g_autofree char *leaf = directory_leaf (name);

      domain->directory = pki_store_default_path (host->application, host->system_mode, leaf);
    }
  return domain;
}

TransportDomain *
transport_domain_ref (TransportDomain *domain)
{
  domain->references++;
  return domain;
}

void
transport_domain_unref (TransportDomain *domain)
{
  if (--domain->references > 0)
    return;
  g_clear_pointer (&domain->pending, pki_key_unref);
  g_clear_pointer (&domain->credentials, pki_credentials_free);
  g_clear_pointer (&domain->ca, g_ptr_array_unref);
  g_strfreev (domain->names);
  g_strfreev (domain->addresses);
  g_free (domain->directory);
  g_free (domain->address);
  g_free (domain);
}

gboolean
transport_domain_is_configured (const TransportDomain *domain)
{
  return domain->configured;
}

gboolean
transport_domain_configure (TransportDomain *domain, const ConfigClient *client, GError **error)
{
  if (client->pem_ca == NULL && *client->pem_root_certs == NULL)
    return base_error_set (
        error, MUX_ERROR_CONFIG,
        _("“%s” has a certificate of its own (pem_cert) but nothing to verify the server with: set "
           "pem_ca or pem_root_certs"),
        client->name != NULL ? client->name : client->remote_address);
  domain->configured = TRUE;
  domain->credentials = pki_credentials_load (client->pem_private_key, client->pem_cert, error);
  return domain->credentials != NULL;
}

PkiCertificate *
transport_domain_certificate (const TransportDomain *domain)
{
  return domain->credentials != NULL ? domain->credentials->chain->pdata[0] : NULL;
}

/* The port behind the last colon. */
static guint16
port_of (const char *address, guint16 otherwise)
{
  const char *colon = strrchr (address, ':');
  guint64 port = otherwise;

  return colon != NULL && g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL) ? (guint16) port
                                                                                                  : otherwise;
}

guint16
transport_domain_port (const TransportDomain *domain, const NetAddress *address, guint16 otherwise)
{
  g_autofree char *text = net_address_to_string (address);
  char *colon = strrchr (text, ':');

  /* With its own port, which is not known: up to the colon. */
  if (colon != NULL)
    colon[1] = '\0';
  for (char **one = domain->addresses; *one != NULL; one++)
    if (g_str_has_prefix (*one, text))
      return port_of (*one, otherwise);
  /* Behind a NAT it has another address than it knows, but probably the same port. */
  return *domain->addresses != NULL ? port_of (*domain->addresses, otherwise) : otherwise;
}

const char *
transport_domain_address (const TransportDomain *domain)
{
  return domain->address;
}

gboolean
transport_domain_is_usable (const TransportDomain *domain)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  return domain->credentials != NULL
         && pki_certificate_not_after (domain->credentials->chain->pdata[0]) > now + MARGIN_SECONDS;
}

static PkiCredentials *
join (PkiKey *key, const char *certificate_pem, const char *origin, GError **error)
{
  char *key_pem = pki_key_to_pem (key, error);
  PkiCredentials *credentials;
  char *both;

  if (key_pem == NULL)
    return NULL;
  both = g_strconcat (certificate_pem, "\n", key_pem, NULL);
  pki_key_pem_free (key_pem);
  credentials = pki_credentials_from_pem (both, strlen (both), origin, error);
  pki_key_pem_free (both);
  return credentials;
}

/* Enrolment and renewal */

char *
transport_domain_request (TransportDomain *domain, GError **error)
{
  g_clear_pointer (&domain->pending, pki_key_unref);
  domain->pending = pki_key_generate (error);
  return domain->pending != NULL ? pki_key_request (domain->pending, g_get_user_name (), error) : NULL;
}

/* The server's word replaces what is known, whole or not at all. */
static gboolean
take (TransportDomain *domain, PkiKey *key, const char *certificate, const char *ca, const char *origin,
      GError **error)
{
  g_autoptr (PkiCredentials) credentials = join (key, certificate, origin, error);
  g_autoptr (GPtrArray) ca_list = NULL;
  PkiCredentials *old = domain->credentials;

  if (credentials == NULL)
    return FALSE;
  ca_list = pki_certificate_list_from_pem (ca, strlen (ca), origin, error);
  if (ca_list == NULL || !transport_domain_check_chain (credentials, ca_list, error))
    return FALSE;
  domain->credentials = g_steal_pointer (&credentials);
  g_clear_pointer (&old, pki_credentials_free);
  g_clear_pointer (&domain->ca, g_ptr_array_unref);
  domain->ca = g_steal_pointer (&ca_list);
  return TRUE;
}

gboolean
transport_domain_enrolled (TransportDomain *domain, GVariant *enrolment, GError **error)
{
  g_autoptr (PkiKey) key = g_steal_pointer (&domain->pending);
  g_autoptr (GError) failure = NULL;
  const char *certificate = "", *ca = "", *key_pem;

  g_variant_lookup (enrolment, "certificate", "&s", &certificate);
  g_variant_lookup (enrolment, "ca", "&s", &ca);
  if (g_variant_lookup (enrolment, "key", "&s", &key_pem))
    {
      g_clear_pointer (&key, pki_key_unref);
      key = pki_key_from_pem (key_pem, strlen (key_pem), &failure);
    }
  if (key == NULL || !take (domain, key, certificate, ca, _("the enrolment"), &failure))
    return base_error_set (error, MUX_ERROR_ENROLMENT, _("The enrolment is not usable: %s"),
                           failure != NULL ? failure->message : _("there is no key for it"));
  /* Of one who keeps it for others. */
  if (domain->address == NULL)
    g_variant_lookup (enrolment, "address", "s", &domain->address);
  g_clear_pointer (&domain->names, g_strfreev);
  g_clear_pointer (&domain->addresses, g_strfreev);
  if (!g_variant_lookup (enrolment, "names", "^as", &domain->names))
    domain->names = g_new0 (char *, 1);
  if (!g_variant_lookup (enrolment, "addresses", "^as", &domain->addresses))
    domain->addresses = g_new0 (char *, 1);
  transport_domain_keep (domain);
  return TRUE;
}

gboolean
transport_domain_renewed (TransportDomain *domain, PkiKey *key, GVariant *renewed, GError **error)
{
  const char *certificate = "", *ca = "";

  g_variant_lookup (renewed, "certificate", "&s", &certificate);
  g_variant_lookup (renewed, "ca", "&s", &ca);
  if (!take (domain, key, certificate, ca, _("the renewed certificate"), error))
    return FALSE;
  transport_domain_keep (domain);
  return TRUE;
}

GVariant *
transport_domain_export (const TransportDomain *domain, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *certificate = pki_certificate_list_to_pem (domain->credentials->chain);
  g_autofree char *ca = domain->ca != NULL ? pki_certificate_list_to_pem (domain->ca) : g_strdup ("");
  char *key = pki_key_to_pem (domain->credentials->key, error);

  if (key == NULL)
    return NULL;
  g_variant_dict_insert (&dict, "certificate", "s", certificate);
  g_variant_dict_insert (&dict, "ca", "s", ca);
  g_variant_dict_insert (&dict, "names", "^as", domain->names);
  g_variant_dict_insert (&dict, "addresses", "^as", domain->addresses);
  g_variant_dict_insert (&dict, "key", "s", key);
  if (domain->address != NULL)
    g_variant_dict_insert (&dict, "address", "s", domain->address);
  pki_key_pem_free (key);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Use */

static PkiTrust *
make_trust (const TransportDomain *domain, const ConfigClient *client, GError **error)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();

  if (domain->ca != NULL && !pki_trust_add (trust, domain->ca, _("the enrolment"), error))
    return NULL;
  if (client->pem_ca != NULL && !pki_trust_add_path (trust, client->pem_ca, error))
    return NULL;
  for (char **path = client->pem_root_certs; *path != NULL; path++)
    if (!pki_trust_add_path (trust, *path, error))
      return NULL;
  return g_steal_pointer (&trust);
}

QuicTls *
transport_domain_tls (const TransportDomain *domain, const ConfigClient *client, const char *host,
                      GError **error)
{
  g_autoptr (PkiTrust) trust = make_trust (domain, client, error);
  /* The one who made the certificates knows the server's name better than the address it is dialled by. */
  const char *name = *domain->names != NULL ? *domain->names : host;

  if (trust == NULL)
    return NULL;
  return quic_tls_new_client (domain->credentials, trust, name, !client->accept_invalid_hostnames, QUIC_ALPN,
                              error);
}

gboolean
transport_domain_check_peer (const ConfigClient *client, const char *target, PkiCertificate *peer,
                             GError **error)
{
  const char *name = peer != NULL ? pki_certificate_common_name (peer) : NULL;

  if (client->expected_cn == NULL || g_strcmp0 (name, client->expected_cn) == 0)
    return TRUE;
  return base_error_set (
      error, MUX_ERROR_TLS,
      _("%s shows a certificate of “%s”, not of “%s”: change expected_cn if that is right"), target,
      name != NULL ? name : "", client->expected_cn);
}

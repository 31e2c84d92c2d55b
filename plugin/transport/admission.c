/* A server's side of a session: whose it may be, what its channels go to, and fresh certificates for it. */
#define BASE_LOG_ROOM "transport"
#include "transport/away-private.h"
#include "transport/journal.h"
#include "transport/roster.h"
#include "transport/waiting.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* A service's name, an argv, a CSR: what a peer says of itself is cut to this in our records. */
#define MAX_AGENT 128

static const char *const built_in_services[] = { "shell", "exec" };

/* The words WezTerm's QUIC fork knows; the rest is for people. */
#define REFUSAL "CN validation failed"

static void
refuse (MuxSession *self, const char *why)
{
  g_autofree char *reason = g_strdup_printf ("%s: %s", REFUSAL, why);

  transport_journal_refused (self, why);
  session_close (self->session, "refused", session_is_raw (self->session) ? REFUSAL : reason);
}

/* Asks the host, if it wants to be asked. */
static gboolean
host_authorizes (MuxSession *self, GError **error)
{
  const MuxHost *host = self->transport->host;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) peer = NULL;
  g_autoptr (GError) failure = NULL;

  if (host->authorize == NULL)
    return TRUE;
  g_variant_dict_insert (&dict, "user", "s", self->user);
  g_variant_dict_insert (&dict, "device", "s", self->device != NULL ? self->device : "");
  g_variant_dict_insert (&dict, "serial", "s", self->serial);
  g_variant_dict_insert (&dict, "address", "s", self->peer);
  g_variant_dict_insert (&dict, "listener", "s", self->listener_address);
  peer = g_variant_ref_sink (g_variant_dict_end (&dict));
  if (host->authorize (host->user_data, peer, &failure))
    return TRUE;
  return base_error_set (error, MUX_ERROR_REFUSED, "%s",
                         failure != NULL ? failure->message : _("the host refused"));
}

static gboolean
identify (MuxSession *self, GError **error)
{
  PkiCertificate *certificate = quic_connection_peer (session_connection (self->session));

  if (certificate == NULL)
    return base_error_set (error, MUX_ERROR_REFUSED, _("there is no certificate"));
  self->serial = g_strdup (pki_certificate_serial (certificate));
  /* The handshake may have been verified before the revocation. */
  if (transport_server_pki_is_revoked (self->transport->pki, self->serial))
    return base_error_set (error, MUX_ERROR_REFUSED, _("the certificate was revoked"));
  if (!pki_identity_parse (pki_certificate_common_name (certificate), &self->user, &self->device, error))
    return FALSE;
  if (!g_strv_contains ((const char *const *) self->listener->server->users, self->user))
    return base_error_set (error, MUX_ERROR_REFUSED, _("“%s” is none of the users that may connect here"),
                           self->user);
  return host_authorizes (self, error);
}

/* NULL-terminated; free the array alone. */
static char **
service_names (MuxTransport *transport)
{
  GPtrArray *names = g_ptr_array_new ();
  g_autoptr (GVariant) services = config_settings_dup_other (transport->settings, "mux_services");
  GVariantIter iter;
  const char *name;

  for (gsize i = 0; i < G_N_ELEMENTS (built_in_services); i++)
    g_ptr_array_add (names, g_strdup (built_in_services[i]));
  if (services != NULL && g_variant_is_of_type (services, G_VARIANT_TYPE_VARDICT))
    {
      g_variant_iter_init (&iter, services);
      while (g_variant_iter_next (&iter, "{&sv}", &name, NULL))
        if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
          g_ptr_array_add (names, g_strdup (name));
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

static void
note_agent (MuxSession *self, GVariant *details)
{
  const char *agent;

  if (!g_variant_lookup (details, "agent", "&s", &agent))
    return;
  self->agent = g_utf8_substring (agent, 0, MIN (MAX_AGENT, g_utf8_strlen (agent, -1)));
  for (char *p = self->agent; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
}

/* By certificate, not by what is said. */
static gboolean
are_the_same (const MuxSession *a, const MuxSession *b)
{
  return g_strcmp0 (a->user, b->user) == 0 && g_strcmp0 (a->device, b->device) == 0;
}

MuxSession *
transport_admission_find (MuxSession *newcomer, GVariant *bytes)
{
  gsize size;
  gconstpointer id = g_variant_get_fixed_array (bytes, &size, 1);
  MuxSession *session = size == SESSION_ID_SIZE ? transport_roster_find (newcomer->transport->roster, id) : NULL;

  return session != NULL && are_the_same (session, newcomer) && session->away->end == NULL && session_may_go_on (session->session)
             ? session
             : NULL;
}

/* Sessions of the same identity that wait, and have a terminal: nobody wants to type into the rest of a copy. Sets *@last (may be NULL) to the one that began to wait
 * last. */
static guint
count_waiting (const MuxSession *newcomer, MuxSession **last)
{
  guint n = 0;

  for (const GList *link = transport_waiting_of (newcomer->transport->waiting, newcomer); link != NULL; link = link->next)
    {
      MuxSession *session = link->data;

      if (session->away->end != NULL || !session_has_terminal (session->session))
        continue;
      n++;
      if (last != NULL)
        *last = session;
    }
  return n;
}

/* Another client of the same identity wants what is there. */
static void
hand_over (MuxSession *self, MuxSession *session, SessionWelcome *answer)
{
  if (session == NULL)
    {
      session_close (self->session, "gone", _("No session of yours waits for its client here"));
      return;
    }
  base_info ("session %s is taken over from %s", session_id (session->session), self->peer);
  answer->timeout = session->timeout;
  session_welcome_taker (self->session, session->session, answer);
}

static void
welcome (MuxSession *self, GVariant *details)
{
  g_autoptr (GVariant) resumed = g_variant_lookup_value (details, "session", G_VARIANT_TYPE_BYTESTRING);
  MuxSession *session = resumed != NULL ? transport_admission_find (self, resumed) : NULL;
  g_auto (GStrv) services = service_names (self->transport);
  SessionWelcome answer = { .user = self->user, .services = (const char *const *) services };
  gboolean take = FALSE;

  self->timeout = (guint) (self->listener->server->session_timeout_ms / 1000);
  answer.timeout = self->timeout;
  g_variant_lookup (details, "take", "b", &take);
  if (take)
    {
      if (resumed == NULL)
        answer.waiting = count_waiting (self, &session) - (session != NULL);
      hand_over (self, session, &answer);
      return;
    }
  if (session != NULL)
    {
      answer.timeout = session->timeout;
      session_welcome_back (self->session, session->session, &answer);
    }
  else if (resumed != NULL)
    session_close (self->session, "gone", _("The session does not exist here any more"));
  else
    {
      answer.waiting = count_waiting (self, NULL);
      session_welcome (self->session, &answer);
    }
  if (resumed == NULL && session_is_established (self->session))
    transport_session_enter (self->transport, self);
}

void
transport_admission_hello (MuxSession *self, GVariant *details)
{
  g_autoptr (GError) error = NULL;
  const char *raw_service;

  if (self->listener == NULL)
    return;
  raw_service = self->listener->server->raw_service;
  self->listener_address = g_strdup (self->local);
  if (!identify (self, &error))
    {
      refuse (self, error->message);
      return;
    }
  if (session_is_raw (self->session) && raw_service == NULL)
    {
      transport_journal_refused (self, "it speaks without ALPN, and there is no raw_service for it");
      session_close (self->session, "unavailable", "no raw_service is configured here");
      return;
    }
  note_agent (self, details);
  if (session_is_raw (self->session))
    self->raw_service = g_strdup (raw_service);
  welcome (self, details);
}

/* The request as the host gets it: always with a service. */
static GVariant *
complete_request (MuxSession *self, GVariant *request)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);
  const char *service = "";

  if (self->raw_service != NULL)
    {
      g_variant_dict_insert (&dict, "service", "s", self->raw_service);
      g_variant_dict_insert (&dict, "raw", "b", TRUE);
      return g_variant_ref_sink (g_variant_dict_end (&dict));
    }
  g_variant_dict_remove (&dict, "raw");
  g_variant_lookup (request, "service", "&s", &service);
  if (*service == '\0')
    g_variant_dict_insert (&dict, "service", "s",
                           g_variant_dict_contains (&dict, "argv") ? "exec"
                                                                   : self->listener->server->default_service);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Remembers what the protocol below does not know: which service a request without one has got. */
static void
note_service (MuxSession *self, GIOStream *channel, GVariant *request)
{
  g_autoptr (GVariant) described = session_describe_channel (self->session, channel);
  g_autoptr (GVariant) channels = NULL;
  char *service = NULL;
  guint64 id;

  if (!g_variant_lookup (described, "id", "t", &id) || g_variant_lookup (described, "service", "&s", NULL))
    return;
  if (self->services_of == NULL)
    self->services_of = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  /* Channels that are over are forgotten when the session is described. */
  if (g_hash_table_size (self->services_of) >= 2 * SESSION_MAX_CHANNELS)
    channels = transport_admission_describe_channels (self);
  g_variant_lookup (request, "service", "s", &service);
  g_hash_table_replace (self->services_of, g_memdup2 (&id, sizeof id), service);
}

/* Moves the entry of one channel from @known to @kept. */
static GVariant *
describe_channel (GVariant *channel, GHashTable *known, GHashTable *kept)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (channel);
  gpointer key, service;
  guint64 id;

  if (g_variant_lookup (channel, "id", "t", &id) && g_hash_table_steal_extended (known, &id, &key, &service))
    {
      g_variant_dict_insert (&dict, "service", "s", service);
      g_hash_table_replace (kept, key, service);
    }
  return g_variant_dict_end (&dict);
}

GVariant *
transport_admission_describe_channels (MuxSession *self)
{
  g_autoptr (GVariant) channels = session_describe_channels (self->session);
  GHashTable *kept;
  GVariantBuilder list;

  if (self->services_of == NULL)
    return g_steal_pointer (&channels);
  kept = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (channels); i++)
    {
      g_autoptr (GVariant) channel = g_variant_get_child_value (channels, i);

      g_variant_builder_add_value (&list, describe_channel (channel, self->services_of, kept));
    }
  g_hash_table_unref (self->services_of);
  self->services_of = kept;
  return g_variant_ref_sink (g_variant_builder_end (&list));
}

void
transport_admission_channel (MuxSession *self, GIOStream *channel, GVariant *request)
{
  const MuxHost *host = self->transport->host;
  g_autoptr (GVariant) complete = NULL;

  if (self->listener == NULL || host->channel_opened == NULL)
    {
      session_refuse (self->session, channel, "unknown-service", "This host serves nothing");
      return;
    }
  complete = complete_request (self, request);
  note_service (self, channel, complete);
  host->channel_opened (host->user_data, self, complete, channel);
}

void
transport_admission_renew (MuxSession *self, const char *csr)
{
  PkiAuthority *authority = transport_authority (self->transport);
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *pem = NULL, *ca = NULL;

  if (authority == NULL || self->listener == NULL || self->listener->server->pem_ca != NULL)
    {
      session_renewed (self->session, NULL, NULL, 0,
                       "This host makes no certificates: its clients have their own");
      return;
    }
  if (!g_strv_contains ((const char *const *) self->listener->server->users, self->user))
    {
      session_renewed (self->session, NULL, NULL, 0, "The user may not connect here any more");
      return;
    }
  certificate = pki_authority_issue_client (authority, csr, strlen (csr), self->user, self->device, self->serial,
                                            self->listener->server->certificate_lifetime_days, &error);
  if (certificate == NULL)
    {
      base_warning ("No new certificate for %s: %s", self->user, error->message);
      session_renewed (self->session, NULL, NULL, 0, error->message);
      return;
    }
  self->transport->totals.certificates_renewed++;
  g_free (self->renewed);
  self->renewed = g_strdup (pki_certificate_serial (certificate));
  pem = pki_certificate_to_pem (certificate);
  ca = pki_certificate_list_to_pem (pki_authority_bundle (authority));
  base_event (BASE_EVENT_CERTIFICATE_RENEWED, "MUX_SERIAL", self->renewed, "MUX_RENEWS", self->serial, "MUX_USER", self->user,
              "MUX_DEVICE", base_log_text (self->device), "MUX_PEER", self->peer, "MESSAGE", "A new certificate for %s at %s: %s",
              self->user, self->peer, self->renewed);
  session_renewed (self->session, pem, ca, pki_certificate_not_after (certificate), NULL);
}

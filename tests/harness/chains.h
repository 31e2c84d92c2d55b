/* Certificate chains that must be refused, one case each, with the alert and the words that say why; and the makings of more. */
#pragma once

#include "harness/forge.h"
#include "pki/trust.h"

G_BEGIN_DECLS

#define CHAINS_HOST "server.test"
/* Stand for the purpose under test and for the other one. */
#define CHAINS_OWN "own"
#define CHAINS_OTHER "other"
#define CHAINS_SIGNING GNUTLS_KEY_DIGITAL_SIGNATURE
#define CHAINS_LEAF .common_name = "alice", .usage = CHAINS_SIGNING, .dns = { CHAINS_HOST }
#define CHAINS_GOOD_LEAF CHAINS_LEAF, .purposes = { CHAINS_OWN }
#define CHAINS_DAY 86400
#define CHAINS_MAX 12

/* Who is trusted, and what a peer sends. */
typedef struct
{
  Forged *ca, *other_ca, *expired_ca;
  PkiTrust *trust;
  PkiPurpose purpose;
  GPtrArray *made; /* of Forged, owned; the leaf is the first unless there is none */
  gnutls_datum_t sent[CHAINS_MAX];
  guint n_sent;
} Chains;

typedef struct
{
  const char *name;
  ForgeSpec leaf;
  /* Adds to what is sent; NULL: the leaf, by the CA. */
  void (*send) (Chains *chains, const ForgeSpec *leaf);
  int alert;
  const char *text;
  gboolean server_only;
  /* Of a handshake, where GnuTLS stumbles before the room is asked; 0: the same. */
  int tls_alert;
} BadChain;

extern const BadChain bad_chains[];
extern const gsize n_bad_chains;
extern const ForgeSpec chains_ca, chains_good_leaf;

/* For g_test_add (). */
void chains_set_up (Chains *chains, gconstpointer unused);
void chains_tear_down (Chains *chains, gconstpointer unused);

/* Nothing is sent. */
void chains_start_again (Chains *chains);
void chains_send_bad (Chains *chains, const BadChain *bad);
/* The leaf, by the CA. */
void chains_by_ca (Chains *chains, const ForgeSpec *leaf);
/* By one CA below the trusted one, which the peer sends. */
void chains_by_intermediate (Chains *chains, const ForgeSpec *leaf, const ForgeSpec *intermediate);
void chains_by_expired_ca (Chains *chains, const ForgeSpec *leaf);

G_END_DECLS

/* The contract between a terminal-multiplexer host and a plugin: the module's one entry point.
 *
 * Header-only: nothing of these headers is linked, so a host may be written in any language that can fill
 * a C struct. Every struct begins with its own size; minor versions only append members, so either side
 * asks MUX_HAS () before it touches a member that is younger than 1.0.
 *
 * Threads: everything in this contract is called on the GMainContext of MuxHost.context, in both directions.
 * Re-entrance: no callback runs from inside the call that triggers it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Another one is another contract. */
#define MUX_ABI_MAJOR 1
/* Grows when members are appended. */
#define MUX_ABI_MINOR 1
/* The version a host passes to mux_plugin_query (): majors must match. */
#define MUX_ABI ((guint32) (MUX_ABI_MAJOR << 16 | MUX_ABI_MINOR))
/* The major version of what the other side was compiled with. */
#define MUX_ABI_MAJOR_OF(abi) ((guint32) (abi) >> 16)

/* Whether the struct at @ptr, as its maker compiled it, holds @member. */
#define MUX_HAS(ptr, member)                                                                                 \
  ((ptr)->struct_size >= G_STRUCT_OFFSET (__typeof__ (*(ptr)), member) + sizeof ((ptr)->member))

/* The error domain of the contract. Errors of a system call keep G_IO_ERROR; the end of a channel or
 * session that the peer or the network caused is one of these. */
#define MUX_ERROR (g_quark_from_static_string ("mux-error-quark"))

/* Codes of MUX_ERROR. */
typedef enum
{
  MUX_ERROR_FAILED,        /* none of the below */
  MUX_ERROR_CONFIG,        /* the configuration is wrong; the message has file:line */
  MUX_ERROR_PKI,           /* a key, certificate or the PKI directory is not usable */
  MUX_ERROR_UNKNOWN_TARGET,/* neither a configured domain nor a parsable address */
  MUX_ERROR_UNREACHABLE,   /* no answer, or no address */
  MUX_ERROR_TLS,           /* the TLS handshake failed; the message names the alert */
  MUX_ERROR_REFUSED,       /* the peer said no: authorisation, unknown service, too many */
  MUX_ERROR_PROTOCOL,      /* the peer broke the protocol */
  MUX_ERROR_LOST,          /* the connection ended without a goodbye */
  MUX_ERROR_GONE,          /* the session does not exist any more */
  MUX_ERROR_ENROLMENT,     /* the enrolment command failed or said nothing usable */
  MUX_ERROR_LIMIT,         /* a limit of this side is reached */
  MUX_ERROR_RESTARTING,    /* since 1.1: the other side ended the connection to restart, and wants to be back soon */
  MUX_ERROR_RUNNING,       /* since 1.1: another host of this user and application runs already */
} MuxError;

typedef struct _MuxHost MuxHost; /* host.h */

/* What a plugin tells of itself. Static storage, never freed. */
typedef struct
{
  gsize struct_size;       /* sizeof (MuxPluginDesc) where the plugin was compiled */
  guint32 abi;             /* MUX_ABI the plugin was compiled with */
  const char *name;        /* "mux-quic": file-name safe */
  const char *version;     /* of the plugin, free form */
  const char *description; /* one translated sentence */

  /* Makes the plugin ready and registers its transports with the host; touches no network and no file but
   * the configuration. @host must outlive the plugin. Returns the plugin's state for deactivate (), or NULL
   * with @error set. */
  gpointer (*activate) (const MuxHost *host, GError **error);

  /* Unregisters every transport and frees @plugin. Transports that run are stopped hard: call
   * MuxTransportOps.stop_async () before for a clean end. The module itself stays resident. */
  void (*deactivate) (gpointer plugin);
} MuxPluginDesc;

/* The one exported symbol. Returns NULL if @host_abi is of another major version. */
typedef const MuxPluginDesc *(*MuxPluginQuery) (guint32 host_abi);
/* Its name in the module. */
#define MUX_PLUGIN_QUERY_SYMBOL "mux_plugin_query"

G_END_DECLS

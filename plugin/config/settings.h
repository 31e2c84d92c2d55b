/* The evaluated configuration: immutable, reference-counted structs, one per entry of `quic_servers` and `quic_clients`, and
 * any other key as a GVariant. Made by config/lua.h or by config_settings_new_default (). */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum { CONFIG_RETRY_AUTO, CONFIG_RETRY_ALWAYS, CONFIG_RETRY_NEVER } ConfigRetry;
typedef enum { CONFIG_CC_CUBIC, CONFIG_CC_BBR, CONFIG_CC_RENO } ConfigCongestion;

/* Paths are absolute: `~` and relative ones are resolved against the home and the file's directory. Strings that may be unset are
 * NULL, string lists are never NULL. Durations are in milliseconds here, whatever the file's unit. */
typedef struct
{
  char *bind_address;
  guint certificate_lifetime_days;
  char *pem_private_key, *pem_cert, *pem_ca;
  char **pem_root_certs;
  guint64 max_idle_timeout_ms;
  guint64 keep_alive_interval_ms; /* 0 = none */
  char **extra_san;
  guint max_connections;
  ConfigRetry retry;
  ConfigCongestion congestion_control;
  guint64 session_timeout_ms;
  char **users; /* filled with the host's own user when the file has none */
  char *default_service, *raw_service; /* raw_service may be NULL */
} ConfigServer;

typedef struct
{
  char *name;
  char *remote_address;     /* host:port */
  char *bootstrap_via_ssh;  /* may be NULL */
  char **relay_command;     /* argv; NULL without bootstrap_via_ssh */
  char **enroll_command;    /* argv; NULL when neither it nor bootstrap_via_ssh is set */
  char *remote_path;        /* "mux-quic" */
  gboolean persist_to_disk;
  guint certificate_lifetime_days;
  gboolean enable_migration;
  guint64 max_idle_timeout_ms;
  guint64 keep_alive_interval_ms;
  char *pem_private_key, *pem_cert, *pem_ca;
  char **pem_root_certs;
  char *expected_cn;
  gboolean accept_invalid_hostnames;
  gboolean connect_automatically;
  guint64 read_timeout_ms, write_timeout_ms;
  char *service;
} ConfigClient;

typedef struct _ConfigSettings ConfigSettings;

ConfigSettings *config_settings_ref (ConfigSettings *settings);
void config_settings_unref (ConfigSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConfigSettings, config_settings_unref)

/* What a host without a file serves: one server on [::]:9001 for its own user, no clients. */
ConfigSettings *config_settings_new_default (void);

/* The file it came from, or NULL for the defaults. */
const char *config_settings_path (const ConfigSettings *settings);
guint config_settings_n_servers (const ConfigSettings *settings);
const ConfigServer *config_settings_server (const ConfigSettings *settings, guint index);
guint config_settings_n_clients (const ConfigSettings *settings);
const ConfigClient *config_settings_client (const ConfigSettings *settings, guint index);
const ConfigClient *config_settings_find_client (const ConfigSettings *settings, const char *name);

/* A client for `[user@]host[:port]` with every default (port 9001, bootstrap and enroll_command by ssh to the same host). The host is refused when it
 * begins with '-'. Free with config_client_free (). */
ConfigClient *config_client_new_for_target (const char *target, GError **error);
void config_client_free (ConfigClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConfigClient, config_client_free)

/* Another key of the configuration's table: tables as a{sv}, lists as av, integers x, numbers d, s, b; functions are left
 * out. Transfer full, NULL when unset. */
GVariant *config_settings_dup_other (const ConfigSettings *settings, const char *key);

G_END_DECLS

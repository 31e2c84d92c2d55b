/* struct _ConfigSettings, for those who fill it. */
#pragma once

#include "config/settings.h"

G_BEGIN_DECLS

struct _ConfigSettings
{
  gatomicrefcount references;
  char *path;         /* NULL for the defaults */
  GPtrArray *servers; /* of ConfigServer */
  GPtrArray *clients; /* of ConfigClient */
  GVariant *table;    /* the whole of the evaluated table, a{sv} */
};

ConfigSettings *config_settings_new (const char *path, GVariant *table);
ConfigServer *config_server_new (void);
void config_server_free (ConfigServer *server);
/* With every default. */
ConfigClient *config_client_new (void);
/* Defaults that depend on other settings: users, enroll_command, keep_alive_interval. */
void config_server_complete (ConfigServer *server);
void config_client_complete (ConfigClient *client);

G_END_DECLS

#include "config/convert.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>

#define MAX_DEPTH 16
#define MAX_NODES 10000

typedef struct
{
  ConfigSandbox *sandbox;
  lua_State *state;
  guint nodes;
  gboolean too_deep, too_many;
} Conversion;

static GVariant *convert_table (Conversion *conversion, guint depth);

/* The value at the top; NULL when it is left out. Floating. */
static GVariant *
convert_value (Conversion *conversion, guint depth)
{
  lua_State *state = conversion->state;
  size_t length;
  const char *text;

  if (++conversion->nodes > MAX_NODES)
    {
      conversion->too_many = TRUE;
      return NULL;
    }
  switch (lua_type (state, -1))
    {
    case LUA_TBOOLEAN:
      return g_variant_new_boolean (lua_toboolean (state, -1));
    case LUA_TNUMBER:
      return lua_isinteger (state, -1) ? g_variant_new_int64 (lua_tointeger (state, -1))
                                       : g_variant_new_double (lua_tonumber (state, -1));
    case LUA_TSTRING:
      text = lua_tolstring (state, -1, &length);
      /* A string with a NUL or that is no UTF-8 is none that a setting could have. */
      return g_utf8_validate_len (text, length, NULL) ? g_variant_new_string (text) : g_variant_new_string ("\357\277\275");
    case LUA_TTABLE:
      return convert_table (conversion, depth + 1);
    default:
      return NULL;
    }
}

static GVariant *
convert_list (Conversion *conversion, guint depth)
{
  lua_State *state = conversion->state;
  lua_Unsigned length = lua_rawlen (state, -1);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (lua_Unsigned i = 1; i <= length && !conversion->too_many; i++)
    {
      GVariant *value;

      lua_rawgeti (state, -1, (lua_Integer) i);
      value = convert_value (conversion, depth);
      /* What is left out keeps its place, so that positions stay those of the file. */
      g_variant_builder_add (&builder, "v", value != NULL ? value : g_variant_new ("()"));
      lua_pop (state, 1);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
convert_table (Conversion *conversion, guint depth)
{
  lua_State *state = conversion->state;
  gboolean named = FALSE;
  GVariantBuilder builder;

  if (depth > MAX_DEPTH || !lua_checkstack (state, 4))
    {
      conversion->too_deep = TRUE;
      return NULL;
    }
  if (lua_getmetatable (state, -1))
    {
      lua_pop (state, 1);
      if (!config_sandbox_is_builder (conversion->sandbox, -1))
        return NULL;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  lua_pushnil (state);
  while (lua_next (state, -2) != 0)
    {
      /* The key is looked at only when it is a string: lua_tolstring () would change a number, and with it the traversal. */
      if (lua_type (state, -2) == LUA_TSTRING && g_utf8_validate (lua_tostring (state, -2), -1, NULL))
        {
          GVariant *value = convert_value (conversion, depth);

          named = TRUE;
          if (value != NULL)
            g_variant_builder_add (&builder, "{sv}", lua_tostring (state, -2), value);
        }
      lua_pop (state, 1);
    }
  if (named || lua_rawlen (state, -1) == 0)
    return g_variant_builder_end (&builder);
  g_variant_builder_clear (&builder);
  return convert_list (conversion, depth);
}

GVariant *
config_convert (ConfigSandbox *sandbox, GError **error)
{
  Conversion conversion = { .sandbox = sandbox, .state = config_sandbox_state (sandbox) };
  GVariant *table = convert_table (&conversion, 0);

  if (table != NULL)
    g_variant_ref_sink (table);
  if (!conversion.too_deep && !conversion.too_many && table != NULL)
    return table;
  g_clear_pointer (&table, g_variant_unref);
  base_error_set (error, MUX_ERROR_CONFIG,
                  conversion.too_many
                      ? ngettext ("the table has more than %d value", "the table has more than %d values", MAX_NODES)
                      : _("tables in it are nested more than %d deep, or in a circle"),
                  conversion.too_many ? MAX_NODES : MAX_DEPTH);
  return NULL;
}

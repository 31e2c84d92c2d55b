#include "config/locator.h"

#include <string.h>

/* Deeper nesting than any configuration has. */
#define MAX_DEPTH 64

typedef struct
{
  char kind; /* a: name, s: string, n: number, 0: the end; else the character itself */
  guint line;
  char *text; /* of names and strings */
} Token;

struct _ConfigLocator
{
  GArray *tokens;    /* of Token */
  GHashTable *lines; /* path → line */
};

static void
token_clear (gpointer data)
{
  g_free (((Token *) data)->text);
}

/* Length of a long bracket `[==[` at @p with its @level; 0 = none. */
static gsize
long_bracket (const char *p, const char *end, guint *level)
{
  const char *q = p + 1;

  if (p >= end || *p != '[')
    return 0;
  while (q < end && *q == '=')
    q++;
  *level = (guint) (q - p - 1);
  return q < end && *q == '[' ? (gsize) (q - p) + 1 : 0;
}

static const char *
skip_long (const char *p, const char *end, guint level, guint *line)
{
  for (; p < end; p++)
    {
      if (*p == '\n')
        (*line)++;
      if (*p == ']' && (gsize) (end - p) >= level + 2 && p[level + 1] == ']' && strspn (p + 1, "=") == level)
        return p + level + 2;
    }
  return end;
}

static const char *
skip_quoted (const char *p, const char *end, GString *text, guint *line)
{
  char quote = *p++;

  while (p < end && *p != quote && *p != '\n')
    {
      if (*p == '\\' && p + 1 < end)
        {
          p++;
          if (*p == '\n')
            (*line)++;
        }
      g_string_append_c (text, *p++);
    }
  return p < end && *p == quote ? p + 1 : p;
}

static void
add_token (GArray *tokens, char kind, guint line, const char *text, gsize length)
{
  Token token = { kind, line, text == NULL ? NULL : g_strndup (text, length) };

  g_array_append_val (tokens, token);
}

static const char *
lex_word (GArray *tokens, const char *p, const char *end, guint line)
{
  const char *start = p;
  gboolean number = g_ascii_isdigit (*p);

  while (p < end && (g_ascii_isalnum (*p) || *p == '_' || (number && *p == '.')))
    p++;
  add_token (tokens, number ? 'n' : 'a', line, start, (gsize) (p - start));
  return p;
}

static void
lex (GArray *tokens, const char *p, gsize length)
{
  const char *end = p + length;
  guint line = 1, level;

  while (p < end)
    {
      guint start = line;
      gsize bracket;

      if (*p == '\n')
        {
          line++;
          p++;
        }
      else if (g_ascii_isspace (*p))
        p++;
      else if (*p == '-' && p + 1 < end && p[1] == '-')
        {
          bracket = long_bracket (p + 2, end, &level);
          if (bracket > 0)
            p = skip_long (p + 2 + bracket, end, level, &line);
          else
            while (p < end && *p != '\n')
              p++;
        }
      else if ((bracket = long_bracket (p, end, &level)) > 0)
        {
          p = skip_long (p + bracket, end, level, &line);
          add_token (tokens, 's', start, "", 0);
        }
      else if (*p == '"' || *p == '\'')
        {
          g_autoptr (GString) text = g_string_new (NULL);

          p = skip_quoted (p, end, text, &line);
          add_token (tokens, 's', start, text->str, text->len);
        }
      else if (g_ascii_isalnum (*p) || *p == '_')
        p = lex_word (tokens, p, end, line);
      else
        {
          /* Comparisons are not assignments. */
          gboolean two = p + 1 < end && p[1] == '=' && strchr ("=~<>", *p) != NULL;

          add_token (tokens, two ? '~' : *p, line, NULL, 0);
          p += two ? 2 : 1;
        }
    }
  add_token (tokens, '\0', line, NULL, 0);
}

static const Token *
at (const ConfigLocator *locator, guint i)
{
  return &g_array_index (locator->tokens, Token, MIN (i, locator->tokens->len - 1));
}

static int
block_step (const Token *token)
{
  static const char *const openers[] = { "function", "do", "then", "repeat", NULL };

  if (token->kind == '{' || token->kind == '(' || token->kind == '[')
    return 1;
  if (token->kind == '}' || token->kind == ')' || token->kind == ']')
    return -1;
  if (token->kind != 'a')
    return 0;
  if (g_strv_contains (openers, token->text))
    return 1;
  /* `elseif … then` goes on with a block, it does not open one. */
  if (g_str_equal (token->text, "end") || g_str_equal (token->text, "until") || g_str_equal (token->text, "elseif"))
    return -1;
  return 0;
}

static void
remember (ConfigLocator *locator, const char *path, guint line)
{
  if (!g_hash_table_contains (locator->lines, path))
    g_hash_table_insert (locator->lines, g_strdup (path), GUINT_TO_POINTER (line));
}

/* Passes over the rest of a value, to its `,` `;` or the `}` of the table it is in. */
static guint
skip_value (const ConfigLocator *locator, guint i)
{
  int depth = 0;

  for (; at (locator, i)->kind != '\0'; i++)
    {
      char kind = at (locator, i)->kind;

      if (depth <= 0 && (kind == ',' || kind == ';' || kind == '}'))
        return i;
      depth += block_step (at (locator, i));
    }
  return i;
}

/* @i is behind `{`; returns what is behind its `}`. */
static guint
read_table (ConfigLocator *locator, guint i, const char *path, guint depth)
{
  guint index = 1;

  while (at (locator, i)->kind != '}' && at (locator, i)->kind != '\0')
    {
      const Token *first = at (locator, i);
      g_autofree char *child = NULL;
      guint value = i;

      if (first->kind == ',' || first->kind == ';')
        {
          i++;
          continue;
        }
      if (first->kind == 'a' && at (locator, i + 1)->kind == '=')
        {
          child = g_strdup_printf ("%s.%s", path, first->text);
          value = i + 2;
        }
      else if (first->kind == '[' && at (locator, i + 2)->kind == ']' && at (locator, i + 3)->kind == '=')
        {
          const Token *key = at (locator, i + 1);

          child = g_strdup_printf (key->kind == 'n' ? "%s[%s]" : "%s.%s", path, key->text == NULL ? "" : key->text);
          value = i + 4;
        }
      else
        child = g_strdup_printf ("%s[%u]", path, index++);
      remember (locator, child, first->line);
      if (at (locator, value)->kind == '{' && depth < MAX_DEPTH)
        value = read_table (locator, value + 1, child, depth + 1);
      i = skip_value (locator, value);
    }
  return i + 1;
}

ConfigLocator *
config_locator_new (const char *text, gsize length)
{
  static const char *const roots[] = { "quic_servers", "quic_clients", "mux_services", NULL };
  ConfigLocator *locator = g_new0 (ConfigLocator, 1);

  locator->tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  g_array_set_clear_func (locator->tokens, token_clear);
  locator->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  lex (locator->tokens, text, length);
  for (guint i = 0; i + 1 < locator->tokens->len; i++)
    {
      const Token *token = at (locator, i);

      if (token->kind != 'a' || !g_strv_contains (roots, token->text) || at (locator, i + 1)->kind != '=')
        continue;
      remember (locator, token->text, token->line);
      if (at (locator, i + 2)->kind == '{')
        read_table (locator, i + 3, token->text, 0);
    }
  return locator;
}

void
config_locator_free (ConfigLocator *locator)
{
  g_array_unref (locator->tokens);
  g_hash_table_unref (locator->lines);
  g_free (locator);
}

guint
config_locator_line (const ConfigLocator *locator, const char *path)
{
  g_autofree char *rest = g_strdup (path);
  gpointer line;

  while (!g_hash_table_lookup_extended (locator->lines, rest, NULL, &line))
    {
      gsize end = strlen (rest);

      while (end > 0 && rest[end - 1] != '.' && rest[end - 1] != '[')
        end--;
      if (end == 0)
        return 1;
      rest[end - 1] = '\0';
    }
  return GPOINTER_TO_UINT (line);
}

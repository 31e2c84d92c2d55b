#include "host/nearest.h"

#include <string.h>

#define MAX_EDITS 3
/* Nobody mistypes more than that; and the work is bounded. */
#define MAX_LENGTH 64

/* Edits that make @a of @b. */
static guint
distance (const char *a, const char *b)
{
  gsize columns = strlen (b) + 1;
  g_autofree guint *row = g_new (guint, columns);

  for (gsize j = 0; j < columns; j++)
    row[j] = (guint)j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0]++;

      for (gsize j = 1; j < columns; j++)
        {
          guint above = row[j];

          row[j] = MIN (MIN (above, row[j - 1]) + 1, diagonal + (a[i] != b[j - 1]));
          diagonal = above;
        }
    }
  return row[columns - 1];
}

const char *
host_nearest (const char *word, const char *const *names)
{
  const char *nearest = NULL;
  guint best = MAX_EDITS + 1;

  if (strlen (word) > MAX_LENGTH)
    return NULL;
  for (; *names != NULL; names++)
    {
      guint edits = distance (word, *names);

      /* A word of which no letter stays is another word. */
      if (edits < best && edits < MIN (strlen (word), strlen (*names)))
        {
          best = edits;
          nearest = *names;
        }
    }
  return nearest;
}

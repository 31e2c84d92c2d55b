/* Memory that ends where a struct ends: whoever touches a member that the struct's maker did not know is
 * killed. */
#pragma once

#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

/* @size zeroed bytes before a page that cannot be touched; never freed. @size: a multiple of a pointer's. */
static inline gpointer
abi_at_edge (gsize size)
{
  gsize page = (gsize)sysconf (_SC_PAGESIZE);
  char *pages = mmap (NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  g_assert (pages != MAP_FAILED && size <= page);
  g_assert (mprotect (pages + page, page, PROT_NONE) == 0);
  return pages + page - size;
}

#include "base/error.h"

#include <errno.h>

static void
test_set (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (base_error_set (&error, MUX_ERROR_LIMIT, "at most %d of %s", 3, "them"));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_LIMIT);
  g_assert_cmpstr (error->message, ==, "at most 3 of them");
}

static void
test_first_wins (void)
{
  g_autoptr (GError) error = NULL;

  base_error_set (&error, MUX_ERROR_PKI, "first");
  base_error_set (&error, MUX_ERROR_TLS, "second");
  base_error_set_errno (&error, ENOENT, "third");
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  g_assert_cmpstr (error->message, ==, "first");
}

static void
test_errno (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = g_strdup_printf ("reading /x/y: %s", g_strerror (EACCES));

  g_assert_false (base_error_set_errno (&error, EACCES, "reading %s", "/x/y"));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
test_nobody_asks (void)
{
  g_assert_false (base_error_set (NULL, MUX_ERROR_FAILED, "%s", "unheard"));
  g_assert_false (base_error_set_errno (NULL, EIO, "%s", "unheard"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/error/set", test_set);
  g_test_add_func ("/base/error/first-wins", test_first_wins);
  g_test_add_func ("/base/error/errno", test_errno);
  g_test_add_func ("/base/error/nobody-asks", test_nobody_asks);
  return g_test_run ();
}

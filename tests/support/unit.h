/* cmocka with the standard headers that it wants before it. */
#ifndef AISLE_TESTS_SUPPORT_UNIT_H
#define AISLE_TESTS_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

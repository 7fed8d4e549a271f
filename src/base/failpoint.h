/* Named places where a test can make the process die or fail.
 *
 * AISLE_FAILPOINTS="commit.before=crash,parquet.write=error:3" — `crash` ends the process at once (_exit 137)
 * when the place is reached, `error` makes failpoint_hit return true; `:N` waits for the N-th time. Without
 * the variable a place costs one load of a constant-false flag.
 */
#ifndef AISLE_BASE_FAILPOINT_H
#define AISLE_BASE_FAILPOINT_H

#include <stdbool.h>

/* True when the test wants this place to fail. */
bool failpoint_hit(const char *name);

#endif

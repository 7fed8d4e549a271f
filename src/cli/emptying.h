/* Deleting all objects that a prefix begins. */
#ifndef AISLE_CLI_EMPTYING_H
#define AISLE_CLI_EMPTYING_H

#include "store/store.h"

/* Several at once. Objects that are written meanwhile may stay. */
bool emptying_run(struct store *store, const char *bucket, const char *prefix, struct error *error);

#endif

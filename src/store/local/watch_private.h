/* What the files of watched folders share with each other. */
#ifndef AISLE_STORE_LOCAL_WATCH_PRIVATE_H
#define AISLE_STORE_LOCAL_WATCH_PRIVATE_H

#include <stdatomic.h>
#include <time.h>

#include "store/local/local_private.h"
#include "store/local/watch.h"

enum watch_after { AFTER_KEEP, AFTER_DELETE, AFTER_ARCHIVE };

struct watch_target {
    struct local_store *store;
    char *folder; /* as the file system names it */
    char *bucket, *prefix, *owner;
    bool done_marker;
    enum watch_after after;
    _Atomic bool *stop;
};

/* Makes an object of the file at this path below the folder, unless it was made of it before, and does with the file
 * what is to be done. False with ERROR_CONFLICT when it changed while it was read, or the end is wanted. */
bool watch_take(const struct watch_target *target, const char *name, struct error *error);

/* At the start, where files do not stay: does what was still to be done with those that were noted, and forgets notes
 * of files that are not there any more. */
bool watch_tidy(const struct watch_target *target, struct error *error);

#endif

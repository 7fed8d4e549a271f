/* A tree of plain files to look at what buckets hold. */
#ifndef AISLE_STORE_LOCAL_BROWSE_H
#define AISLE_STORE_LOCAL_BROWSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct browse_counts {
    uint64_t linked, written; /* files in the tree: hard links to blobs, and small bodies written out */
    uint64_t skipped;         /* told one by one */
};

struct browse_options {
    const char *data;   /* the data folder */
    const char *bucket; /* NULL: all */
    const char *into;   /* on the same file system as the data folder */
    void *context;
    void (*skipped)(void *context, const char *bucket, const char *key, const char *why);
};

/* Makes INTO/BUCKET/KEY of each current object whose bytes lie as they are; one that is there from before is replaced
 * at once. Objects that are encrypted, compressed or in parts, and keys that no file can be named by, are passed over.
 * The links are of immutable files, and read-only. ERROR_CONFLICT when INTO/BUCKET is there and was not made so. */
bool browse_make(const struct browse_options *options, struct browse_counts *counts, struct error *error);

#endif

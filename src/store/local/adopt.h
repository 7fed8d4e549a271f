/* Taking an existing tree of files into a bucket where it lies. */
#ifndef AISLE_STORE_LOCAL_ADOPT_H
#define AISLE_STORE_LOCAL_ADOPT_H

#include "store/local/local.h"

struct adopt_counts {
    uint64_t files, size_bytes; /* that are objects now, those of before too */
    uint64_t linked;            /* of these, hard links to the files */
    uint64_t copied;            /* written to the store, since they are small or cannot be linked */
    uint64_t present;           /* objects of the same content already */
    uint64_t skipped;           /* links, special files and names that no key can have; told one by one */
};

struct adopt_options {
    const char *folder; /* all regular files below it */
    const char *bucket; /* is there */
    const char *prefix; /* a key is this and the path below the folder */
    const char *owner;
    bool copy; /* do not link */
    void *context;
    void (*skipped)(void *context, const char *path, const char *why);
};

/* A file of more than what stays in the database becomes a blob by a hard link: its bytes are not copied, and stay when
 * the file is removed or replaced by another of its name. A change of the file in its place changes the object's bytes:
 * reading the object then fails, since the time of modification is kept and compared; fsck finds it as well. Stopped,
 * it can be done again: what is there already is passed over. */
bool adopt_tree(struct local_store *store, const struct adopt_options *options, struct adopt_counts *counts,
                struct error *error);

#endif

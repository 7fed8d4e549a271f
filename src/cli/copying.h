/* Copying between files and objects, several at once. */
#ifndef AISLE_CLI_COPYING_H
#define AISLE_CLI_COPYING_H

#include "store/store.h"

/* From and to are paths or s3:// URLs, at least one of them a URL; "-" is standard input or output. Without
 * `recursive` one file or object: a target that ends in a slash, is a bucket alone or is a folder takes its name. With
 * it a folder's files, or the objects that a prefix begins, under their places below it. */
struct copying {
    struct store *store;
    const char *from, *to;
    bool recursive;
    const char *content_type;                                      /* NULL: by the name's ending */
    void (*done)(void *context, uint64_t objects, uint64_t bytes); /* from one thread; may be NULL */
    void *context;
};

bool copying_run(const struct copying *copying, struct error *error);

/* By the ending: "text/csv" for "a.csv"; NULL when it tells nothing. */
const char *copying_type_of(const char *name);

#endif

/* Watched folders: files that are dropped there become objects, each once, whatever ends the process in between.
 *
 * A file counts when it has not changed for a while, or when FILE.done stands beside it. Names that begin with "." or
 * end in ".tmp", ".part" or ".done", links and what is no regular file are left alone; folders within are watched as
 * well. What was taken is noted in the transaction that makes the object, by name and content: the same file is not
 * taken again when it is found again, and a file whose content has changed is.
 */
#ifndef AISLE_STORE_LOCAL_WATCH_H
#define AISLE_STORE_LOCAL_WATCH_H

#include "store/local/local.h"

struct watch_options {
    const char *folder;
    const char *bucket;
    const char *prefix; /* the object's key is this and the file's path below the folder */
    bool done_marker;   /* a file counts when FILE.done stands beside it, rather than when it stops growing */
    unsigned settle_ms; /* how long a file must not have changed */
    const char *after;  /* "keep", "delete" or "archive" (into FOLDER/.taken) */
    const char *owner;  /* account id of the objects' owner */
};

struct watch;

/* Looks through the folder and goes on watching it in a thread of its own. The folder and the bucket must be there. A
 * file that cannot be taken is told in the log and tried again later. Failpoints: watch.taken (the object is there),
 * watch.moved (the file was deleted or archived). */
struct watch *watch_start(struct local_store *store, const struct watch_options *options, struct error *error);

/* Ends it; what is being read at the moment is taken by the next start. NULL is all right. */
void watch_stop(struct watch *watch);

#endif

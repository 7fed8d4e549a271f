/* Testing the object store against its bytes, and repairing what can be repaired without losing any. */
#ifndef AISLE_STORE_LOCAL_FSCK_H
#define AISLE_STORE_LOCAL_FSCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/folder.h"

struct fsck_problem {
    const char *kind;   /* "missing_body", "damaged_body", "wrong_references", "unused_body", "lost_part",
                           "lost_version", "unnamed_file" */
    const char *what;   /* a sentence that names it */
    const char *repair; /* what was done about it; NULL: nothing */
};

struct fsck_counts {
    uint64_t versions, bodies, blobs; /* that were looked at */
    uint64_t read_bytes;              /* with `deep` */
    uint64_t unread_bodies;           /* encrypted under customers' keys, so only their sizes were compared */
    uint64_t problems, repaired;
};

struct fsck_options {
    struct folder *folder; /* open for writing where `repair` is wanted; no store may be open on it */
    bool repair, deep;     /* deep: read every body and compare it with its hashes */
    const char *key_file;  /* NULL: "key" in the data folder */
    void *context;
    void (*problem)(void *context, const struct fsck_problem *problem);
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
};

/* Versions whose bytes are missing or damaged are moved to the table `quarantine`, where nobody is served them, with
 * what is left of the bytes; files that no row names are moved to lost+found/; counts of references are set right;
 * parts of uploads whose bytes are gone are removed, so that their sender sends them again. All rows change in one
 * transaction. False only when testing or repairing itself failed. */
bool fsck_objects(const struct fsck_options *options, struct fsck_counts *counts, struct error *error);

#endif

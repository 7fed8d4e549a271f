/* What the files of fsck share with each other. */
#ifndef AISLE_STORE_LOCAL_FSCK_PRIVATE_H
#define AISLE_STORE_LOCAL_FSCK_PRIVATE_H

#include "store/local/fsck.h"
#include "store/local/local_private.h"

/* Temporary tables of the connection hold what was found:
 *   fsck_uses(body, uses)      how many rows name a body
 *   fsck_bad(body, kind, why)  bodies that are missing or damaged, those with a bad piece too
 *   fsck_sums(body, md5, sha256)  of what was read
 *   fsck_found(kind, what, repair)  the problems, told when all is done
 */
struct fsck {
    const struct fsck_options *options;
    struct fsck_counts *counts;
    const char *path; /* of the data folder */
    struct statement_cache *db;
    uint8_t master[KEY_BYTES];
    bool master_there;
    uint64_t total_bytes;
};

/* Runs a statement without values. */
bool fsck_run(struct fsck *fsck, const char *sql, struct error *error);

/* Notes a problem that needs no other repair than `repair` says. */
bool fsck_note(struct fsck *fsck, const char *kind, const char *repair, struct error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Fills the temporary tables. */
bool fsck_bodies(struct fsck *fsck, struct error *error);
/* With the references counted. */
bool fsck_uses(struct fsck *fsck, struct error *error);

#endif

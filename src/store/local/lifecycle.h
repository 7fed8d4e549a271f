/* What buckets' lifecycle configurations ask for: expiry, noncurrent expiry, colder storage classes, ends of uploads.
 *
 * Classes that are kept compressed (STANDARD_IA, ONEZONE_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE) are read as quickly as
 * others: nothing has to be restored first.
 */
#ifndef AISLE_STORE_LOCAL_LIFECYCLE_H
#define AISLE_STORE_LOCAL_LIFECYCLE_H

#include "store/local/local.h"

/* What a run did. */
struct lifecycle_counts {
    uint64_t expired; /* current versions deleted, or hidden by a delete marker */
    uint64_t removed; /* noncurrent versions, and delete markers that hid nothing */
    uint64_t moved;   /* versions, to a colder storage class */
    uint64_t uploads_aborted;
    uint64_t failed; /* buckets whose configuration cannot be read, versions that could not be moved: in the log */
};

/* Goes once over all buckets that have rules, as of `now_us`, and adds to `counts`. It works in small steps between
 * which others write, each with its events (LifecycleExpiration:Delete, LifecycleExpiration:DeleteMarkerCreated,
 * LifecycleTransition) in its transaction; what is locked stays. One at a time. Failpoint: lifecycle.stored. */
bool lifecycle_run(struct local_store *store, int64_t now_us, struct lifecycle_counts *counts, struct error *error);

/* Makes a run that is going on return soon (true), and later ones at once. From any thread. */
void lifecycle_stop(struct local_store *store);

#endif

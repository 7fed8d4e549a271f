/* What the files of the lifecycle share with each other. */
#ifndef AISLE_STORE_LOCAL_LIFECYCLE_PRIVATE_H
#define AISLE_STORE_LOCAL_LIFECYCLE_PRIVATE_H

#include "store/local/lifecycle.h"
#include "store/local/lifecycle_rules.h"

/* What is to be done to a version. */
struct lifecycle_action {
    enum lifecycle_verdict verdict;
    unsigned class; /* LIFECYCLE_MOVE */
    const char *key, *version_id;
    struct object_row row; /* as it was judged, without its detail */
};

/* A run's work on one bucket. */
struct lifecycle_step {
    struct local_store *store;
    const struct bucket *bucket;
    struct lifecycle_counts *counts;
    struct arena *arena; /* of the rows that are looked at together */
};

bool lifecycle_stopped(struct local_store *store);

/* In a transaction: the row, if it is still the one that was judged (1; 0: not; -1: failure). */
int lifecycle_find(struct lifecycle_step *step, struct statement_cache *db, const struct lifecycle_action *action,
                   struct object_found *found, struct error *error);

bool lifecycle_move(struct lifecycle_step *step, const struct lifecycle_action *action, struct error *error);

#endif

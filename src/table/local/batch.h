/* Several writes or reads of one request. For the files of the local tables only. */
#ifndef AISLE_TABLE_LOCAL_BATCH_H
#define AISLE_TABLE_LOCAL_BATCH_H

#include "base/digest.h"
#include "table/local/local_private.h"

struct batch {
    struct call *call;
    const char *token;                /* ClientRequestToken of a transaction, or NULL */
    uint8_t digest[DIGEST_MAX_BYTES]; /* of what the token stands for */
    bool done_before;
    struct write *writes;
    size_t count;
    struct error *errors; /* of each write of a transaction */
};

/* Lets go of the tables. */
void batch_release(struct batch *batch);

/* ValidationException with these words when two are of one item. */
bool batch_check_distinct(const struct batch *batch, const char *words, struct error *error);

/* The item at a key that the request names; kept among the batch's writes, as what was there before. */
bool batch_get_one(struct batch *batch, struct statement_cache *db, const json_t *request, const char *duplicate,
                   struct error *error);

/* "ConsumedCapacity" of each table once; `factor` is 2 for transactions. `kind` is "Read" or "Write" where the answer
 * tells which, else NULL. */
struct batch_cost {
    int how; /* of capacity_asked */
    bool reads;
    int factor;
    const char *kind;
};
void batch_append_costs(const struct batch *batch, const struct batch_cost *cost);

#endif

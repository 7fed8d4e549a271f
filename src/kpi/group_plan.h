/* Grouping from within: what is counted how, and what a worker holds while it goes through partitions. */
#ifndef AISLE_KPI_GROUP_PLAN_H
#define AISLE_KPI_GROUP_PLAN_H

#include "kpi/group.h"
#include "kpi/pair_set.h"
#include "kpi/tally.h"

/* Groups by one key of up to so many codes are looked up in a table. */
#define DIRECT_CODES 65536

/* A condition with its values as codes of the tuple. */
struct code_condition {
    int word;
    bool negated;
    uint32_t *codes;
    size_t count;
};

struct measure_plan {
    const struct kpi_measure *measure;
    const struct fact_column *value; /* NULL: every row counts */
    struct code_condition *conditions;
    bool fills_multiset; /* the one of those that share it which fills it */
    bool counts_rows;    /* of that multiset the only value in a partition is the partition, so the rows of
                            the group are its count */
    /* Where the table is dense, an item is, from high bits to low: group, value (or days since the first), count - 1.
     */
    unsigned group_shift, count_bits;
    int64_t first_day;
};

struct table_plan {
    int table;
    const struct kpi_table *spec;
    const struct fact_column *keys[KPI_MAX_KEYS];
    int hashed[KPI_MAX_KEYS]; /* keys that vary within a partition */
    int hashed_count;
    bool by_day;
    bool per_partition; /* handed out with every partition, so groups never outgrow the cache */
    int groups_like;    /* an earlier plan whose groups have the same keys and numbers, -1: none */
    bool dense;         /* group_dense.c: groups are numbered by their key's code */
    uint64_t range;     /* dense: codes */
    int rows_like;      /* dense: a plan by day with the same keys, whose groups' rows are counted already, -1: none */
    struct measure_plan measures[KPI_MAX_MEASURES];
    int measure_count;
};

/* Items of a multiset, as they came. */
struct item_list {
    uint64_t *items;
    size_t count, capacity;
};

/* What one worker holds while it goes through partitions. */
struct worker_state {
    struct tally *groups;    /* by table plan; key: the hashed keys' codes (one zero word when there are none). Of dense
                                ones only the sums */
    struct item_list *items; /* by multiset of the spec, where its table is dense */
    struct tally *multisets; /* by multiset of the spec; key: group number, value code */
    struct pair_set *sets;   /* by set of the spec: group number, value code */
    const uint32_t **words;  /* of the portion at hand, by tuple word */
    uint32_t (*settled)[ROWS_PORTION]; /* of these, those that tuples do not hold */
    uint32_t *
        *direct; /* by table plan: the group of a code, TALLY_NONE where there is none yet; NULL: not looked up so */
    uint32_t (*group)[ROWS_PORTION];          /* by table plan: the group of each row of the portion */
    uint32_t partition_codes[KPI_MAX_TABLES]; /* by table plan: the partition key's code */
    uint32_t partition_value;                 /* the partition column's own code, where a multiset is over it */
    bool days;                                /* tables by day are concerned in the partition at hand */
    int64_t day;                              /* that partition */
};

struct plan {
    const struct group_input *input;
    struct table_plan *tables;
    int table_count;
    uint64_t rows; /* that are grouped */
    struct gains *gains;
    struct worker_state *workers;
};

bool plan_open(struct plan *plan, const struct group_input *input, unsigned workers, struct error *error);
void plan_free(struct plan *plan, unsigned workers);

/* How many codes a coding has given, or may give. */
uint64_t plan_code_range(const struct coding *coding);

/* Decides whether a table is dense where `rows` rows are grouped. */
void plan_dense(const struct group_input *input, uint64_t rows, struct table_plan *table);

/* Rows of a dense table for a multiset. */
bool dense_add(const struct measure_plan *measure, struct worker_state *state, const uint32_t *group,
               const uint8_t *selected, size_t count, struct error *error);

/* At the end of a partition, before tables by day are handed out: the rows that these have counted already. */
bool dense_add_groups(const struct plan *plan, struct worker_state *state, struct error *error);

/* Hands dense tables and their multisets out, once all partitions are done. */
bool dense_finish(const struct plan *plan, struct team *team, struct error *error);

/* At the end of a partition, or of all (`last`): what belongs to it goes out to the gains, and what has grown large. */
bool group_hand_out(const struct plan *plan, struct worker_state *state, struct gains *gains, bool last,
                    struct error *error);

#endif

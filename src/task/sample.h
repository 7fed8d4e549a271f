/* Realistic retail data for demos, tests and benchmarks: the same bytes for the same seed on every machine.
 *
 * Only whole numbers and fixed tables are used, so no machine rounds differently. An order's row depends on the seed
 * and on its number alone, not on how many rows or files are asked for: orders 1 … 1000 made at once are the orders 1 …
 * 500 and 501 … 1000 made one after the other, if products, customers and days are given alike. Clean rows are the same
 * whatever the dirty share is; a dirty row is a clean one with one defect, or is followed by a copy that claims its
 * key.
 */
#ifndef AISLE_TASK_SAMPLE_H
#define AISLE_TASK_SAMPLE_H

#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"

enum sample_kind {
    SAMPLE_ORDERS,  /* DIR/orders/, DIR/order_items/, DIR/products/: 2.6 lines an order */
    SAMPLE_SALES,   /* DIR/smartphone_sales.csv */
    SAMPLE_CATALOG, /* DIR/amazon_products.csv, the public Amazon product shape */
};

enum sample_family {
    SAMPLE_PIECES,   /* a line is a piece: id, …, sale_price; timestamps */
    SAMPLE_QUANTITY, /* a line has a quantity and a price; dates; product ids such as P1001 */
};

struct sample_options {
    enum sample_kind kind;
    enum sample_family family; /* of orders */
    uint64_t rows;             /* orders, sales or products: at least 1 */
    uint64_t dirty;            /* dirty rows in 2^53, see sample_share */
    uint64_t seed;
    const char *folder;   /* where files go; made when absent */
    int32_t first_day;    /* days since 1970-01-01 */
    uint32_t days;        /* how many days orders and sales fall in: 1 … 36,525 */
    uint64_t first_order; /* the number of the first order or row, at least 1 */
    uint32_t files;       /* parts of orders and of lines each, or of sales or products; 0: one per 500,000 rows */
    uint64_t products;    /* 0: as many as orders, at most 30,000 */
    uint64_t customers;   /* 0: two for every three orders, at least 20 */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t about_bytes); /* from one thread at a time; or NULL */
    void *progress_context;
};

#define SAMPLE_MAX_DATASETS 3
#define SAMPLE_MAX_DEFECTS 20

struct sample_dataset {
    const char *name; /* static: "orders" */
    uint64_t files, bytes;
    uint64_t rows;  /* data rows written, copies included */
    uint64_t dirty; /* rows made dirty or followed by a copy */
    size_t defect_count;
    const char *defect[SAMPLE_MAX_DEFECTS]; /* static: "missing_id" */
    uint64_t count[SAMPLE_MAX_DEFECTS];     /* rows with that defect; they add up to `dirty` */
};

struct sample_report {
    size_t dataset_count;
    struct sample_dataset datasets[SAMPLE_MAX_DATASETS];
};

/* A share from 0 to 1 as sample_options.dirty. */
uint64_t sample_share(double share);

/* Writes the files and says what was written. Fails with ERROR_CONFLICT when a file to be written is there already or a
 * dataset's folder holds another file, since leftovers would be taken for part of the sample. */
bool sample_write(struct team *team, const struct sample_options *options, struct sample_report *report,
                  struct error *error);

#endif

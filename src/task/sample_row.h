/* Inside the sample task: files of rows, written fast, and random streams that do not depend on one another. */
#ifndef AISLE_TASK_SAMPLE_ROW_H
#define AISLE_TASK_SAMPLE_ROW_H

#include <stdatomic.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "task/sample.h"

/* No row, clean or dirty, is longer. */
#define SAMPLE_ROW_BYTES 8192

struct sample_part;
struct sample_progress;

/* One file being written. `sample_file_row` gives SAMPLE_ROW_BYTES of room; the row counts once sample_file_keep is
 * told where it ends. */
struct sample_file {
    struct sample_progress *progress;
    const char *path;
    int fd;
    char *data;
    size_t length;
    uint64_t written;
};
bool sample_file_open(struct sample_file *file, const struct sample_part *part, const char *path, const char *header,
                      struct error *error);
char *sample_file_row(struct sample_file *file, struct error *error);
bool sample_file_append(struct sample_file *file, const char *data, size_t size, struct error *error);
bool sample_file_close(struct sample_file *file, struct error *error);
void sample_file_abandon(struct sample_file *file); /* frees what is held; also right after a close */

static inline void sample_file_keep(struct sample_file *file, const char *end)
{
    file->length = (size_t)(end - file->data);
}

/* What one part of the sample needs, and what it counts; a part is the rows of one file of each dataset. */
struct sample_part {
    const struct sample_options *options;
    const struct sample_world *world;
    uint64_t index;       /* from 0 */
    uint64_t first, last; /* row numbers, last included */
    struct sample_dataset counts[SAMPLE_MAX_DATASETS];
    struct sample_progress *progress;
};

/* Tables that all parts read. */
struct sample_world {
    char (*dates)[10];   /* "2025-03-08" for each day from the first on */
    uint32_t *day_slots; /* days, busy ones more often */
    uint32_t day_slot_count;
    uint32_t *price_cents; /* of each product */
    uint64_t products, customers;
};

/* Days after the last order's that its later timestamps may reach. */
#define SAMPLE_LATER_DAYS 32

bool sample_world_new(struct sample_world *world, const struct sample_options *options, struct error *error);
void sample_world_free(struct sample_world *world);

/* Bytes written so far over all parts, shown now and then. */
struct sample_progress {
    const struct sample_options *options;
    uint64_t total_bytes; /* about */
    atomic_uint_fast64_t done_bytes;
    atomic_flag showing;
};

/* Which independent sequence a random generator is for. */
enum sample_stream { STREAM_ORDER, STREAM_LINE, STREAM_PRODUCT, STREAM_SALE, STREAM_CATALOG, STREAM_DIRT };
void sample_random(struct random *random, uint64_t seed, enum sample_stream stream, uint64_t number);

/* The parts of each kind of data. Each opens, fills and closes its files. */
bool sample_orders_part(struct sample_part *part, struct error *error);
bool sample_products_part(struct sample_part *part, struct error *error);
bool sample_sales_part(struct sample_part *part, struct error *error);
bool sample_catalog_part(struct sample_part *part, struct error *error);

/* The price of a product in cents: a function of the seed and its number. */
uint32_t sample_product_price(uint64_t seed, uint64_t product);

/* The path of part `index` of a dataset in `into`, "DIR/orders/orders_part1.csv". */
const char *sample_part_path(struct buffer *into, const struct sample_part *part, const char *folder, const char *stem);

/* Writers of pieces of a row: each gives where the next piece goes. */
static inline char *put_bytes(char *at, const char *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static inline char *put_text(char *at, const char *text)
{
    return put_bytes(at, text, strlen(text));
}

static inline char *put_two(char *at, uint32_t number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
    return at + 2;
}

char *put_number(char *at, uint64_t number);

/* Cents as `81.64`, `81.8`, `82.0`, as the public data spells prices. */
char *put_cents(char *at, uint64_t cents);

/* Seconds since midnight of the first day as `2025-03-30T16:14:26`. */
char *put_timestamp(char *at, const struct sample_world *world, uint64_t seconds);

#endif

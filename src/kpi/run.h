/* One run of a trace as it lies in a file: what the files of the trace share with each other. The layout is told byte
 * by byte in run_format.c. */
#ifndef AISLE_KPI_RUN_H
#define AISLE_KPI_RUN_H

#include "kpi/trace.h"

#define RUN_MAX_COLUMNS (TRACE_MAX_KEYS + TRACE_MAX_VALUES)
#define RUN_BLOCK_ENTRIES 256 /* entries of a block, the last of a run may have fewer */
#define RUN_PAGE_BLOCKS 256   /* blocks of a page of the directory, the last may have fewer */

/* The most bytes that an encoded block can take. */
#define RUN_BLOCK_BYTES (16 + 9 * RUN_MAX_COLUMNS + 8 + 8 * 16 + RUN_MAX_COLUMNS * (RUN_BLOCK_ENTRIES * 8 + 8))

struct run_footer {
    char magic[8];
    uint32_t version;
    uint8_t keys, values, merge, reserved;
    uint64_t entries, blocks, pages;
    int64_t first[TRACE_MAX_KEYS], last[TRACE_MAX_KEYS];
    uint64_t checksum;
};

/* A run opened for reading. Nothing in it changes but the marks of what was verified. */
struct run {
    struct trace_shape shape;
    char *path;
    uint64_t file_offset;
    void *map;
    size_t map_size;
    const uint8_t *data;
    size_t size;
    struct run_footer footer;
    const int64_t *page_first;   /* first keys of the pages: column k begins at page_first + k * pages */
    const uint64_t *page_offset; /* where the pages begin in the run, and where the last one ends */
    uint8_t *verified;           /* a bit a page, then a bit a block; set and read atomically */
};

/* One page of the directory. */
struct run_page {
    uint64_t blocks;
    const int64_t *first;   /* first keys of the blocks: column k begins at first + k * blocks */
    const uint64_t *offset; /* where the blocks begin in the run, and where the last one ends */
};

/* One block, still packed. */
struct run_block {
    uint64_t number;
    unsigned count;
    unsigned low_bits, high_words; /* of the first key column */
    const uint64_t *high;
    const uint8_t *low;
    struct {
        const uint8_t *bits; /* not of the first key column */
        int64_t least;
        uint8_t width;
        bool nulls;
    } column[RUN_MAX_COLUMNS]; /* keys, then values */
};

/* A place without entries gives an empty run, which has no file. */
bool run_open(struct run *run, const struct trace_shape *shape, const struct run_place *place, struct error *error);
void run_close(struct run *run);

/* Page `number` of the directory, and block `number` within it; tested on first use. */
bool run_page(const struct run *run, uint64_t number, struct run_page *page, struct error *error);
bool run_block(const struct run *run, uint64_t number, const struct run_page *page, struct run_block *block,
               struct error *error);

/* ERROR_CORRUPT that names the file and the place in it. Returns false. */
bool run_corrupt(const struct run *run, uint64_t offset, const char *what, struct error *error);

/* The last block that begins at or before the key, which must not be less than the run's first key. */
bool run_find_block(const struct run *run, const int64_t *key, uint64_t *number, struct run_page *page,
                    struct error *error);

/* The place of the first entry of a packed block that is not less than the key: block->count when all are. */
unsigned block_seek(const struct run *run, const struct run_block *block, const int64_t *key);

/* The value of one column (keys first, not the first of them) at one entry. */
int64_t block_value(const struct run_block *block, int column, unsigned entry);

/* The key of one entry. */
void block_key(const struct run *run, const struct run_block *block, unsigned entry, int64_t *key);

/* Unpacks a whole column into RUN_BLOCK_ENTRIES places. False when the first key column does not hold as many entries
 * as the block says. */
bool block_unpack(const struct run_block *block, int column, int64_t *into);

/* The parts of a block of `size` bytes; false when they do not fill it exactly. */
bool block_parse(const struct trace_shape *shape, const uint8_t *bytes, size_t size, struct run_block *block);

/* Packs `count` entries (1 … RUN_BLOCK_ENTRIES) from `from` on into `bytes` (RUN_BLOCK_BYTES, aligned to 8), all but
 * the checksum; returns the size, a multiple of 8, or 0 when the keys do not ascend. */
size_t block_pack(const struct trace_shape *shape, const struct entries *entries, size_t from, unsigned count,
                  uint64_t number, uint8_t *bytes);

/* A run that is being written. */
struct run_writer;
struct run_writer *run_writer_new(int fd, const char *path, uint64_t offset, const struct trace_shape *shape,
                                  struct error *error);
bool run_writer_add(struct run_writer *writer, const struct entries *entries, struct error *error);
bool run_writer_finish(struct run_writer *writer, uint64_t *offset, struct run_place *place, struct error *error);
void run_writer_free(struct run_writer *writer);

/* The merged entries of some neighbouring runs, in key order. */
struct merger;
struct merger_bounds {
    int64_t low[TRACE_MAX_KEYS], high[TRACE_MAX_KEYS]; /* keys from low to high, both included */
};
struct merger *merger_new(const struct run *runs, size_t count, const struct trace_shape *shape,
                          const struct merger_bounds *bounds, struct error *error);
/* The next entries, in columns of the merger's own; a count of 0 is the end. */
bool merger_next(struct merger *merger, struct entries *portion, struct error *error);
void merger_free(struct merger *merger);

/* Adds with an ERROR_LIMIT for a sum past 64 bits. */
bool values_add(int64_t *sum, int64_t more, struct error *error);

/* Whether an entry's values are all zero: false when it has none. */
bool values_are_zero(const struct entries *entries, int values, size_t i);

struct trace {
    struct trace_shape shape;
    size_t count;
    struct run runs[];
};

/* Orders two keys column by column: negative, 0 or positive. */
static inline int key_compare(const int64_t *a, const int64_t *b, int keys)
{
    for (int k = 0; k < keys; k++) {
        if (a[k] != b[k]) {
            return a[k] < b[k] ? -1 : 1;
        }
    }
    return 0;
}

/* Column `c` of entries, keys first. */
static inline int64_t *entries_column(const struct entries *entries, const struct trace_shape *shape, int c)
{
    return c < shape->keys ? entries->key[c] : entries->value[c - shape->keys];
}

#endif

/* Kernels: one column of a few hundred rows from text to values at once, for the forms that nearly all cells have.
 *
 * A kernel takes a cell only when it is plainly right: then its value is the one field_judge gives and field_judge
 * finds nothing broken and nothing to warn of. Every other cell is marked doubtful, and field_judge decides. So a
 * kernel may be as narrow as it likes, but never wrong; tests hold each to field_judge on random and mutated cells.
 */
#ifndef AISLE_TABULAR_KERNELS_H
#define AISLE_TABULAR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tabular/schema.h"

/* Rows of one call at most: the cells, their ends and values stay in the first-level cache. */
#define KERNEL_ROWS 256
#define KERNEL_WORDS (KERNEL_ROWS / 64)

/* Cells of one column: cell i is the bytes from starts[i] + skip to ends[i] (offsets wrap, as 32-bit sums do). */
struct cells {
    const char *data; /* CSV_PADDING bytes before the first cell and after the last may be read */
    const uint32_t *starts;
    uint32_t skip;
    const uint32_t *ends;
    size_t count;
    bool ascii; /* all bytes are */
};

static inline struct str cell_at(const struct cells *cells, size_t i)
{
    const char *start = cells->data + (uint32_t)(cells->starts[i] + cells->skip);
    return str_slice(start, (size_t)(cells->data + cells->ends[i] - start));
}

/* Texts that came before in a column, and what field_judge made of them, for columns whose texts repeat. */
#define KERNEL_CACHE_SLOTS 128
#define KERNEL_CACHE_TEXT 32

struct kernel_cache {
    struct {
        char text[KERNEL_CACHE_TEXT]; /* zeros after its end */
        int64_t value;
        uint32_t length; /* KERNEL_CACHE_TEXT + 1: the slot is free */
    } slots[KERNEL_CACHE_SLOTS];
};

void kernel_cache_init(struct kernel_cache *cache);

/* Remembers a cell that field_judge found right, and its value. A long text is not kept. */
void kernel_cache_put(struct kernel_cache *cache, struct str text, int64_t value);

struct kernel;

/* Sets values[i] for each cell, and bit i of `doubtful` (zeroed before, KERNEL_WORDS words) for those that are not
 * plainly right, whose value is then undefined. Null is COLUMN_NULL. */
typedef void kernel_function(const struct kernel *kernel, const struct kernel_cache *cache, const struct cells *cells,
                             int64_t *values, uint64_t *doubtful);

struct kernel {
    kernel_function *run;
    const struct field *field;
    bool idle;        /* TEXT without rules: nothing to judge */
    bool null_taken;  /* an empty cell is a plain null */
    bool plain_terms; /* TERM: numbers and short texts need no look at rules */
    bool cached;      /* texts are worth remembering: their column has a cache */
    bool any_format;  /* TIMESTAMP: a plain date is taken, too */
    int64_t unit;     /* values are multiples of it: microseconds, or 1 */
    bool bounded;     /* values outside least … most are doubtful; in units */
    int64_t least, most;
    term missing[4]; /* TERM: texts that mean no value, as codes */
    size_t missing_count;
};

/* Which forms of the kernels: as csv_scan, AISLE_SIMD=scalar|portable|avx2 overrides the best there is. */
enum kernel_tier { KERNEL_SCALAR, KERNEL_AVX2 };
enum kernel_tier kernel_best_tier(void);

/* Chooses the kernel of a field. `terms` is for TERM fields. */
void kernel_choose(struct kernel *kernel, const struct field *field, enum kernel_tier tier, struct terms *terms);

#endif

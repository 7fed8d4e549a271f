/* What the blocks of a file hand on to each other while many threads judge them at once.
 *
 * A block can tell what it changes (quotes, newlines, rows, bytes of output) before it knows where it stands. Each
 * tells the chain, and learns from it the sum of all blocks before it. Blocks are claimed in ascending order, so
 * waiting for the ones before never waits for work that nobody has begun.
 */
#ifndef AISLE_TABULAR_CHAIN_H
#define AISLE_TABULAR_CHAIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Where a block begins: inside a quoted field or not, and newlines of the file before it. */
struct chain_place {
    bool inside_quotes;
    uint64_t lines;
};

/* Bytes of output before a block. */
struct chain_output {
    uint64_t rejects;
    uint64_t valid;
};

struct chain_link {
    bool begins; /* the first block of its file, so its sums are given, not passed on */
    bool stopped;
    bool placed, numbered, offset_known; /* sums up to here are known */
    bool counted, rendered;              /* this block has told its part */
    struct chain_place place;
    uint64_t rows_before, rows;
    struct chain_output output_before, output;
};

struct chain {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct chain_link *links;
    size_t count;
};

/* A chain of `count` blocks, none of which begins a file yet. */
bool chain_init(struct chain *chain, size_t count, struct error *error);
void chain_free(struct chain *chain);

/* Says that a file begins with block `index`, after so many newlines. */
void chain_begin(struct chain *chain, size_t index, uint64_t lines);

/* Waits for the place of a block; false when it need not be judged (chain_stop). */
bool chain_wait_place(struct chain *chain, size_t index, struct chain_place *place);

/* Tells the place of the block after `index`. */
void chain_pass_place(struct chain *chain, size_t index, const struct chain_place *next);

/* Tells how many rows a block holds; and waits for how many the ones before hold. */
void chain_count(struct chain *chain, size_t index, uint64_t rows);
bool chain_wait_rows(struct chain *chain, size_t index, uint64_t *rows_before);

/* Tells how many bytes of output a block makes; and waits for where they begin. */
void chain_render(struct chain *chain, size_t index, const struct chain_output *output);
bool chain_wait_output(struct chain *chain, size_t index, struct chain_output *before);

/* Sums of rows and output up to and with block `index`, once all have told theirs. */
void chain_total(struct chain *chain, size_t index, uint64_t *rows, struct chain_output *output);

/* Blocks `from` … `to` - 1 stop waiting: what they would do is no longer wanted. */
void chain_stop(struct chain *chain, size_t from, size_t to);

#endif

/* The distinct values of a column in the order in which they were first met: an open-addressing hash table from a
 * value to its index, for numbers (codes of terms among them) or for texts. */
#ifndef AISLE_TABULAR_PARQUET_DISTINCT_H
#define AISLE_TABULAR_PARQUET_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* Zero it to begin; reused for column after column. */
struct distinct {
    uint32_t *slots;   /* index + 1, 0 is free */
    size_t slot_count; /* a power of two */
    size_t slot_room;
    int64_t *numbers;  /* by index */
    struct str *texts; /* by index; the bytes are the caller's */
    uint64_t *hashes;  /* by index, of texts */
    size_t room;       /* of numbers, or of texts and hashes */
    size_t count;
    bool of_texts;
};

/* Forgets all values and begins with numbers or texts. */
bool distinct_begin(struct distinct *distinct, bool of_texts, struct error *error);
void distinct_free(struct distinct *distinct);

/* Enters one value. False with ERROR_MEMORY. */
bool distinct_enter_number(struct distinct *distinct, int64_t value, struct error *error);
bool distinct_enter_text(struct distinct *distinct, struct str text, struct error *error);

/* Indices of `count` values, nulls (COLUMN_NULL, a text without data) left out: `*present` of them. Stops early, which
 * shows by `distinct->count` > `most`, when there are more than `most` distinct ones. */
bool distinct_index_numbers(struct distinct *distinct, const int64_t *values, size_t count, size_t most,
                            uint32_t *indices, size_t *present, struct error *error);
bool distinct_index_texts(struct distinct *distinct, const struct str *values, size_t count, size_t most,
                          uint32_t *indices, size_t *present, struct error *error);

#endif

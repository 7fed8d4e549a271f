/* From what Parquet stores to what a column of Aisle holds: decimals, timestamps, floats and the like. */
#ifndef AISLE_TABULAR_PARQUET_FORMS_H
#define AISLE_TABULAR_PARQUET_FORMS_H

#include "base/arena.h"
#include "tabular/parquet_meta.h"

/* Stored numbers to the column's, in place. */
bool form_numbers(const struct parquet_leaf *leaf, int64_t *numbers, size_t count, struct error *error);

/* Stored bytes (decimals, INT96) to numbers. */
bool form_numbers_of_bytes(const struct parquet_leaf *leaf, const struct str *bytes, size_t count, int64_t *numbers,
                           struct error *error);

/* Stored bytes (texts, floats, UUIDs) to texts, in place; new bytes come from the arena. Floats become the shortest
 * decimal text that gives the same number again. */
bool form_texts(const struct parquet_leaf *leaf, struct arena *arena, struct str *texts, size_t count,
                struct error *error);

/* Times of day to texts such as 23:59:59.5. */
bool form_times(const struct parquet_leaf *leaf, struct arena *arena, const int64_t *stored, size_t count,
                struct str *texts, struct error *error);

#endif

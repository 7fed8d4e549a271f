/* Which encoding makes a column of one row group small: judged from a sample, in bits a value.
 *
 * Single rows spread over the group tell how many distinct values there are; runs of neighbouring rows tell what
 * differences, prefixes and suffixes cost.
 */
#ifndef AISLE_TABULAR_PARQUET_CHOICE_H
#define AISLE_TABULAR_PARQUET_CHOICE_H

#include "base/error.h"
#include "tabular/parquet_distinct.h"
#include "tabular/parquet_meta.h"
#include "tabular/parquet_texts.h"

struct choice {
    int32_t encoding;
    size_t most_distinct; /* a dictionary that grows past this was a wrong guess */
};

/* The sampled values are left in `distinct`, which is begun here. `rows` is at least 1. */
bool choose_encoding(struct choice *choice, const struct parquet_field *field, const struct parquet_values *values,
                     size_t rows, struct distinct *distinct, struct text_encoder *texts, struct error *error);

/* The encoding for a column for which a dictionary was the wrong guess. */
int32_t choose_without_dictionary(enum column_kind kind);

#endif

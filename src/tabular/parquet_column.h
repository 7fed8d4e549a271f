/* One column of one row group as pages: encoding chosen, pages filled, compressed where that gains. */
#ifndef AISLE_TABULAR_PARQUET_COLUMN_H
#define AISLE_TABULAR_PARQUET_COLUMN_H

#include "base/buffer.h"
#include "base/error.h"
#include "tabular/parquet_codec.h"
#include "tabular/parquet_distinct.h"
#include "tabular/parquet_meta.h"
#include "tabular/parquet_texts.h"

/* What is kept from column to column, so that many small ones need no memory of their own. Zero it, then set `codec`
 * and `texts.terms`. */
struct column_writer {
    enum parquet_codec codec;
    struct parquet_packer packer;
    struct distinct distinct;
    struct text_encoder texts;
    struct text_bounds bounds;
    char number_bounds[2][sizeof(int64_t)];
    uint32_t *indices; /* of the whole row group */
    size_t indices_room;
    int64_t *dense_numbers; /* a page without its nulls */
    struct str *dense_texts;
    uint32_t *levels; /* of a page */
    size_t numbers_room, texts_room, levels_room;
    struct buffer values; /* a page's, encoded */
    struct buffer page;   /* levels and values */
    struct buffer dictionary;
    struct buffer packed;
};

void column_writer_free(struct column_writer *writer);

/* Appends the pages of `rows` (at least 1) values to `out`, whose first byte stands at `out_start` in the file, and
 * says in `written` what they are; its bounds point into the writer until the next call. */
bool column_write(struct column_writer *writer, const struct parquet_field *field, const struct parquet_values *values,
                  size_t rows, struct buffer *out, uint64_t out_start, struct parquet_written *written,
                  struct error *error);

#endif

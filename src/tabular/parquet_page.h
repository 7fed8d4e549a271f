/* The pages of one column chunk, one after the other, unpacked and split into levels and values. */
#ifndef AISLE_TABULAR_PARQUET_PAGE_H
#define AISLE_TABULAR_PARQUET_PAGE_H

#include "base/arena.h"
#include "tabular/parquet_codec.h"
#include "tabular/parquet_meta.h"

/* A chunk's bytes, with DECODE_PADDING readable ones after them. */
struct page_source {
    const uint8_t *data;
    size_t size;
    size_t at;
    int32_t codec;
    bool optional; /* pages have definition levels */
    struct parquet_packer *packer;
    struct arena *arena; /* unpacked pages go here */
};

struct page {
    bool dictionary;
    int32_t encoding;
    uint32_t values;       /* nulls included */
    const uint8_t *levels; /* hybrid runs; NULL when the column has none */
    size_t level_size;
    const uint8_t *data; /* encoded values, DECODE_PADDING readable bytes after them */
    size_t size;
};

/* The next dictionary or data page; others are passed over. False with ERROR_NONE left in `error` when the chunk is at
 * its end, with another code when it is damaged or of a codec that is not supported. */
bool page_next(struct page_source *source, struct page *page, struct error *error);

#endif

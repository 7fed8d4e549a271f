/* Encoded values of one page or dictionary as numbers or texts of the column's kind. */
#ifndef AISLE_TABULAR_PARQUET_VALUES_H
#define AISLE_TABULAR_PARQUET_VALUES_H

#include "base/arena.h"
#include "tabular/parquet_meta.h"

/* How values of a column are delivered: those of a text column as texts, or as codes when `terms` is not NULL; others
 * as numbers. */
struct value_sink {
    const struct parquet_leaf *leaf;
    struct terms *terms;
    struct arena *arena; /* bytes of texts that are not in the file as they are */
    struct str *scratch; /* texts on their way to numbers: room for `scratch_room` */
    size_t scratch_room;
};

void value_sink_free(struct value_sink *sink);

/* Whether the column's values are delivered as texts, not as numbers. */
bool value_sink_texts(const struct value_sink *sink);

/* Decodes exactly `count` values, none null, encoded in anything but a dictionary's indices. The data has
 * DECODE_PADDING readable bytes after it. `texts` point into it, or into the arena. */
bool values_decode(struct value_sink *sink, int32_t encoding, const uint8_t *data, size_t size, size_t count,
                   int64_t *numbers, struct str *texts, struct error *error);

#endif

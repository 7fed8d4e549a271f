/* Typed columns of a batch of rows, packed.
 *
 * A batch is what one block of a file becomes when it is validated: up to a few tens of thousands of rows, column by
 * column, each column as narrow as its values allow. Batches are made once and then only read, by any thread.
 */
#ifndef AISLE_TABULAR_COLUMN_H
#define AISLE_TABULAR_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum column_kind {
    COLUMN_ABSENT,    /* the file has no such column, or nobody asked for it: every value is null */
    COLUMN_TERM,      /* term codes (tabular/term.h) */
    COLUMN_TEXT,      /* bytes, UTF-8 */
    COLUMN_INTEGER,   /* int64 */
    COLUMN_DECIMAL,   /* int64, scaled by ten to the power of the schema field's scale */
    COLUMN_DATE,      /* days since 1970-01-01 */
    COLUMN_TIMESTAMP, /* microseconds since 1970-01-01T00:00:00Z */
    COLUMN_BOOLEAN,   /* 0 or 1 */
};

/* A null in an unpacked array. No kind uses it as a value. */
#define COLUMN_NULL INT64_MIN

struct column {
    enum column_kind kind;
    uint8_t width;    /* bytes a stored value: 0 (all values are `base`), 1, 2, 4 or 8 */
    bool has_null;    /* then a stored value with all bits set is null (with width 0: all are null) */
    int64_t base;     /* value = base + unit * stored, stored taken as unsigned; the least value there is */
    int64_t high;     /* the largest value there is; unset when all are null */
    int64_t unit;     /* 1; for timestamps of whole seconds 1,000,000 */
    void *stored;     /* rows * width bytes; NULL for width 0 and for COLUMN_TEXT */
    uint32_t *starts; /* COLUMN_TEXT: rows + 1 offsets into bytes; a null row is empty and set in `nulls` */
    char *bytes;
    uint64_t *nulls; /* COLUMN_TEXT: a bit a row, NULL when there is no null */
};

struct batch {
    uint32_t file; /* index of the file in the list that was validated */
    uint32_t rows;
    uint32_t columns;    /* as many as the schema has fields, in the schema's order */
    uint64_t first_line; /* line in the file (1 is the first) of row 0, when `lines` is NULL */
    uint32_t *lines;     /* else row i stands at first_line + lines[i] */
    struct column *column;
    size_t size_bytes; /* memory held, for budgets */
};

/* Packs `rows` unpacked values (COLUMN_NULL for null) of a kind other than text into `column`. The caller
 * frees with column_free. Timestamps whose every value is a whole second take the larger unit. */
bool column_pack(struct column *column, enum column_kind kind, const int64_t *values, size_t rows, struct error *error);

/* As column_pack, of values in multiples of `unit`: 1, or 1,000,000 for timestamps that are whole seconds. */
bool column_pack_units(struct column *column, enum column_kind kind, const int64_t *values, size_t rows, int64_t unit,
                       struct error *error);

/* Values `from` … `from + count - 1` as int64, COLUMN_NULL for null. Not for text. COLUMN_ABSENT gives nulls. */
void column_unpack(const struct column *column, size_t from, size_t count, int64_t *values);

/* As column_unpack, as distances from `base` in steps of `unit`, which must divide the column's own unit; UINT32_MAX
 * for null. The caller knows that all distances are less than that. */
void column_unpack_codes(const struct column *column, size_t from, size_t count, int64_t base, int64_t unit,
                         uint32_t *codes);

/* Values of the rows that the lower halves of `references` name, as column_unpack gives them. */
void column_pick(const struct column *column, const uint64_t *references, size_t count, int64_t *values);

/* One value of a text column; null gives {NULL, 0}. */
struct str column_text(const struct column *column, size_t row);

void column_free(struct column *column);

/* Frees a batch made with memory_zeroed, its columns and lines. NULL is nothing. */
void batch_free(struct batch *batch);

/* Line in the file of a row. */
uint64_t batch_line(const struct batch *batch, size_t row);

#endif

#include "tabular/column.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

#define SECOND_US 1000000

struct range {
    int64_t least, most; /* of the values that are not null; least > most when all are */
    bool has_null;
};

static struct range range_of(const int64_t *values, size_t rows)
{
    struct range range = {INT64_MAX, INT64_MIN + 1, false};
    bool has_null = false;
    for (size_t i = 0; i < rows; i++) {
        bool null = values[i] == COLUMN_NULL;
        int64_t low = null ? INT64_MAX : values[i];
        /* COLUMN_NULL is the least int64, so it never raises the maximum. */
        range.least = low < range.least ? low : range.least;
        range.most = values[i] > range.most ? values[i] : range.most;
        has_null |= null;
    }
    range.has_null = has_null;
    return range;
}

static bool whole_seconds(const int64_t *values, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        if (values[i] != COLUMN_NULL && values[i] % SECOND_US != 0) return false;
    return true;
}

/* The narrowest width for stored values 0 … span, one pattern kept free for null where there is one. */
static uint8_t width_for(uint64_t span, bool has_null)
{
    if (span == 0 && !has_null) return 0;
    uint64_t spare = has_null ? 1 : 0;
    if (span <= UINT8_MAX - spare) return 1;
    if (span <= UINT16_MAX - spare) return 2;
    if (span <= UINT32_MAX - spare) return 4;
    return 8;
}

/* One loop a width. A timestamp's unit divides exactly, so the quotient can be taken before the base. */
#define PACK_LOOP(type)                                                                                                \
    for (size_t i = 0; i < rows; i++) {                                                                                \
        uint64_t stored = ((uint64_t)values[i] - base) / divisor;                                                      \
        ((type *)column->stored)[i] = values[i] == COLUMN_NULL ? (type)UINT64_MAX : (type)stored;                      \
    }

/* Values are divided by `divisor`, 1 or SECOND_US; a constant, so that each is a loop of its own. */
static inline __attribute__((always_inline)) void pack_loops(struct column *column, const int64_t *values, size_t rows,
                                                             uint64_t base, const uint64_t divisor)
{
    switch (column->width) {
    case 1:
        PACK_LOOP(uint8_t)
        break;
    case 2:
        PACK_LOOP(uint16_t)
        break;
    case 4:
        PACK_LOOP(uint32_t)
        break;
    default:
        PACK_LOOP(uint64_t)
        break;
    }
}

bool column_pack_units(struct column *column, enum column_kind kind, const int64_t *values, size_t rows, int64_t unit,
                       struct error *error)
{
    struct range range = range_of(values, rows);
    *column = (struct column){.kind = kind, .has_null = range.has_null, .unit = unit};
    if (range.least > range.most) return true;
    column->base = range.least * unit;
    column->high = range.most * unit;
    uint64_t span = (uint64_t)range.most - (uint64_t)range.least;
    bool divide = kind == COLUMN_TIMESTAMP && unit == 1 && whole_seconds(values, rows);
    if (divide) {
        column->unit = SECOND_US;
        span /= SECOND_US;
    }
    column->width = width_for(span, range.has_null);
    if (column->width == 0) return true;
    column->stored = memory_array(rows, column->width, error);
    if (column->stored == NULL) return false;
    if (divide)
        pack_loops(column, values, rows, (uint64_t)range.least, SECOND_US);
    else
        pack_loops(column, values, rows, (uint64_t)range.least, 1);
    return true;
}

bool column_pack(struct column *column, enum column_kind kind, const int64_t *values, size_t rows, struct error *error)
{
    return column_pack_units(column, kind, values, rows, 1, error);
}

#define UNPACK_LOOP(type)                                                                                              \
    for (size_t i = 0; i < count; i++) {                                                                               \
        type stored = ((const type *)column->stored)[from + i];                                                        \
        int64_t value = (int64_t)(base + unit * (uint64_t)stored);                                                     \
        values[i] = has_null && stored == (type)UINT64_MAX ? COLUMN_NULL : value;                                      \
    }

void column_unpack(const struct column *column, size_t from, size_t count, int64_t *values)
{
    const uint64_t base = (uint64_t)column->base;
    const uint64_t unit = (uint64_t)column->unit;
    const bool has_null = column->has_null;
    if (column->kind == COLUMN_ABSENT || column->width == 0) {
        int64_t value = column->kind == COLUMN_ABSENT || has_null ? COLUMN_NULL : column->base;
        for (size_t i = 0; i < count; i++) values[i] = value;
        return;
    }
    switch (column->width) {
    case 1:
        UNPACK_LOOP(uint8_t)
        break;
    case 2:
        UNPACK_LOOP(uint16_t)
        break;
    case 4:
        UNPACK_LOOP(uint32_t)
        break;
    default:
        UNPACK_LOOP(uint64_t)
        break;
    }
}

#define PICK_LOOP(type)                                                                                                \
    for (size_t i = 0; i < count; i++) {                                                                               \
        type stored = ((const type *)column->stored)[(uint32_t)references[i]];                                         \
        int64_t value = (int64_t)(base + unit * (uint64_t)stored);                                                     \
        values[i] = has_null && stored == (type)UINT64_MAX ? COLUMN_NULL : value;                                      \
    }

void column_pick(const struct column *column, const uint64_t *references, size_t count, int64_t *values)
{
    const uint64_t base = (uint64_t)column->base;
    const uint64_t unit = (uint64_t)column->unit;
    const bool has_null = column->has_null;
    if (column->kind == COLUMN_ABSENT || column->width == 0) {
        column_unpack(column, 0, count, values);
        return;
    }
    switch (column->width) {
    case 1:
        PICK_LOOP(uint8_t)
        break;
    case 2:
        PICK_LOOP(uint16_t)
        break;
    case 4:
        PICK_LOOP(uint32_t)
        break;
    default:
        PICK_LOOP(uint64_t)
        break;
    }
}

struct str column_text(const struct column *column, size_t row)
{
    if (column->kind != COLUMN_TEXT || (column->nulls != NULL && (column->nulls[row / 64] >> (row % 64) & 1) != 0))
        return str_slice(NULL, 0);
    return str_slice(column->bytes + column->starts[row], column->starts[row + 1] - column->starts[row]);
}

void column_free(struct column *column)
{
    if (column == NULL) return;
    memory_free(column->stored);
    memory_free(column->starts);
    memory_free(column->bytes);
    memory_free(column->nulls);
    *column = (struct column){0};
}

void batch_free(struct batch *batch)
{
    if (batch == NULL) return;
    for (uint32_t i = 0; batch->column != NULL && i < batch->columns; i++) column_free(&batch->column[i]);
    memory_free(batch->column);
    memory_free(batch->lines);
    memory_free(batch);
}

uint64_t batch_line(const struct batch *batch, size_t row)
{
    return batch->first_line + (batch->lines == NULL ? row : batch->lines[row]);
}

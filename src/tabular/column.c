#include "tabular/column.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

#define SECOND_US 1000000

struct range {
    int64_t least, most; /* of the values that are not null; least > most when all are */
    bool has_null;
};

/* The loops over values are compiled twice where the processor may have 256-bit vectors. */
#define INLINED static inline __attribute__((always_inline))

INLINED struct range range_loop(const int64_t *values, size_t rows)
{
    int64_t least_less_one = INT64_MAX;
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN + 1;
    for (size_t i = 0; i < rows; i++) {
        /* COLUMN_NULL is the least int64: less one it wraps to the greatest. */
        int64_t less_one = (int64_t)((uint64_t)values[i] - 1);
        least_less_one = less_one < least_less_one ? less_one : least_less_one;
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    bool has_null = least == COLUMN_NULL;
    bool none = least_less_one == INT64_MAX;
    return (struct range){none ? INT64_MAX : least_less_one + 1, none ? INT64_MIN + 1 : most, has_null};
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
INLINED void pack_loops(struct column *column, const int64_t *values, size_t rows, uint64_t base,
                        const uint64_t divisor)
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

static struct range range_plain(const int64_t *values, size_t rows)
{
    return range_loop(values, rows);
}

static void pack_plain(struct column *column, const int64_t *values, size_t rows, uint64_t base)
{
    pack_loops(column, values, rows, base, 1);
}

static void pack_seconds(struct column *column, const int64_t *values, size_t rows, uint64_t base)
{
    pack_loops(column, values, rows, base, SECOND_US);
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

AVX2 static struct range range_avx2(const int64_t *values, size_t rows)
{
    return range_loop(values, rows);
}

AVX2 static void pack_avx2(struct column *column, const int64_t *values, size_t rows, uint64_t base)
{
    pack_loops(column, values, rows, base, 1);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

#else

#define range_avx2 range_plain
#define pack_avx2 pack_plain

static bool has_avx2(void)
{
    return false;
}

#endif

bool column_pack_units(struct column *column, enum column_kind kind, const int64_t *values, size_t rows, int64_t unit,
                       struct error *error)
{
    struct range range = has_avx2() ? range_avx2(values, rows) : range_plain(values, rows);
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
        pack_seconds(column, values, rows, (uint64_t)range.least);
    else if (has_avx2())
        pack_avx2(column, values, rows, (uint64_t)range.least);
    else
        pack_plain(column, values, rows, (uint64_t)range.least);
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

#define CODE_LOOP(type)                                                                                                \
    for (size_t i = 0; i < count; i++) {                                                                               \
        type stored = ((const type *)column->stored)[from + i];                                                        \
        uint32_t code = offset + step * (uint32_t)stored;                                                              \
        codes[i] = has_null && stored == (type)UINT64_MAX ? UINT32_MAX : code;                                         \
    }

void column_unpack_codes(const struct column *column, size_t from, size_t count, int64_t base, int64_t unit,
                         uint32_t *codes)
{
    const bool has_null = column->has_null;
    const bool empty = column->kind == COLUMN_ABSENT || (column->width == 0 && has_null);
    const uint32_t offset = empty ? UINT32_MAX : (uint32_t)(((uint64_t)column->base - (uint64_t)base) / (uint64_t)unit);
    const uint32_t step = (uint32_t)(column->unit / unit);
    if (empty || column->width == 0) {
        for (size_t i = 0; i < count; i++) codes[i] = offset;
        return;
    }
    switch (column->width) {
    case 1:
        CODE_LOOP(uint8_t)
        break;
    case 2:
        CODE_LOOP(uint16_t)
        break;
    case 4:
        CODE_LOOP(uint32_t)
        break;
    default:
        CODE_LOOP(uint64_t)
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

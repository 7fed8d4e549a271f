#include "kpi/rows.h"

#include <stdio.h>

#include "base/memory.h"
#include "tabular/datetime.h"
#include "tabular/term.h"

bool row_list_add(struct row_list *list, struct rows rows, struct error *error)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct rows *items = memory_resize(list->items, capacity, sizeof *items, error);
        if (!items) return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = rows;
    return true;
}

void row_list_free(struct row_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct rows *rows = &list->items[i];
        if (!rows->borrowed) {
            batch_free(rows->batch);
            memory_free(rows->sources);
            memory_free(rows->source_lines);
        }
        memory_free(rows->dead);
        memory_free(rows->partition);
    }
    memory_free(list->items);
    *list = (struct row_list){0};
}

uint64_t row_list_live(const struct row_list *list)
{
    uint64_t live = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct rows *rows = &list->items[i];
        live += rows->batch->rows;
        for (size_t word = 0; rows->dead && word < (rows->batch->rows + 63u) / 64; word++) {
            live -= (uint64_t)__builtin_popcountll(rows->dead[word]);
        }
    }
    return live;
}

bool rows_kill(struct rows *rows, size_t row, struct error *error)
{
    if (!rows->dead) {
        rows->dead = memory_zeroed((rows->batch->rows + 63u) / 64 * sizeof(uint64_t), error);
        if (!rows->dead) return false;
    }
    rows->dead[row >> 6] |= UINT64_C(1) << (row & 63);
    return true;
}

int64_t rows_source(const struct rows *rows, size_t row)
{
    return rows->sources ? rows->sources[row] : rows->source;
}

int64_t rows_line(const struct rows *rows, size_t row)
{
    return rows->source_lines ? rows->source_lines[row] : (int64_t)batch_line(rows->batch, row);
}

/* The term of "YYYY-MM" for a day since 1970. Seven bytes always pack, so no dictionary is needed. */
static term month_of(int64_t day)
{
    struct civil civil = civil_of_days(day);
    char text[16];
    snprintf(text, sizeof text, "%04d-%02d", civil.year, civil.month);
    return term_find(NULL, str_slice(text, 7));
}

/* Days come back often and a month's term is dear, so the last days seen are remembered. */
static void find_months(const int64_t *times_us, size_t count, int64_t *months)
{
    struct {
        int64_t day;
        term month;
    } seen[256];
    for (size_t i = 0; i < 256; i++) seen[i].day = COLUMN_NULL;
    for (size_t i = 0; i < count; i++) {
        if (times_us[i] == COLUMN_NULL) {
            months[i] = COLUMN_NULL;
            continue;
        }
        int64_t day = days_of_timestamp(times_us[i]);
        size_t place = (size_t)day & 255;
        if (seen[place].day != day) {
            seen[place].day = day;
            seen[place].month = month_of(day);
        }
        months[i] = seen[place].month;
    }
}

static bool multiply(const struct kpi_column *column, const int64_t *a, const int64_t *b, size_t count, int64_t *values,
                     struct error *error)
{
    bool wrapped = false;
    for (size_t i = 0; i < count; i++) {
        int64_t product;
        bool null = a[i] == COLUMN_NULL || b[i] == COLUMN_NULL;
        wrapped |= __builtin_mul_overflow(a[i], b[i], &product) & !null;
        values[i] = null ? COLUMN_NULL : product;
    }
    if (!wrapped) return true;
    for (size_t i = 0; i < count; i++) {
        int64_t product;
        if (a[i] == COLUMN_NULL || b[i] == COLUMN_NULL || !__builtin_mul_overflow(a[i], b[i], &product)) continue;
        return error_set(error, ERROR_LIMIT, "column \"%s\": %lld times %lld does not fit 64 bits", column->name,
                         (long long)a[i], (long long)b[i]);
    }
    return true;
}

bool rows_operate(const struct kpi_column *column, const int64_t *a, const int64_t *b, size_t count, int64_t *values,
                  struct error *error)
{
    switch (column->operator) {
    case OPERATOR_DATE:
        for (size_t i = 0; i < count; i++) values[i] = a[i] == COLUMN_NULL ? COLUMN_NULL : days_of_timestamp(a[i]);
        return true;
    case OPERATOR_MONTH:
        find_months(a, count, values);
        return true;
    case OPERATOR_SECONDS:
        for (size_t i = 0; i < count; i++) {
            values[i] = a[i] == COLUMN_NULL || b[i] == COLUMN_NULL ? COLUMN_NULL : (b[i] - a[i]) / 1000000;
        }
        return true;
    default:
        return multiply(column, a, b, count, values, error);
    }
}

bool rows_evaluate(const struct kpi_dataset *dataset, int column, const struct batch *batch, size_t from, size_t count,
                   int64_t *values, struct error *error)
{
    const struct kpi_column *c = &dataset->columns[column];
    if (c->operator== OPERATOR_FIELD) {
        column_unpack(&batch->column[c->field], from, count, values);
        return true;
    }
    int64_t a[ROWS_PORTION], b[ROWS_PORTION];
    if (!rows_evaluate(dataset, c->argument[0], batch, from, count, a, error)) return false;
    if (c->argument[1] >= 0 && !rows_evaluate(dataset, c->argument[1], batch, from, count, b, error)) return false;
    return rows_operate(c, a, b, count, values, error);
}

bool column_needs_parent(const struct kpi_dataset *dataset, int column)
{
    const struct kpi_column *c = &dataset->columns[column];
    if (c->operator== OPERATOR_PARENT) return true;
    for (int i = 0; i < 2; i++) {
        if (c->argument[i] >= 0 && column_needs_parent(dataset, c->argument[i])) return true;
    }
    return false;
}

/* Bounds of a packed column. False when all is null. */
static bool packed_bounds(const struct column *column, int64_t *low, int64_t *high)
{
    if (column->kind == COLUMN_ABSENT || (column->width == 0 && column->has_null)) return false;
    *low = column->base;
    *high = column->high;
    return true;
}

static int64_t saturate(__int128 value)
{
    if (value > INT64_MAX) return INT64_MAX;
    return value <= INT64_MIN ? INT64_MIN + 1 : (int64_t)value;
}

static bool combine_bounds(const struct kpi_column *column, const int64_t a[2], const int64_t b[2], int64_t *low,
                           int64_t *high)
{
    __int128 corner[4] = {(__int128)a[0] * b[0], (__int128)a[0] * b[1], (__int128)a[1] * b[0], (__int128)a[1] * b[1]};
    if (column->operator== OPERATOR_DATE) {
        *low = days_of_timestamp(a[0]);
        *high = days_of_timestamp(a[1]);
    } else if (column->operator== OPERATOR_MULTIPLY) {
        __int128 least = corner[0], most = corner[0];
        for (int i = 1; i < 4; i++) {
            least = corner[i] < least ? corner[i] : least;
            most = corner[i] > most ? corner[i] : most;
        }
        *low = saturate(least);
        *high = saturate(most);
    } else if (column->operator== OPERATOR_SECONDS) {
        *low = saturate(((__int128)b[0] - a[1]) / 1000000 - 1);
        *high = saturate(((__int128)b[1] - a[0]) / 1000000 + 1);
    } else {
        *low = INT64_MIN + 1;
        *high = INT64_MAX;
    }
    return true;
}

static bool batch_bounds(const struct batch *batch, const struct kpi_dataset *dataset, int column, int64_t *low,
                         int64_t *high)
{
    const struct kpi_column *c = &dataset->columns[column];
    if (c->operator== OPERATOR_FIELD) return packed_bounds(&batch->column[c->field], low, high);
    int64_t a[2], b[2] = {0, 0};
    if (!batch_bounds(batch, dataset, c->argument[0], &a[0], &a[1])) return false;
    if (c->argument[1] >= 0 && !batch_bounds(batch, dataset, c->argument[1], &b[0], &b[1])) return false;
    return combine_bounds(c, a, b, low, high);
}

bool row_list_bounds(const struct row_list *list, const struct kpi_dataset *dataset, int column, int64_t *low,
                     int64_t *high)
{
    bool any = false;
    for (size_t i = 0; i < list->count; i++) {
        int64_t least, most;
        if (!batch_bounds(list->items[i].batch, dataset, column, &least, &most)) continue;
        *low = !any || least < *low ? least : *low;
        *high = !any || most > *high ? most : *high;
        any = true;
    }
    return any;
}

bool row_list_field_bounds(const struct row_list *list, int field, int64_t *low, int64_t *high, int64_t *unit)
{
    bool any = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct column *column = &list->items[i].batch->column[field];
        int64_t least, most;
        if (!packed_bounds(column, &least, &most)) continue;
        /* whole seconds from a base that is none are whole seconds from another such base only by chance */
        int64_t own = column->unit > 1 && least % column->unit == 0 ? column->unit : 1;
        *low = !any || least < *low ? least : *low;
        *high = !any || most > *high ? most : *high;
        *unit = !any || own < *unit ? own : *unit;
        any = true;
    }
    return any;
}

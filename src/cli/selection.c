#include "cli/selection.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/column.h"

enum { FIRST_ROOM = 64 };

/* Values of a row, and its number of arrival behind them. */
static size_t stride(const struct selection *selection)
{
    return selection->columns + 1;
}

static int64_t *row_at(const struct selection *selection, size_t index)
{
    return selection->rows + index * stride(selection);
}

bool selection_init(struct selection *selection, size_t columns, size_t most, size_t by, bool least_first,
                    struct error *error)
{
    *selection = (struct selection){.columns = columns, .most = most, .by = by, .least_first = least_first};
    selection->capacity = most < FIRST_ROOM ? most : FIRST_ROOM;
    selection->rows = memory_array(selection->capacity * stride(selection), sizeof *selection->rows, error);
    return selection->rows != NULL;
}

void selection_free(struct selection *selection)
{
    memory_free(selection->rows);
    *selection = (struct selection){0};
}

/* Whether row `a` comes before row `b` in the result. */
static bool is_better(const struct selection *selection, const int64_t *a, const int64_t *b)
{
    int64_t x = a[selection->by], y = b[selection->by];
    if (x == y) return a[selection->columns] < b[selection->columns];
    if (x == COLUMN_NULL || y == COLUMN_NULL) return y == COLUMN_NULL;
    return selection->least_first ? x < y : x > y;
}

static void swap_rows(struct selection *selection, size_t a, size_t b)
{
    int64_t *x = row_at(selection, a), *y = row_at(selection, b);
    for (size_t i = 0; i < stride(selection); i++) {
        int64_t kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

/* Moves the row at `index` down until no row under it, among the first `count`, is worse. */
static void sift_down(struct selection *selection, size_t index, size_t count)
{
    for (;;) {
        size_t worst = index;
        for (size_t child = 2 * index + 1; child <= 2 * index + 2 && child < count; child++)
            if (is_better(selection, row_at(selection, worst), row_at(selection, child))) worst = child;
        if (worst == index) return;
        swap_rows(selection, index, worst);
        index = worst;
    }
}

static void sift_up(struct selection *selection, size_t index)
{
    while (index > 0 && is_better(selection, row_at(selection, (index - 1) / 2), row_at(selection, index))) {
        swap_rows(selection, index, (index - 1) / 2);
        index = (index - 1) / 2;
    }
}

/* Room for one more row, at most `most` in all. */
static bool make_room(struct selection *selection, struct error *error)
{
    if (selection->count < selection->capacity) return true;
    size_t capacity = selection->capacity < selection->most / 2 ? selection->capacity * 2 : selection->most;
    int64_t *rows = memory_resize(selection->rows, capacity * stride(selection), sizeof *rows, error);
    if (rows == NULL) return false;
    selection->rows = rows;
    selection->capacity = capacity;
    return true;
}

static void put_row(struct selection *selection, size_t index, const int64_t *values)
{
    int64_t *row = row_at(selection, index);
    memcpy(row, values, selection->columns * sizeof *values);
    row[selection->columns] = selection->seen;
}

bool selection_add(struct selection *selection, const int64_t *values, struct error *error)
{
    if (selection->count < selection->most) {
        if (!make_room(selection, error)) return false;
        put_row(selection, selection->count++, values);
        sift_up(selection, selection->count - 1);
    } else {
        const int64_t *worst = row_at(selection, 0);
        int64_t x = values[selection->by], y = worst[selection->by];
        bool better = x != y && x != COLUMN_NULL && (y == COLUMN_NULL || (selection->least_first ? x < y : x > y));
        if (better) {
            put_row(selection, 0, values);
            sift_down(selection, 0, selection->count);
        }
    }
    selection->seen++;
    return true;
}

void selection_sort(struct selection *selection)
{
    for (size_t left = selection->count; left > 1; left--) {
        swap_rows(selection, 0, left - 1);
        sift_down(selection, 0, left - 1);
    }
}

const int64_t *selection_row(const struct selection *selection, size_t index)
{
    return row_at(selection, index);
}

#include "task/check_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

#define ROWS 300

/* Keys of rows 2 … in order, and which of them are rejected. */
struct table {
    size_t width;
    int64_t keys[ROWS][2];
    bool rejected[ROWS];
};

/* The rows as the functions under test take them; release_rows afterwards. */
static struct keyed_rows rows_of(const struct table *table, uint64_t rejected_rows[ROWS])
{
    struct keyed_rows rows = {.valid.width = table->width, .rejected.width = table->width};
    for (size_t i = 0; i < ROWS; i++) {
        struct key_list *list = table->rejected[i] ? &rows.rejected : &rows.valid;
        int64_t *room = key_list_room(list, 1, NULL);
        assert_non_null(room);
        memcpy(room, table->keys[i], table->width * sizeof *room);
        list->count++;
        if (table->rejected[i]) rejected_rows[rows.rejected_count++] = i + 2;
    }
    rows.rejected_rows = rejected_rows;
    return rows;
}

static void release_rows(struct keyed_rows *rows)
{
    key_list_free(&rows->valid);
    key_list_free(&rows->rejected);
}

static bool is_null(const struct table *table, size_t i)
{
    return table->keys[i][0] == COLUMN_NULL || (table->width > 1 && table->keys[i][1] == COLUMN_NULL);
}

static bool is_same(const struct table *table, size_t i, const int64_t *key)
{
    return memcmp(table->keys[i], key, table->width * sizeof *key) == 0;
}

static void fill(struct table *table, struct random *random, int64_t spread, size_t width)
{
    table->width = width;
    for (size_t i = 0; i < ROWS; i++) {
        table->rejected[i] = random_below(random, 5) == 0;
        for (size_t f = 0; f < 2; f++)
            table->keys[i][f] = random_below(random, 20) == 0
                                    ? COLUMN_NULL
                                    : (int64_t)random_below(random, width == 1 ? 250 : 16) * spread - 5;
    }
}

/* Every pair of rows looked at. */
static void check_repeated(const struct table *table)
{
    uint64_t rejected_rows[ROWS];
    struct error error = {0};
    struct key_breaks breaks = {0};
    struct keyed_rows rows = rows_of(table, rejected_rows);
    assert_true(keys_find_repeated(&rows, 7, &breaks, &error));
    key_breaks_sort(&breaks);
    size_t next = 0;
    for (size_t i = 0; i < ROWS; i++) {
        size_t first = 0;
        while (first < i && !is_same(table, first, table->keys[i])) first++;
        if (first == i || is_null(table, i)) continue;
        assert_true(next < breaks.count);
        assert_int_equal(breaks.items[next].row, i + 2);
        assert_int_equal(breaks.items[next].first_row, first + 2);
        assert_int_equal(breaks.items[next++].set, 7);
    }
    assert_int_equal(next, breaks.count);
    key_breaks_free(&breaks);
    release_rows(&rows);
}

static void check_dangling(const struct table *table, struct random *random)
{
    uint64_t rejected_rows[ROWS];
    struct error error = {0};
    struct key_breaks breaks = {0};
    struct keyed_rows rows = rows_of(table, rejected_rows);
    struct key_list foreign = {.width = table->width};
    for (size_t i = 0; i < ROWS; i++) {
        if (is_null(table, i) || random_below(random, 3) == 0) continue;
        int64_t *room = key_list_room(&foreign, 1, &error);
        memcpy(room, table->keys[i], table->width * sizeof *room);
        foreign.count++;
    }
    assert_true(keys_find_dangling(&rows, &foreign, 3, &breaks, &error));
    size_t next = 0;
    for (size_t i = 0; i < ROWS; i++) {
        bool found = is_null(table, i);
        for (size_t f = 0; f < foreign.count; f++)
            found = found || is_same(table, i, foreign.values + f * table->width);
        if (found) continue;
        assert_true(next < breaks.count);
        assert_int_equal(breaks.items[next++].row, i + 2);
    }
    assert_int_equal(next, breaks.count);
    key_breaks_free(&breaks);
    key_list_free(&foreign);
    release_rows(&rows);
}

/* Close numbers, numbers far apart, and keys of two fields, against looking at every pair. */
static void keys_agree_with_looking_at_all_pairs(void **state)
{
    (void)state;
    static const int64_t spreads[] = {1, -3, INT64_C(1) << 40, -(INT64_C(1) << 54)};
    struct random random;
    random_seed(&random, 11);
    for (int round = 0; round < 60; round++) {
        struct table table;
        fill(&table, &random, spreads[round % 4], 1 + (size_t)(round / 4) % 2);
        check_repeated(&table);
        check_dangling(&table, &random);
    }
}

static void nothing_is_no_key(void **state)
{
    (void)state;
    struct error error = {0};
    struct key_breaks breaks = {0};
    struct key_list foreign = {.width = 1};
    struct keyed_rows rows = {.valid.width = 1, .rejected.width = 1};
    assert_true(keys_find_repeated(&rows, 0, &breaks, &error));
    assert_true(keys_find_dangling(&rows, &foreign, 0, &breaks, &error));
    assert_int_equal(breaks.count, 0);
}

static bool find_all(void *context, struct error *error)
{
    (void)context;
    struct keyed_rows rows = {.valid.width = 1, .rejected.width = 1};
    struct key_list foreign = {.width = 1};
    struct key_breaks breaks = {0};
    int64_t *room = key_list_room(&rows.valid, 3, error);
    bool good = room != NULL;
    if (good) {
        memcpy(room, (int64_t[]){5, INT64_MAX, 5}, 3 * sizeof *room);
        rows.valid.count = 3;
    }
    good =
        good && keys_find_repeated(&rows, 0, &breaks, error) && keys_find_dangling(&rows, &foreign, 1, &breaks, error);
    assert_true(!good || breaks.count == 4);
    key_breaks_free(&breaks);
    key_list_free(&rows.valid);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    torture_walk(find_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_agree_with_looking_at_all_pairs),
        cmocka_unit_test(nothing_is_no_key),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

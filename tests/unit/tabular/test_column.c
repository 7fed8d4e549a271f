#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "tabular/column.h"

/* Packs, unpacks from a few places, and compares. */
static void assert_round_trip(enum column_kind kind, const int64_t *values, size_t rows, struct column *packed)
{
    struct error error = {0};
    assert_true(column_pack(packed, kind, values, rows, &error));
    int64_t *back = memory_array(rows + 1, sizeof *back, &error);
    assert_non_null(back);
    for (size_t from = 0; from <= rows; from += 1 + rows / 3) {
        column_unpack(packed, from, rows - from, back);
        for (size_t i = from; i < rows; i++) assert_int_equal(back[i - from], values[i]);
    }
    memory_free(back);
}

static void expect_width(enum column_kind kind, const int64_t *values, size_t rows, unsigned width)
{
    struct column column;
    assert_round_trip(kind, values, rows, &column);
    assert_int_equal(column.width, width);
    column_free(&column);
}

static void test_width_follows_the_span(void **state)
{
    (void)state;
    expect_width(COLUMN_INTEGER, (int64_t[]){7, 7, 7}, 3, 0);
    expect_width(COLUMN_INTEGER, (int64_t[]){COLUMN_NULL, COLUMN_NULL}, 2, 0);
    expect_width(COLUMN_INTEGER, (int64_t[]){7, COLUMN_NULL}, 2, 1);
    expect_width(COLUMN_INTEGER, (int64_t[]){1000, 1255}, 2, 1);
    expect_width(COLUMN_INTEGER, (int64_t[]){1000, 1255, COLUMN_NULL}, 3, 2);
    expect_width(COLUMN_INTEGER, (int64_t[]){1000, 1256}, 2, 2);
    expect_width(COLUMN_INTEGER, (int64_t[]){-1, 65534}, 2, 2);
    expect_width(COLUMN_INTEGER, (int64_t[]){-1, 65534, COLUMN_NULL}, 3, 4);
    expect_width(COLUMN_INTEGER, (int64_t[]){0, UINT32_MAX}, 2, 4);
    expect_width(COLUMN_INTEGER, (int64_t[]){0, UINT32_MAX, COLUMN_NULL}, 3, 8);
    expect_width(COLUMN_INTEGER, (int64_t[]){INT64_MIN + 1, INT64_MAX, COLUMN_NULL}, 3, 8);
}

static void test_whole_seconds_take_the_larger_unit(void **state)
{
    (void)state;
    struct column column;
    const int64_t second = 1000000;
    assert_round_trip(COLUMN_TIMESTAMP, (int64_t[]){-5 * second, 250 * second, COLUMN_NULL}, 3, &column);
    assert_int_equal(column.unit, second);
    assert_int_equal(column.width, 2);
    column_free(&column);
    assert_round_trip(COLUMN_TIMESTAMP, (int64_t[]){0, second + 1}, 2, &column);
    assert_int_equal(column.unit, 1);
    column_free(&column);
}

static void test_no_rows(void **state)
{
    (void)state;
    expect_width(COLUMN_TERM, NULL, 0, 0);
}

static void test_absent_gives_nulls(void **state)
{
    (void)state;
    int64_t values[2] = {1, 2};
    column_unpack(&(struct column){.kind = COLUMN_ABSENT}, 10, 2, values);
    assert_int_equal(values[0], COLUMN_NULL);
    assert_int_equal(values[1], COLUMN_NULL);
}

static void test_random_columns(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 1);
    static const enum column_kind kinds[] = {COLUMN_TERM, COLUMN_DECIMAL, COLUMN_TIMESTAMP};
    for (int round = 0; round < 600; round++) {
        int64_t values[200];
        size_t rows = 1 + random_below(&random, 200);
        unsigned bits = 1 + (unsigned)random_below(&random, 63);
        int64_t unit = random_below(&random, 2) == 0 || bits > 40 ? 1 : 1000000;
        for (size_t i = 0; i < rows; i++) {
            values[i] = ((int64_t)(random_next(&random) >> (64 - bits)) - 1000) * unit;
            if (round % 2 == 0 && random_below(&random, 10) == 0) values[i] = COLUMN_NULL;
        }
        struct column column;
        assert_round_trip(kinds[round % 3], values, rows, &column);
        column_free(&column);
    }
}

static void test_text_and_lines(void **state)
{
    (void)state;
    char bytes[] = "abcde";
    uint32_t starts[] = {0, 2, 2, 5};
    uint64_t nulls = 2;
    struct column column = {.kind = COLUMN_TEXT, .starts = starts, .bytes = bytes, .nulls = &nulls};
    assert_true(str_is(column_text(&column, 0), "ab"));
    assert_null(column_text(&column, 1).data);
    assert_true(str_is(column_text(&column, 2), "cde"));
    column.nulls = NULL;
    assert_non_null(column_text(&column, 1).data);
    struct batch batch = {.first_line = 10};
    assert_int_equal(batch_line(&batch, 3), 13);
    batch.lines = (uint32_t[]){0, 4};
    assert_int_equal(batch_line(&batch, 1), 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width_follows_the_span),
        cmocka_unit_test(test_whole_seconds_take_the_larger_unit),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_absent_gives_nulls),
        cmocka_unit_test(test_random_columns),
        cmocka_unit_test(test_text_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

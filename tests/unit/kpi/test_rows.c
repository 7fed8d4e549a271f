/* Values of columns, against the C library's calendar and wide arithmetic, and what is known of rows. */
#include <stdio.h>
#include <time.h>

#include "base/random.h"
#include "support/shop.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static struct shop shop;

static int open_shop(void **state)
{
    (void)state;
    shop_open(&shop, shop_kpis);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(&shop);
    return 0;
}

/* Values of a column over rows whose other fields do not matter. */
static bool evaluate(int dataset, const char *column, const int64_t *values, size_t rows, int64_t *out,
                     struct error *error)
{
    const struct kpi_dataset *d = &shop.spec->datasets[dataset];
    struct batch *batch = shop_batch(d, values, rows);
    bool good = true;
    for (size_t from = 0; good && from < rows; from += ROWS_PORTION) {
        size_t count = rows - from < ROWS_PORTION ? rows - from : ROWS_PORTION;
        good = rows_evaluate(d, kpi_column_find(d, column), batch, from, count, out + from, error);
    }
    batch_free(batch);
    return good;
}

/* The month as the C library tells it. */
static int64_t month_of(int64_t time_us)
{
    time_t seconds = (time_t)(time_us >= 0 ? time_us / SECOND : -((-time_us + SECOND - 1) / SECOND));
    struct tm civil;
    char text[40];
    gmtime_r(&seconds, &civil);
    snprintf(text, sizeof text, "%04d-%02d", civil.tm_year + 1900, civil.tm_mon + 1);
    return term_find(NULL, str_of(text));
}

static int64_t moment(int year, int month, int day, int64_t us)
{
    struct tm civil = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return (int64_t)timegm(&civil) * SECOND + us;
}

static void days_and_months(void **state)
{
    (void)state;
    struct error error = {0};
    struct random random;
    static int64_t values[4000 * ORDER_FIELDS], days[4000], months[4000];
    const int64_t edges[] = {0,
                             -1,
                             1,
                             DAY - 1,
                             DAY,
                             -DAY,
                             -DAY - 1,
                             moment(2024, 2, 29, 0),
                             moment(2024, 2, 29, DAY - 1),
                             moment(2024, 3, 1, 0),
                             moment(2023, 2, 28, DAY - 1),
                             moment(2000, 2, 29, 5),
                             moment(1900, 2, 28, DAY - 1),
                             moment(1900, 3, 1, 0),
                             moment(1969, 12, 31, DAY - 1),
                             moment(1, 1, 1, 0),
                             moment(9999, 12, 31, DAY - 1),
                             COLUMN_NULL};
    size_t edge_count = sizeof edges / sizeof *edges, rows = 4000;
    random_seed(&random, 23);
    for (size_t i = 0; i < rows; i++) {
        int64_t *row = values + i * ORDER_FIELDS;
        row[ORDER_ID] = (int64_t)i;
        row[ORDER_CREATED] = i < edge_count ? edges[i]
                             : i % 3 ? moment(1, 1, 1, 0) + (int64_t)random_below(&random, 3652059 * (uint64_t)DAY)
                                     : (int64_t)random_below(&random, 300 * (uint64_t)DAY);
        row[ORDER_SHIPPED] = row[ORDER_STATUS] = row[ORDER_NOTE] = COLUMN_NULL;
    }
    assert_true(evaluate(ORDERS, "day", values, rows, days, &error));
    assert_true(evaluate(ORDERS, "month", values, rows, months, &error));
    for (size_t i = 0; i < rows; i++) {
        int64_t created = values[i * ORDER_FIELDS + ORDER_CREATED];
        if (created == COLUMN_NULL) {
            assert_int_equal(days[i], COLUMN_NULL);
            assert_int_equal(months[i], COLUMN_NULL);
            continue;
        }
        assert_true(days[i] * (__int128)DAY <= created && created < (days[i] + 1) * (__int128)DAY);
        assert_int_equal(months[i], month_of(created));
    }
}

static void seconds_need_both_ends(void **state)
{
    (void)state;
    struct error error = {0};
    const int64_t noon = moment(2025, 3, 1, 43200 * SECOND), null = COLUMN_NULL;
    const int64_t values[] = {
        1, noon, noon + 90 * SECOND, null, null, 2, noon,     null, null, null, 3, noon, noon - 30 * SECOND, null, null,
        4, noon, noon + 1999999,     null, null, 5, noon - 1, noon, null, null};
    int64_t seconds[5];
    assert_true(evaluate(ORDERS, "seconds", values, 5, seconds, &error));
    assert_int_equal(seconds[0], 90);
    assert_int_equal(seconds[1], COLUMN_NULL);
    assert_int_equal(seconds[2], -30);
    assert_int_equal(seconds[3], 1); /* whole seconds that have passed */
    assert_int_equal(seconds[4], 0);
}

static void products_are_exact(void **state)
{
    (void)state;
    struct error error = {0};
    struct random random;
    static int64_t values[3000 * LINE_FIELDS], totals[3000];
    random_seed(&random, 31);
    for (size_t i = 0; i < 3000; i++) {
        int64_t *row = values + i * LINE_FIELDS, null = COLUMN_NULL;
        row[LINE_ID] = (int64_t)i;
        row[LINE_ORDER] = row[LINE_PRODUCT] = 1;
        row[LINE_PRICE] =
            random_below(&random, 9) ? (int64_t)random_below(&random, UINT64_C(1) << 40) - (INT64_C(1) << 39) : null;
        row[LINE_QUANTITY] = random_below(&random, 9) ? (int64_t)random_below(&random, 1 << 22) : null;
    }
    assert_true(evaluate(LINES, "total", values, 3000, totals, &error));
    for (size_t i = 0; i < 3000; i++) {
        const int64_t *row = values + i * LINE_FIELDS;
        bool null = row[LINE_PRICE] == COLUMN_NULL || row[LINE_QUANTITY] == COLUMN_NULL;
        assert_true(totals[i] == (null ? COLUMN_NULL : row[LINE_PRICE] * row[LINE_QUANTITY]));
    }
}

static void a_product_that_does_not_fit_is_told(void **state)
{
    (void)state;
    struct error error = {0};
    int64_t total, row[] = {1, 1, 1, INT64_C(4000000000), INT64_C(4000000000)};
    assert_false(evaluate(LINES, "total", row, 1, &total, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "\"total\""));
    assert_non_null(strstr(error.message, "4000000000 times 4000000000"));
    row[LINE_PRICE] = INT64_MIN + 1;
    row[LINE_QUANTITY] = -2;
    assert_false(evaluate(LINES, "total", row, 1, &total, &error));
    row[LINE_QUANTITY] = -1;
    assert_true(evaluate(LINES, "total", row, 1, &total, &error));
    assert_int_equal(total, INT64_MAX);
}

/* A column is never outside of what is told of it beforehand. */
static void bounds_hold_all_values(void **state)
{
    (void)state;
    struct error error = {0};
    struct random random;
    static const char *const names[] = {"day", "month", "seconds", "created", "status"};
    const struct kpi_dataset *orders = &shop.spec->datasets[ORDERS];
    random_seed(&random, 41);
    for (int round = 0; round < 200; round++) {
        struct row_list list = {0};
        for (size_t b = 0; b < 1 + random_below(&random, 3); b++) {
            int64_t values[20 * ORDER_FIELDS];
            size_t rows = random_below(&random, 20);
            for (size_t i = 0; i < rows * ORDER_FIELDS; i++) {
                values[i] =
                    random_below(&random, 4) ? (int64_t)random_below(&random, 2000000 * (uint64_t)SECOND) : COLUMN_NULL;
            }
            shop_add(&list, orders, values, rows, 1);
        }
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            int column = kpi_column_find(orders, names[n]);
            int64_t low = 0, high = -1;
            bool known = row_list_bounds(&list, orders, column, &low, &high);
            for (size_t item = 0; item < list.count; item++) {
                int64_t out[20];
                assert_true(rows_evaluate(orders, column, list.items[item].batch, 0, list.items[item].batch->rows, out,
                                          &error));
                for (size_t i = 0; i < list.items[item].batch->rows; i++) {
                    assert_true(out[i] == COLUMN_NULL || (known && out[i] >= low && out[i] <= high));
                }
            }
        }
        row_list_free(&list);
    }
}

static void the_unit_divides_all_values(void **state)
{
    (void)state;
    const struct kpi_dataset *orders = &shop.spec->datasets[ORDERS];
    const int64_t whole[] = {1, 5 * SECOND, COLUMN_NULL, 1, 1}, more[] = {2, -7 * SECOND, COLUMN_NULL, 1, 1},
                  broken[] = {3, 5 * SECOND + 1, COLUMN_NULL, 1, 1};
    int64_t low, high, unit;
    struct row_list list = {0};
    assert_false(row_list_field_bounds(&list, ORDER_CREATED, &low, &high, &unit));
    shop_add(&list, orders, whole, 1, 1);
    shop_add(&list, orders, more, 1, 1);
    assert_true(row_list_field_bounds(&list, ORDER_CREATED, &low, &high, &unit));
    assert_int_equal(low, -7 * SECOND);
    assert_int_equal(high, 5 * SECOND);
    assert_true(unit == 1 || unit == SECOND);
    assert_false(row_list_field_bounds(&list, ORDER_SHIPPED, &low, &high, &unit));
    shop_add(&list, orders, broken, 1, 1);
    assert_true(row_list_field_bounds(&list, ORDER_CREATED, &low, &high, &unit));
    assert_int_equal(unit, 1);
    assert_int_equal(high, 5 * SECOND + 1);
    row_list_free(&list);
}

static void rows_know_where_they_came_from(void **state)
{
    (void)state;
    struct error error = {0};
    int64_t values[130 * ORDER_FIELDS] = {0};
    struct row_list list = {0};
    shop_add(&list, &shop.spec->datasets[ORDERS], values, 130, 42);
    struct rows *rows = &list.items[0];
    assert_int_equal(rows_source(rows, 129), 42);
    assert_int_equal(rows_line(rows, 0), 2);
    assert_int_equal(rows_line(rows, 129), 131);
    assert_int_equal(row_list_live(&list), 130);
    assert_false(rows_is_dead(rows, 64));
    static const size_t killed[] = {0, 63, 64, 129, 64};
    for (size_t i = 0; i < 5; i++) assert_true(rows_kill(rows, killed[i], &error));
    assert_true(rows_is_dead(rows, 0) && rows_is_dead(rows, 64) && rows_is_dead(rows, 129) && !rows_is_dead(rows, 1));
    assert_int_equal(row_list_live(&list), 126);
    row_list_free(&list);
    assert_int_equal(list.count, 0);
}

static void parents_are_known_by_the_spec(void **state)
{
    (void)state;
    const struct kpi_dataset *lines = &shop.spec->datasets[LINES];
    assert_true(column_needs_parent(lines, kpi_column_find(lines, "day")));
    assert_true(column_needs_parent(lines, kpi_column_find(lines, "spent")));
    assert_false(column_needs_parent(lines, kpi_column_find(lines, "total")));
    assert_false(column_needs_parent(lines, kpi_column_find(lines, "price")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_months),
        cmocka_unit_test(seconds_need_both_ends),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(a_product_that_does_not_fit_is_told),
        cmocka_unit_test(bounds_hold_all_values),
        cmocka_unit_test(the_unit_divides_all_values),
        cmocka_unit_test(rows_know_where_they_came_from),
        cmocka_unit_test(parents_are_known_by_the_spec),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}

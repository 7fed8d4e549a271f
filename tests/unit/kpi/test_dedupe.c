/* Deduplication against a model that looks at every pair of rows. */
#include <stdio.h>

#include "base/random.h"
#include "kpi/dedupe.h"
#include "support/shop.h"
#include "support/torture.h"

#define MOST_ROWS 1200

struct model_row {
    int64_t values[ORDER_FIELDS];
    bool dead;
    bool differs; /* from the row that stands */
};

static int64_t version_of(const struct model_row *row)
{
    int64_t created = row->values[ORDER_CREATED], shipped = row->values[ORDER_SHIPPED];
    return created > shipped ? created : shipped;
}

/* Whether `later` (which arrived later) takes the place of `row`. */
static bool gives_way(const struct model_row *row, const struct model_row *later)
{
    return version_of(later) >= version_of(row);
}

static void judge(struct model_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t winner = i;
        for (size_t j = 0; j < count; j++) {
            if (rows[j].values[ORDER_ID] != rows[i].values[ORDER_ID]) continue;
            bool beats = j > winner ? gives_way(&rows[winner], &rows[j]) : !gives_way(&rows[j], &rows[winner]);
            if (j != winner && beats) winner = j;
        }
        rows[i].dead = winner != i;
        rows[i].differs = memcmp(rows[i].values, rows[winner].values, sizeof rows[i].values) != 0;
    }
}

static void draw(struct random *random, struct model_row *row, bool sparse)
{
    int64_t key = (int64_t)random_below(random, 400);
    row->values[ORDER_ID] = sparse ? key * INT64_C(0x0123456789ABCD) : key;
    row->values[ORDER_CREATED] = (int64_t)random_below(random, 4) * 1000000;
    row->values[ORDER_SHIPPED] = random_below(random, 2) ? COLUMN_NULL : (int64_t)random_below(random, 6) * 1000000 + 1;
    row->values[ORDER_STATUS] = random_below(random, 4) ? (int64_t)random_below(random, 2) : COLUMN_NULL;
    row->values[ORDER_NOTE] = random_below(random, 4) ? (int64_t)random_below(random, 2) : COLUMN_NULL;
}

static void compare(const struct row_list *list, const struct model_row *rows, const struct dedupe_result *result)
{
    uint64_t dead = 0, differing = 0, live = 0;
    size_t at = 0;
    for (size_t item = 0; item < list->count; item++) {
        for (size_t row = 0; row < list->items[item].batch->rows; row++, at++) {
            assert_int_equal(rows_is_dead(&list->items[item], row), rows[at].dead);
            dead += rows[at].dead;
            live += !rows[at].dead;
            differing += rows[at].dead && rows[at].differs;
        }
    }
    assert_int_equal(result->duplicates, dead);
    assert_int_equal(result->differing, differing);
    assert_int_equal(row_list_live(list), live);
}

static void the_newest_stands(void **state)
{
    (void)state;
    static struct model_row rows[MOST_ROWS];
    struct error error = {0};
    struct random random;
    struct shop shop;
    shop_open(&shop, shop_kpis);
    const struct kpi_dataset *orders = &shop.spec->datasets[ORDERS];
    random_seed(&random, 17);
    for (int round = 0; round < 60; round++) {
        struct row_list list = {0};
        struct dedupe_result result;
        size_t count = 0, wanted = random_below(&random, round < 30 ? 20 : MOST_ROWS);
        while (count < wanted) {
            int64_t values[MOST_ROWS * ORDER_FIELDS];
            size_t rows_here = random_below(&random, wanted - count + 1);
            for (size_t i = 0; i < rows_here; i++) {
                draw(&random, &rows[count + i], round % 2);
                memcpy(values + i * ORDER_FIELDS, rows[count + i].values, sizeof rows[0].values);
            }
            shop_add(&list, orders, values, rows_here, 1);
            count += rows_here;
        }
        judge(rows, count);
        assert_true(dedupe_rows(orders, &list, &result, &error));
        compare(&list, rows, &result);
        row_list_free(&list);
    }
    shop_close(&shop);
}

/* Without version fields the row that arrived later stands. */
static void without_versions_the_later_stands(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    struct row_list list = {0};
    struct dedupe_result result;
    shop_open(&shop, shop_kpis);
    const struct kpi_dataset *products = &shop.spec->datasets[PRODUCTS];
    const int64_t first[] = {7, 1, 100, 1, 8, 1, 100, 1}, second[] = {7, 2, 100, 1}, third[] = {8, 1, 100, 1};
    shop_add(&list, products, first, 2, 1);
    shop_add(&list, products, second, 1, 2);
    shop_add(&list, products, third, 1, 3);
    assert_int_equal(row_version(products, list.items[0].batch, 0), COLUMN_NULL);
    assert_true(dedupe_rows(products, &list, &result, &error));
    assert_int_equal(result.duplicates, 2);
    assert_int_equal(result.differing, 1);
    assert_true(rows_is_dead(&list.items[0], 0) && rows_is_dead(&list.items[0], 1));
    assert_false(rows_is_dead(&list.items[1], 0) || rows_is_dead(&list.items[2], 0));
    row_list_free(&list);
    shop_close(&shop);
}

static void rows_are_compared_field_by_field(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, shop_kpis);
    const struct kpi_dataset *orders = &shop.spec->datasets[ORDERS];
    int64_t values[] = {1, 5, COLUMN_NULL, 3, 4};
    struct batch *one = shop_batch(orders, values, 1);
    for (size_t f = 0; f < ORDER_FIELDS; f++) {
        int64_t kept = values[f];
        struct batch *same = shop_batch(orders, values, 1);
        values[f] = kept == COLUMN_NULL ? 9 : f == ORDER_NOTE ? COLUMN_NULL : kept + 1;
        struct batch *other = shop_batch(orders, values, 1);
        assert_true(rows_equal(one, 0, same, 0));
        assert_false(rows_equal(one, 0, other, 0));
        values[f] = kept;
        batch_free(same);
        batch_free(other);
    }
    batch_free(one);
    shop_close(&shop);
}

struct list_of {
    const struct kpi_dataset *dataset;
    struct batch *batch;
};

static bool dedupe_once(void *context, struct error *error)
{
    struct list_of *of = context;
    struct dedupe_result result;
    struct row_list list = {0};
    bool good = row_list_add(&list, (struct rows){.batch = of->batch, .borrowed = true}, error) &&
                dedupe_rows(of->dataset, &list, &result, error);
    row_list_free(&list);
    return good;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    static int64_t values[1400 * ORDER_FIELDS];
    struct shop shop;
    shop_open(&shop, shop_kpis);
    for (int64_t i = 0; i < 1400; i++) values[i * ORDER_FIELDS] = i % 700 * INT64_C(0x0123456789ABCD);
    struct list_of of = {.dataset = &shop.spec->datasets[ORDERS]};
    of.batch = shop_batch(of.dataset, values, 1400);
    torture_walk(dedupe_once, &of);
    batch_free(of.batch);
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_stands),
        cmocka_unit_test(without_versions_the_later_stands),
        cmocka_unit_test(rows_are_compared_field_by_field),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

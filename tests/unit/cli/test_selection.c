#include "cli/selection.h"

#include <stdlib.h>

#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"
#include "tabular/column.h"

enum { ROWS = 500, COLUMNS = 3, BY = 1 };

struct model_row {
    int64_t values[COLUMNS];
    int64_t number;
};

static bool model_least_first;

/* The order that selection.h promises, as a comparison for qsort. */
static int compare(const void *left, const void *right)
{
    const struct model_row *a = left, *b = right;
    int64_t x = a->values[BY], y = b->values[BY];
    if (x != y && x == COLUMN_NULL) return 1;
    if (x != y && y == COLUMN_NULL) return -1;
    if (x != y) return (x < y) == model_least_first ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static void equals_sorting_everything(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 7);
    for (int round = 0; round < 300; round++) {
        struct model_row rows[ROWS];
        size_t count = random_below(&random, ROWS + 1);
        size_t most = 1 + random_below(&random, round % 2 == 0 ? 10 : ROWS * 2);
        uint64_t range = 1 + random_below(&random, 100);
        struct selection selection;
        struct error error = {0};
        model_least_first = round % 3 == 0;
        assert_true(selection_init(&selection, COLUMNS, most, BY, model_least_first, &error));
        for (size_t i = 0; i < count; i++) {
            for (size_t c = 0; c < COLUMNS; c++) rows[i].values[c] = (int64_t)random_below(&random, range) - 50;
            if (random_below(&random, 8) == 0) rows[i].values[BY] = COLUMN_NULL;
            rows[i].number = (int64_t)i;
            assert_true(selection_add(&selection, rows[i].values, &error));
        }
        qsort(rows, count, sizeof rows[0], compare);
        selection_sort(&selection);
        assert_int_equal(selection.count, count < most ? count : most);
        for (size_t i = 0; i < selection.count; i++)
            assert_memory_equal(selection_row(&selection, i), rows[i].values, sizeof rows[i].values);
        selection_free(&selection);
    }
}

static bool select_some(void *context, struct error *error)
{
    (void)context;
    struct selection selection;
    bool good = selection_init(&selection, 1, 500, 0, false, error);
    for (int64_t i = 0; i < 600 && good; i++) good = selection_add(&selection, &i, error);
    selection_free(&selection);
    return good;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    torture_walk(select_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_sorting_everything),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

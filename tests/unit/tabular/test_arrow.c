#include <string.h>

#include "support/torture.h"
#include "tabular/arrow.h"

enum { NAME, COUNT, PRICE, DAY, GIFT, ABSENT, FIELDS };

static struct field fields[FIELDS] = {
    {.name = "name", .kind = COLUMN_TERM},
    {.name = "count", .kind = COLUMN_INTEGER},
    {.name = "price", .kind = COLUMN_DECIMAL, .scale = 2},
    {.name = "day", .type = FIELD_DATE, .kind = COLUMN_DATE},
    {.name = "gift", .kind = COLUMN_BOOLEAN},
    {.name = "absent", .kind = COLUMN_TEXT},
};

static const struct schema schema = {.fields = fields, .field_count = FIELDS};

/* Three rows of each column, the last one null; `terms` gets the names. */
static bool fill(struct column columns[FIELDS], struct terms *terms, struct error *error)
{
    term name = term_of(terms, str_of("a rather long name"), error);

    if (name == TERM_NULL) {
        return false;
    }
    const int64_t names[] = {name, 42, COLUMN_NULL};
    const int64_t counts[] = {INT64_MAX, INT64_MIN + 1, COLUMN_NULL};
    const int64_t prices[] = {-1, 1250, COLUMN_NULL};
    const int64_t days[] = {-1, 20000, COLUMN_NULL};
    const int64_t gifts[] = {0, 1, COLUMN_NULL};

    return column_pack(&columns[NAME], COLUMN_TERM, names, 3, error) &&
           column_pack(&columns[COUNT], COLUMN_INTEGER, counts, 3, error) &&
           column_pack(&columns[PRICE], COLUMN_DECIMAL, prices, 3, error) &&
           column_pack(&columns[DAY], COLUMN_DATE, days, 3, error) &&
           column_pack(&columns[GIFT], COLUMN_BOOLEAN, gifts, 3, error);
}

/* Exports the three rows, whose columns are gone after it. */
static bool export_rows(struct ArrowArray *out, struct error *error)
{
    struct column columns[FIELDS] = {0};
    const struct batch batch = {.rows = 3, .columns = FIELDS, .column = columns};
    struct terms *terms = terms_new(error);
    bool good = terms != NULL && fill(columns, terms, error) && arrow_batch_export(&schema, &batch, terms, out, error);

    for (size_t i = 0; i < FIELDS; i++) {
        column_free(&columns[i]);
    }
    terms_free(terms);
    return good;
}

static void test_schema(void **state)
{
    (void)state;
    static const char *const formats[FIELDS] = {"u", "l", "d:19,2", "tdD", "b", "u"};
    struct error error = {0};
    struct ArrowSchema exported;

    assert_true(arrow_schema_export(&schema, &exported, &error));
    assert_string_equal(exported.format, "+s");
    assert_int_equal(exported.n_children, FIELDS);
    for (size_t i = 0; i < FIELDS; i++) {
        assert_string_equal(exported.children[i]->format, formats[i]);
        assert_string_equal(exported.children[i]->name, fields[i].name);
        assert_int_equal(exported.children[i]->flags, ARROW_FLAG_NULLABLE);
    }
    exported.release(&exported);
    assert_null(exported.release);
}

static void test_values(void **state)
{
    (void)state;
    static const int32_t offsets[] = {0, 18, 20, 20};
    static const int64_t counts[] = {INT64_MAX, INT64_MIN + 1};
    static const int64_t prices[] = {-1, -1, 1250, 0};
    static const int32_t days[] = {-1, 20000};
    struct error error = {0};
    struct ArrowArray rows;

    assert_true(export_rows(&rows, &error));
    assert_int_equal(rows.length, 3);
    assert_int_equal(rows.n_children, FIELDS);
    assert_int_equal(rows.n_buffers, 1);
    assert_null(rows.buffers[0]);
    for (size_t i = 0; i < FIELDS; i++) {
        const unsigned char *valid = rows.children[i]->buffers[0];

        assert_int_equal(rows.children[i]->length, 3);
        assert_int_equal(rows.children[i]->null_count, i == ABSENT ? 3 : 1);
        assert_int_equal(*valid & 7, i == ABSENT ? 0 : 3);
    }
    assert_memory_equal(rows.children[NAME]->buffers[1], offsets, sizeof offsets);
    assert_memory_equal(rows.children[NAME]->buffers[2], "a rather long name42", 20);
    assert_memory_equal(rows.children[COUNT]->buffers[1], counts, sizeof counts);
    assert_memory_equal(rows.children[PRICE]->buffers[1], prices, sizeof prices);
    assert_memory_equal(rows.children[DAY]->buffers[1], days, sizeof days);
    assert_int_equal(*(const unsigned char *)rows.children[GIFT]->buffers[1] & 3, 2);
    rows.release(&rows);
    assert_null(rows.release);
}

/* The standard lets a consumer move a child away and release it after its parent. */
static void test_moved_child(void **state)
{
    (void)state;
    struct error error = {0};
    struct ArrowArray rows;

    assert_true(export_rows(&rows, &error));
    struct ArrowArray child = *rows.children[DAY];

    rows.children[DAY]->release = NULL;
    rows.release(&rows);
    assert_int_equal(((const int32_t *)child.buffers[1])[1], 20000);
    child.release(&child);
}

static bool export_both(void *context, struct error *error)
{
    (void)context;
    struct ArrowSchema exported;
    struct ArrowArray rows;

    if (!arrow_schema_export(&schema, &exported, error)) {
        return false;
    }
    exported.release(&exported);
    if (!export_rows(&rows, error)) {
        return false;
    }
    rows.release(&rows);
    return true;
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    torture_walk(export_both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_moved_child),
        cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

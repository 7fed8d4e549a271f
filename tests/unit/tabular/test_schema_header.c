#include <string.h>

#include "support/schema.h"
#include "support/unit.h"
#include "tabular/schema.h"

static const char orders[] =
    "{'drift': '%s', 'fields': [{'name': 'order_id'}, {'name': 'user_id', 'aliases': ['customer_id']},"
    " {'name': 'note', 'optional': true}]}";

/* One header read by the schema above; freed with the arena. */
struct reading {
    struct arena *arena;
    struct schema *schema;
    struct header_map map;
};

static struct reading read_header(const char *drift, const char *const *names, size_t count)
{
    struct error error = {0};
    struct reading reading = {.arena = arena_new(0, &error)};
    struct str views[8];
    char *json = arena_format(reading.arena, &error, "%.*s%s%s", 11, orders, drift, orders + 13);
    reading.schema = schema_must(reading.arena, json);
    for (size_t i = 0; i < count; i++) views[i] = str_of(names[i]);
    assert_true(schema_map_header(reading.arena, reading.schema, views, count, &reading.map, &error));
    return reading;
}

static void reading_end(struct reading *reading)
{
    schema_free(reading->schema);
    arena_free(reading->arena);
}

static void maps_names_aliases_and_order(void **state)
{
    (void)state;
    const char *const names[] = {" customer_id ", "extra", "order_id"};
    struct reading reading = read_header("ignore", names, 3);
    assert_null(reading.map.problem);
    assert_int_equal(reading.map.field_of_column[0], 1);
    assert_int_equal(reading.map.field_of_column[1], -1);
    assert_int_equal(reading.map.field_of_column[2], 0);
    assert_int_equal(reading.map.column_of_field[0], 2);
    assert_int_equal(reading.map.column_of_field[1], 0);
    assert_int_equal(reading.map.column_of_field[2], -1);
    assert_non_null(strstr(reading.map.notice, "\"extra\""));
    assert_non_null(strstr(reading.map.notice, "\"note\""));
    reading_end(&reading);
}

static void a_fields_own_name_comes_before_an_alias(void **state)
{
    (void)state;
    const char *const names[] = {"customer_id", "order_id", "user_id", "note"};
    struct reading reading = read_header("ignore", names, 4);
    assert_null(reading.map.problem);
    assert_int_equal(reading.map.column_of_field[1], 2);
    assert_int_equal(reading.map.field_of_column[0], -1);
    assert_non_null(strstr(reading.map.notice, "\"customer_id\""));
    reading_end(&reading);
}

static void a_complete_header_needs_no_notice(void **state)
{
    (void)state;
    const char *const names[] = {"order_id", "user_id", "note"};
    struct reading reading = read_header("fail", names, 3);
    assert_null(reading.map.problem);
    assert_null(reading.map.notice);
    reading_end(&reading);
}

static void every_missing_column_is_named(void **state)
{
    (void)state;
    const char *const names[] = {"Order ID", "note"};
    struct reading reading = read_header("ignore", names, 2);
    assert_non_null(strstr(reading.map.problem, "\"order_id\" is missing"));
    assert_non_null(strstr(reading.map.problem, "\"Order ID\" is there"));
    assert_non_null(strstr(reading.map.problem, "\"user_id\" is missing (or \"customer_id\")"));
    reading_end(&reading);
}

static void a_name_may_stand_once(void **state)
{
    (void)state;
    const char *const twice[] = {"order_id", "user_id", "x", "x"};
    struct reading reading = read_header("ignore", twice, 4);
    assert_non_null(strstr(reading.map.problem, "twice: \"x\""));
    reading_end(&reading);
    const char *const unnamed[] = {"order_id", "user_id", "", ""};
    reading = read_header("ignore", unnamed, 4);
    assert_null(reading.map.problem);
    reading_end(&reading);
}

static void drift_decides_on_other_columns(void **state)
{
    (void)state;
    const char *const names[] = {"order_id", "user_id", "extra"};
    struct reading reading = read_header("fail", names, 3);
    assert_non_null(strstr(reading.map.problem, "\"extra\""));
    reading_end(&reading);
    reading = read_header("accept", names, 3);
    assert_null(reading.map.problem);
    reading_end(&reading);
}

static void finds_fields(void **state)
{
    (void)state;
    const char *const names[] = {"order_id", "user_id"};
    struct reading reading = read_header("ignore", names, 2);
    assert_int_equal(schema_find(reading.schema, str_of("customer_id")), 1);
    assert_int_equal(schema_find(reading.schema, str_of("Customer_id")), -1);
    reading_end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_names_aliases_and_order),
        cmocka_unit_test(a_fields_own_name_comes_before_an_alias),
        cmocka_unit_test(a_complete_header_needs_no_notice),
        cmocka_unit_test(every_missing_column_is_named),
        cmocka_unit_test(a_name_may_stand_once),
        cmocka_unit_test(drift_decides_on_other_columns),
        cmocka_unit_test(finds_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

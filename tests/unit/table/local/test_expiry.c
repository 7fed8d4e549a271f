/* Time to live: what has passed goes, from indexes too; what dropped tables have left goes. */
#include "support/local_store.h"
#include "table/local/local_tables.h"

#define NOW_S INT64_C(1750000000)

static struct tables *open_tables(struct local_place *place)
{
    struct error error = {0};
    struct tables *tables = local_tables_open(
        &(struct local_tables_options){.store = place->store, .region = "us-east-1", .account = "000000000000"},
        &error);

    must(tables != NULL, &error);
    return tables;
}

static void call(struct tables *tables, const char *operation, const char *request, const char *words)
{
    struct buffer response = {0};
    struct error error = {0};

    must(tables_call(tables, operation, str_of(request), &response, &error), &error);
    if (strstr(buffer_text(&response), words) == NULL) {
        fail_msg("%s %s gave %s, not %s", operation, request, response.data, words);
    }
    buffer_free(&response);
}

static const char create[] =
    "{\"TableName\":\"Carts\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":\"id\","
    "\"AttributeType\":\"N\"},{\"AttributeName\":\"shop\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":"
    "\"id\",\"KeyType\":\"HASH\"}],\"GlobalSecondaryIndexes\":[{\"IndexName\":\"by-shop\",\"KeySchema\":[{"
    "\"AttributeName\":\"shop\",\"KeyType\":\"HASH\"}],\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}}]}";
static const char live[] = "{\"TableName\":\"Carts\",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":"
                           "\"ends\"}}";

static void put(struct tables *tables, int id, const char *ends)
{
    char request[200];

    snprintf(request, sizeof request,
             "{\"TableName\":\"Carts\",\"Item\":{\"id\":{\"N\":\"%d\"},\"shop\":{\"S\":\"a\"},\"ends\":%s}}", id, ends);
    call(tables, "PutItem", request, "{}");
}

static uint64_t expire(struct tables *tables)
{
    struct error error = {0};
    uint64_t expired;

    must(local_tables_upkeep(tables, NOW_S * 1000000, &expired, &error), &error);
    return expired;
}

static void test_what_has_passed_goes(void **state)
{
    static const struct {
        const char *ends;
        bool goes;
    } items[] = {
        {"{\"N\":\"1750000000\"}", true},   {"{\"N\":\"1750000001\"}", false}, {"{\"N\":\"1749999999.75\"}", true},
        {"{\"S\":\"1749999999\"}", false},  {"{\"N\":\"0\"}", false},          {"{\"N\":\"-1750000000\"}", false},
        {"{\"N\":\"1e125\"}", false},       {"{\"N\":\"1592320001\"}", true},  {"{\"N\":\"1592320000\"}", false},
        {"{\"L\":[{\"N\":\"5\"}]}", false}, {"{\"N\":\"1e-100\"}", false},
    };
    struct tables *tables = open_tables(*state);
    uint64_t goes = 0;
    char left[60];

    call(tables, "CreateTable", create, "Carts");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        put(tables, (int)i, items[i].ends);
        goes += items[i].goes;
    }
    assert_int_equal(expire(tables), 0); /* not before it is asked for */
    call(tables, "UpdateTimeToLive", live, "ends");
    assert_int_equal(expire(tables), goes);
    assert_int_equal(expire(tables), 0);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        char request[100];

        snprintf(request, sizeof request, "{\"TableName\":\"Carts\",\"Key\":{\"id\":{\"N\":\"%zu\"}}}", i);
        call(tables, "GetItem", request, items[i].goes ? "{}" : "\"Item\"");
    }
    snprintf(left, sizeof left, "\"Count\":%zu", sizeof items / sizeof *items - (size_t)goes);
    call(tables, "Scan", "{\"TableName\":\"Carts\",\"IndexName\":\"by-shop\",\"Select\":\"COUNT\"}", left);
    tables_free(tables);
}

static void test_many_go_in_steps(void **state)
{
    struct tables *tables = open_tables(*state);

    call(tables, "CreateTable", create, "Carts");
    call(tables, "UpdateTimeToLive", live, "ends");
    for (int i = 0; i < 1003; i++) {
        put(tables, i, i % 500 == 1 ? "{\"N\":\"1800000000\"}" : "{\"N\":\"1740000000\"}");
    }
    assert_int_equal(expire(tables), 1000);
    call(tables, "Scan", "{\"TableName\":\"Carts\",\"Select\":\"COUNT\"}", "\"Count\":3");
    tables_free(tables);
}

static bool leave_item(void *context, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, context, error);

    return statement != NULL && statement_run(db, statement, error);
}

static bool count_items(void *context, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, "SELECT count(*) FROM item", error);

    if (statement == NULL || statement_next(db, statement, error) != 1) {
        return false;
    }
    *(int *)context = sqlite3_column_int(statement, 0);
    statement_done(statement);
    return true;
}

static void test_what_a_dropped_table_has_left_goes(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
    struct committer *committer = local_committer(place->store);
    struct error error = {0};
    int items = 0;

    call(tables, "CreateTable", create, "Carts");
    put(tables, 1, "{\"N\":\"1\"}");
    call(tables, "DeleteTable", "{\"TableName\":\"Carts\"}", "DELETING");
    char orphan[] = "INSERT INTO item(space, key, value) VALUES(1, x'00', x'00'), (2, x'00', x'00')";

    must(committer_do(committer, leave_item, orphan, &error), &error);
    call(tables, "CreateTable", create, "Carts");
    call(tables, "Scan", "{\"TableName\":\"Carts\"}", "\"Count\":0");
    put(tables, 2, "{\"N\":\"1\"}");
    assert_int_equal(expire(tables), 0);
    must(committer_do(committer, count_items, &items, &error), &error);
    assert_int_equal(items, 2); /* the item and its entry in the index */
    tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_has_passed_goes, local_place_setup, local_place_teardown),
        cmocka_unit_test_setup_teardown(test_many_go_in_steps, local_place_setup, local_place_teardown),
        cmocka_unit_test_setup_teardown(test_what_a_dropped_table_has_left_goes, local_place_setup,
                                        local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

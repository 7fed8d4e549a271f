/* The local tables through their port: requests in DynamoDB's JSON, and what must be part of the answers. */
#include "table/local/local_tables.h"

#include <string.h>

#include "support/local_store.h"

struct step {
    const char *operation, *request;
    const char *failure; /* the name of the failure; NULL: it succeeds */
    const char *words;   /* part of the response, or of the failure's message */
};

static struct tables *open_tables(struct local_place *place)
{
    struct error error = {0};
    struct tables *tables = local_tables_open(
        &(struct local_tables_options){.store = place->store, .region = "us-east-1", .account = "000000000000"},
        &error);

    if (tables == NULL) {
        fail_msg("%s", error.message);
    }
    return tables;
}

static void play(struct tables *tables, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct buffer response = {0};
        struct error error = {0};
        bool good = tables_call(tables, step->operation, str_of(step->request), &response, &error);
        const char *shown = good ? buffer_text(&response) : error.message;

        if (good != (step->failure == NULL)) {
            fail_msg("step %zu: %s %s: %s", i, step->operation, step->request, shown);
        }
        if (step->failure != NULL) {
            assert_non_null(error.name);
            assert_string_equal(error.name, step->failure);
        }
        if (strstr(shown, step->words) == NULL) {
            fail_msg("step %zu: %s %s gave %s, not %s", i, step->operation, step->request, shown, step->words);
        }
        buffer_free(&response);
    }
}
#define PLAY(tables, steps) play(tables, steps, sizeof(steps) / sizeof *(steps))

#define ORDERS                                                                                                         \
    "{\"TableName\":\"Orders\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":"      \
    "\"c\","                                                                                                           \
    "\"AttributeType\":\"S\"},{\"AttributeName\":\"n\",\"AttributeType\":\"N\"},{\"AttributeName\":\"day\","           \
    "\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"c\",\"KeyType\":\"HASH\"},{\"AttributeName\":"      \
    "\"n\","                                                                                                           \
    "\"KeyType\":\"RANGE\"}],\"GlobalSecondaryIndexes\":[{\"IndexName\":\"by-day\",\"KeySchema\":[{\"AttributeName\":" \
    "\"day\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"n\",\"KeyType\":\"RANGE\"}],\"Projection\":{"                  \
    "\"ProjectionType\":"                                                                                              \
    "\"INCLUDE\",\"NonKeyAttributes\":[\"v\"]}}]}"

static void test_items_come_back_by_key(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
    const struct step steps[] = {
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"}}}", "ResourceNotFoundException",
         "Table: Orders not found"},
        {"CreateTable", ORDERS, NULL, "\"TableStatus\":\"ACTIVE\""},
        {"CreateTable", ORDERS, "ResourceInUseException", "Table already exists: Orders"},
        {"ListTables", "{}", NULL, "{\"TableNames\":[\"Orders\"]}"},
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}}", NULL, "{}"},
        {"PutItem", "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1.0\"},\"v\":{\"L\":[]}}}",
         NULL, "{}"},
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}}", NULL,
         "{\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"v\":{\"L\":[]}}}"},
        {"GetItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"ProjectionExpression\":\"v\","
         "\"ReturnConsumedCapacity\":\"TOTAL\",\"ConsistentRead\":true}",
         NULL, "{\"Item\":{\"v\":{\"L\":[]}},\"ConsumedCapacity\":{\"TableName\":\"Orders\",\"CapacityUnits\":1.0}}"},
        {"PutItem",
         "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"ReturnValues\":\"ALL_OLD\"}",
         NULL, "{\"Attributes\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"v\":{\"L\":[]}}}"},
        {"DeleteItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"ReturnValues\":"
         "\"ALL_OLD\"}",
         NULL, "\"Attributes\""},
        {"DeleteItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}}", NULL, "{}"},
        {"DescribeTable", "{\"TableName\":\"Orders\"}", NULL, "\"ItemCount\":0"},
        {"PutItem", "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"}}}", "ValidationException",
         "Missing the key n in the item"},
        {"PutItem", "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"\"},\"n\":{\"N\":\"1\"}}}",
         "ValidationException", "cannot contain an empty string value. Key: c"},
        {"PutItem", "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"N\":\"1\"},\"n\":{\"N\":\"1\"}}}",
         "ValidationException", "Type mismatch for key c expected: S actual: N"},
        {"PutItem",
         "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"day\":{\"N\":\"1\"}}}",
         "ValidationException", "Type mismatch for Index Key day Expected: S Actual: N IndexName: by-day"},
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"S\":\"1\"}}}",
         "ValidationException", "The provided key element does not match the schema"},
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"}}}", "ValidationException",
         "The number of conditions on the keys is invalid"},
        {"Frobnicate", "{}", "UnknownOperationException", "Frobnicate"},
        {"GetItem", "{\"TableName\":", "SerializationException", "the request"},
        {"GetItem", "[]", "SerializationException", "no JSON object"},
        {"GetItem", "{}", "ValidationException", "TableName"},
        {"DeleteTable", "{\"TableName\":\"Orders\"}", NULL, "\"TableStatus\":\"DELETING\""},
        {"ListTables", "{}", NULL, "{\"TableNames\":[]}"},
    };

    PLAY(tables, steps);
    tables_free(tables);
}

static void test_writes_are_conditional_and_update_in_place(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
    const struct step steps[] = {
        {"CreateTable", ORDERS, NULL, "Orders"},
        {"PutItem",
         "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"ConditionExpression\":"
         "\"attribute_not_exists(c)\"}",
         NULL, "{}"},
        {"PutItem",
         "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"x\":{\"S\":\"lost\"}},"
         "\"ConditionExpression\":\"attribute_not_exists(c)\"}",
         "ConditionalCheckFailedException", "The conditional request failed"},
        {"UpdateItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"UpdateExpression\":"
         "\"SET v = if_not_exists(v, :zero) + :five ADD tags "
         ":t\",\"ExpressionAttributeValues\":{\":zero\":{\"N\":\"0\"},"
         "\":five\":{\"N\":\"5\"},\":t\":{\"SS\":[\"x\"]}},\"ReturnValues\":\"UPDATED_NEW\"}",
         NULL, "{\"Attributes\":{\"tags\":{\"SS\":[\"x\"]},\"v\":{\"N\":\"5\"}}}"},
        {"UpdateItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"UpdateExpression\":"
         "\"SET v = v + :five\",\"ConditionExpression\":\"v < "
         ":five\",\"ExpressionAttributeValues\":{\":five\":{\"N\":\"5\"}}}",
         "ConditionalCheckFailedException", "failed"},
        {"UpdateItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"new\"},\"n\":{\"N\":\"9\"}},\"UpdateExpression\":\"SET v = "
         ":v\","
         "\"ExpressionAttributeValues\":{\":v\":{\"BOOL\":true}},\"ReturnValues\":\"ALL_NEW\"}",
         NULL, "{\"Attributes\":{\"c\":{\"S\":\"new\"},\"n\":{\"N\":\"9\"},\"v\":{\"BOOL\":true}}}"},
        {"UpdateItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"UpdateExpression\":\"SET c = "
         ":v\","
         "\"ExpressionAttributeValues\":{\":v\":{\"S\":\"b\"}}}",
         "ValidationException", "Cannot update attribute c. This attribute is part of the key"},
        {"UpdateItem",
         "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"UpdateExpression\":\"SET v = "
         ":v\","
         "\"ExpressionAttributeValues\":{\":v\":{\"S\":\"b\"},\":w\":{\"S\":\"b\"}}}",
         "ValidationException", "unused in expressions: keys: {:w}"},
        {"TransactWriteItems",
         "{\"TransactItems\":[{\"Put\":{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}}},"
         "{\"ConditionCheck\":{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"zz\"},\"n\":{\"N\":\"1\"}},"
         "\"ConditionExpression\":\"attribute_exists(c)\"}}]}",
         "TransactionCanceledException", "[None, ConditionalCheckFailed]"},
        {"GetItem", "{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}}", NULL, "{}"},
        {"TransactWriteItems",
         "{\"TransactItems\":[{\"Put\":{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}}},"
         "{\"Delete\":{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"new\"},\"n\":{\"N\":\"9\"}}}}]}",
         NULL, "{}"},
        {"TransactGetItems",
         "{\"TransactItems\":[{\"Get\":{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}}},"
         "{\"Get\":{\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"new\"},\"n\":{\"N\":\"9\"}}}}]}",
         NULL, "{\"Responses\":[{\"Item\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}},{}]}"},
        {"BatchWriteItem",
         "{\"RequestItems\":{\"Orders\":[{\"PutRequest\":{\"Item\":{\"c\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}}}},"
         "{\"DeleteRequest\":{\"Key\":{\"c\":{\"S\":\"t\"},\"n\":{\"N\":\"1\"}}}}]}}",
         NULL, "{\"UnprocessedItems\":{}}"},
        {"BatchWriteItem",
         "{\"RequestItems\":{\"Orders\":[{\"PutRequest\":{\"Item\":{\"c\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}}}},"
         "{\"DeleteRequest\":{\"Key\":{\"c\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}}}}]}}",
         "ValidationException", "contains duplicates"},
        {"BatchGetItem",
         "{\"RequestItems\":{\"Orders\":{\"Keys\":[{\"c\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}},{\"c\":{\"S\":\"t\"},"
         "\"n\":"
         "{\"N\":\"1\"}}]}}}",
         NULL, "{\"Responses\":{\"Orders\":[{\"c\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}}]},\"UnprocessedKeys\":{}}"},
    };

    PLAY(tables, steps);
    tables_free(tables);
}

static void put_days(struct tables *tables)
{
    for (int i = -3; i < 20; i++) {
        char request[300];
        struct buffer response = {0};
        struct error error = {0};

        snprintf(
            request, sizeof request,
            "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"%s\"},\"n\":{\"N\":\"%d.5\"},\"day\":{\"S\":\"d%d\"},"
            "\"v\":{\"N\":\"%d\"},\"w\":{\"S\":\"hidden\"}}}",
            i % 2 == 0 ? "even" : "odd", i, i % 3, i * i);
        assert_true(tables_call(tables, "PutItem", str_of(request), &response, &error));
        buffer_free(&response);
    }
}

static void test_queries_read_ranges_in_order(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
    const struct step create[] = {{"CreateTable", ORDERS, NULL, "by-day"}};
    const struct step steps[] = {
        {"Query",
         "{\"TableName\":\"Orders\",\"KeyConditionExpression\":\"c = :c AND n BETWEEN :a AND "
         ":b\",\"ProjectionExpression\":"
         "\"n\",\"ExpressionAttributeValues\":{\":c\":{\"S\":\"even\"},\":a\":{\"N\":\"-2.5\"},\":b\":{\"N\":\"4.5\"}}"
         "}",
         NULL,
         "{\"Items\":[{\"n\":{\"N\":\"-2.5\"}},{\"n\":{\"N\":\"0.5\"}},{\"n\":{\"N\":\"2.5\"}},{\"n\":{\"N\":\"4.5\"}}]"
         ","
         "\"Count\":4,\"ScannedCount\":4}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"KeyConditionExpression\":\"c = :c AND n < "
         ":b\",\"ScanIndexForward\":false,\"Limit\":2,"
         "\"ProjectionExpression\":\"n\",\"ExpressionAttributeValues\":{\":c\":{\"S\":\"even\"},\":b\":{\"N\":\"4.5\"}}"
         "}",
         NULL,
         "{\"Items\":[{\"n\":{\"N\":\"2.5\"}},{\"n\":{\"N\":\"0.5\"}}],\"Count\":2,\"ScannedCount\":2,"
         "\"LastEvaluatedKey\":{"
         "\"c\":{\"S\":\"even\"},\"n\":{\"N\":\"0.5\"}}}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"KeyConditionExpression\":\"c = :c AND n < :b\",\"ScanIndexForward\":false,"
         "\"ExclusiveStartKey\":{\"c\":{\"S\":\"even\"},\"n\":{\"N\":\"0.5\"}},"
         "\"ProjectionExpression\":\"n\",\"ExpressionAttributeValues\":{\":c\":{\"S\":\"even\"},\":b\":{\"N\":\"4.5\"}}"
         "}",
         NULL, "{\"Items\":[{\"n\":{\"N\":\"-2.5\"}}],\"Count\":1,\"ScannedCount\":1}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"KeyConditionExpression\":\"#d = :d AND n > "
         ":n\",\"Limit\":2,"
         "\"ExpressionAttributeNames\":{\"#d\":\"day\"},\"ExpressionAttributeValues\":{\":d\":{\"S\":\"d0\"},\":n\":{"
         "\"N\":"
         "\"6.5\"}}}",
         NULL,
         "{\"Items\":[{\"c\":{\"S\":\"odd\"},\"day\":{\"S\":\"d0\"},\"n\":{\"N\":\"9.5\"},\"v\":{\"N\":\"81\"}},{\"c\":"
         "{\"S\":"
         "\"even\"},\"day\":{\"S\":\"d0\"},\"n\":{\"N\":\"12.5\"},\"v\":{\"N\":\"144\"}}],\"Count\":2,\"ScannedCount\":"
         "2,"
         "\"LastEvaluatedKey\":{\"c\":{\"S\":\"even\"},\"day\":{\"S\":\"d0\"},\"n\":{\"N\":\"12.5\"}}}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"KeyConditionExpression\":\"#d = "
         ":d\",\"Select\":\"COUNT\","
         "\"ExclusiveStartKey\":{\"c\":{\"S\":\"even\"},\"day\":{\"S\":\"d0\"},\"n\":{\"N\":\"12.5\"}},"
         "\"ExpressionAttributeNames\":{\"#d\":\"day\"},\"ExpressionAttributeValues\":{\":d\":{\"S\":\"d0\"}}}",
         NULL, "{\"Count\":2,\"ScannedCount\":2}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"KeyConditionExpression\":\"c = :c\",\"FilterExpression\":\"v = :v\","
         "\"ExpressionAttributeValues\":{\":c\":{\"S\":\"odd\"},\":v\":{\"N\":\"49\"}},\"ProjectionExpression\":\"v\"}",
         NULL, "{\"Items\":[{\"v\":{\"N\":\"49\"}}],\"Count\":1,\"ScannedCount\":12}"},
        {"Query",
         "{\"TableName\":\"Orders\",\"KeyConditionExpression\":\"c = :c\",\"FilterExpression\":\"n = :v\","
         "\"ExpressionAttributeValues\":{\":c\":{\"S\":\"odd\"},\":v\":{\"N\":\"49\"}}}",
         "ValidationException", "Primary key attribute: n"},
        {"Query",
         "{\"TableName\":\"Orders\",\"IndexName\":\"none\",\"KeyConditionExpression\":\"c = :c\","
         "\"ExpressionAttributeValues\":{\":c\":{\"S\":\"odd\"}}}",
         "ValidationException", "The table does not have the specified index: none"},
        {"Query",
         "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"ConsistentRead\":true,\"KeyConditionExpression\":\"c = "
         ":c\","
         "\"ExpressionAttributeValues\":{\":c\":{\"S\":\"odd\"}}}",
         "ValidationException", "Consistent reads are not supported on global secondary indexes"},
        {"Query",
         "{\"TableName\":\"Orders\",\"Limit\":0,\"KeyConditionExpression\":\"c = :c\","
         "\"ExpressionAttributeValues\":{\":c\":{\"S\":\"odd\"}}}",
         "ValidationException", "greater than or equal to 1"},
        {"Scan", "{\"TableName\":\"Orders\",\"Select\":\"COUNT\"}", NULL, "{\"Count\":23,\"ScannedCount\":23}"},
        {"Scan", "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"Select\":\"COUNT\"}", NULL, "\"Count\":23"},
        {"Scan", "{\"TableName\":\"Orders\",\"Segment\":4,\"TotalSegments\":4}", "ValidationException",
         "Segment: 4 is not less than TotalSegments: 4"},
    };

    PLAY(tables, create);
    put_days(tables);
    PLAY(tables, steps);
    tables_free(tables);
}

/* An item leaves an index when it loses the attribute, and moves in it when that changes. */
static void test_indexes_follow_their_items(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
#define ON_DAY(day)                                                                                                    \
    "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"KeyConditionExpression\":\"#d = :d\",\"Select\":\"COUNT\","  \
    "\"ExpressionAttributeNames\":{\"#d\":\"day\"},\"ExpressionAttributeValues\":{\":d\":{\"S\":\"" day "\"}}}"
#define KEY "\"TableName\":\"Orders\",\"Key\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}"
    const struct step steps[] = {
        {"CreateTable", ORDERS, NULL, "Orders"},
        {"PutItem",
         "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"day\":{\"S\":\"mon\"}}}", NULL,
         "{}"},
        {"Query", ON_DAY("mon"), NULL, "\"Count\":1"},
        {"UpdateItem",
         "{" KEY ",\"UpdateExpression\":\"SET #d = :t\",\"ExpressionAttributeNames\":{\"#d\":\"day\"},"
         "\"ExpressionAttributeValues\":{\":t\":{\"S\":\"tue\"}}}",
         NULL, "{}"},
        {"Query", ON_DAY("mon"), NULL, "\"Count\":0"},
        {"Query", ON_DAY("tue"), NULL, "\"Count\":1"},
        {"UpdateItem", "{" KEY ",\"UpdateExpression\":\"REMOVE #d\",\"ExpressionAttributeNames\":{\"#d\":\"day\"}}",
         NULL, "{}"},
        {"Query", ON_DAY("tue"), NULL, "\"Count\":0"},
        {"Scan", "{\"TableName\":\"Orders\",\"Select\":\"COUNT\"}", NULL, "\"Count\":1"},
    };

    PLAY(tables, steps);
    tables_free(tables);
}

static void test_tables_are_there_after_a_restart(void **state)
{
    struct local_place *place = *state;
    struct tables *tables = open_tables(place);
    const struct step before[] = {
        {"CreateTable", ORDERS, NULL, "Orders"},
        {"PutItem", "{\"TableName\":\"Orders\",\"Item\":{\"c\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}}", NULL, "{}"},
        {"UpdateTimeToLive",
         "{\"TableName\":\"Orders\",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"ends\"}}", NULL,
         "ends"},
        {"TagResource",
         "{\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/Orders\",\"Tags\":[{\"Key\":\"k\",\"Value\":"
         "\"v\"}]}",
         NULL, ""},
    };
    const struct step after[] = {
        {"DescribeTable", "{\"TableName\":\"Orders\"}", NULL, "\"ItemCount\":1"},
        {"DescribeTimeToLive", "{\"TableName\":\"Orders\"}", NULL, "\"ENABLED\",\"AttributeName\":\"ends\""},
        {"ListTagsOfResource", "{\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/Orders\"}", NULL,
         "[{\"Key\":\"k\",\"Value\":\"v\"}]"},
        {"DeleteTable", "{\"TableName\":\"Orders\"}", NULL, "Orders"},
        {"CreateTable", ORDERS, NULL, "Orders"},
        {"Scan", "{\"TableName\":\"Orders\",\"Select\":\"COUNT\"}", NULL, "\"Count\":0"},
        {"Scan", "{\"TableName\":\"Orders\",\"IndexName\":\"by-day\",\"Select\":\"COUNT\"}", NULL, "\"Count\":0"},
    };

    PLAY(tables, before);
    tables_free(tables);
    local_place_close(place);
    local_place_open(place);
    tables = open_tables(place);
    PLAY(tables, after);
    tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_items_come_back_by_key, local_place_setup, local_place_teardown),
        cmocka_unit_test_setup_teardown(test_writes_are_conditional_and_update_in_place, local_place_setup,
                                        local_place_teardown),
        cmocka_unit_test_setup_teardown(test_queries_read_ranges_in_order, local_place_setup, local_place_teardown),
        cmocka_unit_test_setup_teardown(test_indexes_follow_their_items, local_place_setup, local_place_teardown),
        cmocka_unit_test_setup_teardown(test_tables_are_there_after_a_restart, local_place_setup, local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

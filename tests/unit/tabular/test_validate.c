#include "support/unit.h"

#include "base/json.h"
#include "base/random.h"
#include "support/validate_model.h"

static const char items_schema[] =
    "{\"name\": \"items\", \"fields\": ["
    "{\"name\": \"id\", \"type\": \"string\", \"intern\": true, \"constraints\": {\"required\": true}},"
    "{\"name\": \"order_id\", \"type\": \"string\", \"intern\": true, \"constraints\": {\"required\": true}},"
    "{\"name\": \"status\", \"type\": \"string\", \"intern\": true, \"optional\": true,"
    " \"constraints\": {\"enum\": [\"delivered\", \"returned\", \"shipped\"]}, \"severity\": {\"enum\": \"warning\"}},"
    "{\"name\": \"created_at\", \"type\": \"datetime\", \"format\": \"any\", \"optional\": true},"
    "{\"name\": \"note\", \"type\": \"string\", \"optional\": true, \"missingValues\": [\"\", \"none\"]},"
    "{\"name\": \"sale_price\", \"type\": \"number\", \"scale\": 2,"
    " \"constraints\": {\"required\": true, \"minimum\": 0, \"maximum\": 9999}},"
    "{\"name\": \"quantity\", \"type\": \"integer\", \"optional\": true, \"default\": 1,"
    " \"constraints\": {\"exclusiveMinimum\": 0}},"
    "{\"name\": \"day\", \"type\": \"date\", \"optional\": true},"
    "{\"name\": \"gift\", \"type\": \"boolean\", \"optional\": true},"
    "{\"name\": \"code\", \"type\": \"string\", \"optional\": true, \"default\": \"none\","
    " \"constraints\": {\"maxLength\": 6}}],"
    "\"rules\": [{\"when\": {\"field\": \"status\", \"in\": [\"returned\"]}, \"require\": \"note\","
    " \"message\": \"a returned item needs a note\"}]}";

static const char all_columns[] = "id,order_id,status,created_at,note,sale_price,quantity,day,gift,code\n";

struct fixture {
    struct arena *arena;
    struct schema *schema;
    struct team *teams[2];
};

static int set_up(void **state)
{
    struct error error = {0};
    struct fixture *fixture = memory_zeroed(sizeof *fixture, &error);
    json_t *json = json_read(items_schema, sizeof items_schema - 1, "items", &error);
    fixture->arena = arena_new(0, &error);
    fixture->schema = json == NULL ? NULL : schema_compile(fixture->arena, json, "items", &error);
    json_decref(json);
    if (fixture->schema == NULL) print_error("%s\n", error.message);
    assert_non_null(fixture->schema);
    fixture->teams[0] = team_new(1, &error);
    fixture->teams[1] = team_new(3, &error);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    team_free(fixture->teams[0]);
    team_free(fixture->teams[1]);
    schema_free(fixture->schema);
    arena_free(fixture->arena);
    memory_free(fixture);
    return 0;
}

/* Holds validation to the model for one file, with several block and slice sizes and both teams. */
static void expect_as_model(const struct fixture *fixture, const bool *keep, const char *data, size_t size)
{
    static const struct {
        size_t block_bytes, slice_bytes;
        int team;
    } ways[] = {{0, 0, 0}, {64, 0, 0}, {100, 0, 1}, {300, 0, 1}, {70, 150, 1}, {1000, 1, 0}, {37, 0, 1}, {5, 64, 1}};
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct outcome model;
    model_run(&model, fixture->schema, keep, data, size, terms);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct outcome real;
        struct real_options options = {fixture->teams[ways[i].team], ways[i].block_bytes, ways[i].slice_bytes, 0};
        bool fine = real_run(&real, fixture->schema, keep, data, size, terms, &options, &error);
        const char *difference = fine ? outcome_difference(&model, &real) : error.message;
        if (difference != NULL) {
            print_error("way %zu, verdict %d: %s\n--- data\n%.*s\n--- model\n%.*s%.*s--- real\n%.*s%.*s---\n", i,
                        (int)real.verdict, difference, (int)size, data, (int)model.rows.length, model.rows.data,
                        (int)model.rejects.length, model.rejects.data, (int)real.rows.length, real.rows.data,
                        (int)real.rejects.length, real.rejects.data);
            fail();
        }
        outcome_free(&real);
    }
    outcome_free(&model);
    terms_free(terms);
}

static void expect_text(const struct fixture *fixture, const char *text)
{
    expect_as_model(fixture, NULL, text, strlen(text));
}

static void test_plain_rows(void **state)
{
    expect_text(*state, "id,order_id,sale_price\n1,2,3.5\n2,2,4\n3,X1,0.25\n");
    expect_text(*state, "sale_price,id,order_id\r\n3.5,1,2\r\n4,2,2\r\n,5,6\r\n");
    expect_text(*state, "id,order_id,sale_price\n1,2,3.5\n2,2,4");
    expect_text(*state, "id,order_id,sale_price\n");
    expect_text(*state, "id,order_id,sale_price");
    expect_text(*state, "\n\nid,order_id,sale_price\n\n\n1,2,3\n\n");
    expect_text(*state, "id,other,order_id,sale_price,more\n1,?,2,3,?\n1,?,2,-3,?\n");
}

static void test_broken_rows(void **state)
{
    expect_text(*state, "id,order_id,sale_price\n1,2\n1,2,3,4\n,,\n1,2,x\n1,2,10000\n 1 , 2, 3 \n1,2,-1\n");
    expect_text(*state,
                "id,order_id,sale_price\n1,a\"b,3\n1,\"a\"\"b\",3\n1,\"a\"b,3\n1,\"a\nb\",3\n1,\"\",3\n2,2,2\n");
    /* a CR within quotes at the end of a line is of the value */
    expect_text(*state, "id,order_id,sale_price,note\r\n1,2,3,\"x\r\"\r\n1,2,3,\"\r\"\n1,2,3,\"y\n\r\"\r\n1,2,3,z\r\n");
    expect_text(*state, "id,order_id,sale_price\n1,\xff,3\n1,\xc3\xa9,3\n2,2,2\n");
    expect_text(*state, "id,order_id,status,note,sale_price\n1,2,returned,,3\n1,2,returned,none,3\n1,2,returned,x,3\n"
                        "1,2,lost,,3\n1,,returned,,x\n");
}

/* The whole reject stream of a file. */
static void expect_rejects(const struct fixture *fixture, const char *data, const char *rejects)
{
    struct error error = {0};
    struct outcome real;
    struct terms *terms = terms_new(&error);
    struct real_options options = {.team = fixture->teams[0]};
    if (!real_run(&real, fixture->schema, NULL, data, strlen(data), terms, &options, &error))
        fail_msg("%s", error.message);
    assert_string_equal(buffer_text(&real.rejects), rejects);
    outcome_free(&real);
    terms_free(terms);
    expect_text(fixture, data);
}

/* Whatever is wrong with a row, its reasons stand under their header. */
static void test_rejects_have_the_headers_cells(void **state)
{
    expect_rejects(
        *state, "id,order_id,sale_price\n1\n1,2,3,4\n1,2,\"3,5\",\"a \"\"b\"\"\",c\r\n\"1\",a\"b,c\"d,3,x\n\xff\n,,,\n",
        "id,order_id,sale_price,rejection_reasons,row_number\n"
        "1,,,the row has the wrong number of fields: 1 instead of 3,2\n"
        "1,2,\"3,4\",the row has the wrong number of fields: 4 instead of 3,3\n"
        "1,2,\"\"\"3,5\"\",\"\"a \"\"\"\"b\"\"\"\"\"\",c\",the row has the wrong number of fields: 5 instead of 3,4\n"
        "\"1\",\"a\"\"b,c\"\"d\",\"3,x\",a quote stands where none may be,5\n"
        "\xff,,,the row is not valid UTF-8 text,6\n"
        ",,\",\",the row has the wrong number of fields: 4 instead of 3,7\n");
}

static void test_dialect_without_quotes(void **state)
{
    struct fixture fixture = *(struct fixture *)*state;
    struct schema schema = *fixture.schema;
    fixture.schema = &schema;
    schema.quote = '\0';
    expect_rejects(&fixture, "id,order_id,sale_price\n1,\"2\",3\n1,\"2,3\",4,\"\n,,x\n1\n",
                   "id,order_id,sale_price,rejection_reasons,row_number\n"
                   "1,\"2,3\";4;\",the row has the wrong number of fields: 5 instead of 3,3\n"
                   ",,x,id: is required; order_id: is required; sale_price: must be a number; is x,4\n"
                   "1,,,the row has the wrong number of fields: 1 instead of 3,5\n");
    schema.delimiter = ';';
    expect_rejects(&fixture, "id;order_id;sale_price\n1;2;3;4;5,6\n",
                   "id;order_id;sale_price;rejection_reasons;row_number\n"
                   "1;2;3,4,5,6;the row has the wrong number of fields: 5 instead of 3;2\n");
}

/* In the first 8 KiB a NUL means a binary file; after them it spoils its row. */
static void test_nul(void **state)
{
    struct buffer data;
    buffer_init(&data, 0);
    buffer_append_text(&data, "id,order_id,sale_price\n");
    while (data.length < 9000) buffer_append_text(&data, "1,2,3\n");
    buffer_append(&data, "1,\0,3\n1,2,3\n", 13);
    expect_as_model(*state, NULL, data.data, data.length);
    buffer_free(&data);
}

static void test_fractions_of_seconds(void **state)
{
    expect_text(*state, "id,order_id,created_at,sale_price\n1,1,2025-01-01T00:00:00,1\n1,1,,1\n"
                        "1,1,2025-01-01T00:00:00.5,1\n1,1,2025-01-01,1\n1,1,2025-01-01T00:00:01Z,1\n");
}

static void test_broken_files(void **state)
{
    expect_text(*state, "");
    expect_text(*state, "\n\n");
    expect_text(*state, "id,order_id\n1,2\n");
    expect_text(*state, "id,id,order_id,sale_price\n1,2\n");
    expect_text(*state, "id,order_id,sale_price\n1,2,3\n1,\"2,3\n1,2,3\n");
    expect_text(*state, "id,order_id,\"sale_price\n1,2,3\n1,2,3\n1,2,3\n");
}

static const char *random_cell(struct random *random, size_t column)
{
    static const char *const cells[][12] = {
        {"1", "23", "456789012", "P1001", "ORD0000017", "0", "123456789012345678", "007", " 8", "", "\"q\"", "x y"},
        {"1", "22", "333", "4444", "55555", "666666", "1234567890123", "A", "abcdefg", "abcdefgh", "", "-1"},
        {"delivered", "returned", "shipped", "delivered", "returned", "shipped", "lost", "", "\"shipped\"", "Shipped",
         "delivered ", "\"a,b\""},
        {"2025-03-30T17:09:26", "2024-02-29T00:00:00", "2023-02-29T00:00:00", "", "2025-01-31", "1999-12-31T23:59:59",
         "2025-03-30T17:09:26Z", "2025-03-30T24:00:00", "2025-03-30 17:09:26", "2025-03-30T17:09:26.25", "nonsense",
         "0000-01-01T00:00:00"},
        {"", "none", "fine", "\"two\nlines\"", "\"say \"\"hi\"\"\"", "caf\xc3\xa9", "\xff", " padded ", "x", "y", "z",
         "\"\""},
        {"1", "2.5", "30.99", "9999", "9999.01", "-1", "0.001", "1e2", "", "12345678.9", "007.50", "1."},
        {"1", "2", "33", "0", "-4", "", "5.0", "999999999999", "9999999999999999999", "+6", "x", "\"7\""},
        {"2025-03-30", "2024-02-29", "2025-02-30", "", "1970-01-01", "0001-01-01", "2025-3-1", "9999-12-31", "x",
         "2025-13-01", "2025-00-10", "2025-10-00"},
        {"true", "false", "1", "0", "", "yes", "True", "maybe", "false", "true", "TRUE", "False"},
        {"", "abc", "abcdef", "abcdefg", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", " ab ", "none", "\"a\"", "12345", "x", "y",
         "z"},
    };
    return cells[column][random_below(random, 12)];
}

/* Rows of random cells: mostly those that come first in the lists when `clean`. */
static void random_file(struct random *random, struct buffer *data, bool clean)
{
    buffer_append_text(data, all_columns);
    const char *newline = random_below(random, 4) == 0 ? "\r\n" : "\n";
    size_t rows = random_below(random, 40);
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < 10; column++) {
            static const char *const plain[] = {
                "12", "345", "delivered", "2025-03-30T17:09:26", "", "81.64", "2", "2025-03-30", "true", "abc"};
            bool odd = !clean || random_below(random, 60) == 0;
            if (odd && random_below(random, 40) == 0) break;
            if (column > 0) buffer_append_char(data, ',');
            buffer_append_text(data, odd ? random_cell(random, column) : plain[column]);
        }
        if (row + 1 < rows || random_below(random, 2) == 0) buffer_append_text(data, newline);
        if (random_below(random, 30) == 0) buffer_append_text(data, newline);
    }
}

static void test_random_files(void **state)
{
    struct random random;
    random_seed(&random, 11);
    for (int round = 0; round < 400; round++) {
        struct buffer data;
        bool keep[10];
        buffer_init(&data, 0);
        random_file(&random, &data, round % 2 == 0);
        for (size_t i = 0; i < 10; i++) keep[i] = random_below(&random, 2) == 0;
        expect_as_model(*state, round % 3 == 0 ? keep : NULL, data.data, data.length);
        buffer_free(&data);
    }
}

/* A byte here and there changed: quotes, newlines, delimiters, NULs. */
static void test_mutated_files(void **state)
{
    struct random random;
    random_seed(&random, 12);
    for (int round = 0; round < 400; round++) {
        struct buffer data;
        buffer_init(&data, 0);
        random_file(&random, &data, round % 2 == 0);
        size_t head = sizeof all_columns;
        for (size_t i = random_below(&random, 4); i > 0 && data.length > head + 1; i--)
            data.data[head + random_below(&random, data.length - head)] = "\"\n,\r 5\xff-"[random_below(&random, 8)];
        expect_as_model(*state, NULL, data.data, data.length);
        buffer_free(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_rows),
        cmocka_unit_test(test_broken_rows),
        cmocka_unit_test(test_rejects_have_the_headers_cells),
        cmocka_unit_test(test_dialect_without_quotes),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_fractions_of_seconds),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_random_files),
        cmocka_unit_test(test_mutated_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

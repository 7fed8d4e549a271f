#include "tabular/csv_walk.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"

/* A source over bytes in memory; close its descriptor afterwards. */
static struct csv_source source_of(const void *bytes, size_t size)
{
    struct error error = {0};
    struct csv_source source = {.path = "test.csv", .fd = memfd_create("test", MFD_CLOEXEC), .size = size};
    assert_true(source.fd >= 0);
    assert_true(file_write(source.fd, bytes, size, "test.csv", &error));
    return source;
}

static const struct csv_dialect commas = {',', '"'};

struct expected {
    uint64_t line, row;
    enum rule broken;
    const char *fields; /* joined by '|' */
};

static void assert_walk(const char *bytes, size_t size, const struct expected *expected, size_t count)
{
    struct error error = {0};
    struct csv_source source = source_of(bytes, size);
    struct csv_walk *walk = csv_walk_new(&source, &commas, &error);
    struct csv_record record;
    bool end;
    for (size_t i = 0; i < count; i++) {
        struct buffer joined __attribute__((cleanup(buffer_free))) = {0};
        assert_true(csv_walk_next(walk, &record, &end, &error) && !end);
        assert_int_equal(record.line, expected[i].line);
        assert_int_equal(record.row, expected[i].row);
        assert_int_equal(record.broken, expected[i].broken);
        for (size_t f = 0; record.fields && f < record.field_count; f++) {
            buffer_append_text(&joined, f > 0 ? "|" : "");
            buffer_append_str(&joined, record.fields[f]);
        }
        buffer_append_char(&joined, 0);
        assert_string_equal(joined.data, expected[i].fields);
    }
    assert_true(csv_walk_next(walk, &record, &end, &error) && end);
    csv_walk_free(walk);
    close(source.fd);
}

static void tells_rows_lines_and_what_is_broken(void **state)
{
    (void)state;
    static const char bytes[] =
        "a,b\r\n\r\n1,\"x\ny\"\n\n2\n3,\"say \"\"hi\"\"\"\n4,x\"y\"z\n5,\xff\n6,\"\"\n7,\0\n8,last";
    static const struct expected expected[] = {
        {1, 1, RULE_COUNT, "a|b"},          {3, 2, RULE_COUNT, "1|x\ny"}, {6, 3, RULE_FIELDS, "2"},
        {7, 4, RULE_COUNT, "3|say \"hi\""}, {8, 5, RULE_QUOTING, ""},     {9, 6, RULE_ENCODING, ""},
        {10, 7, RULE_COUNT, "6|"},          {11, 8, RULE_ENCODING, ""},   {12, 9, RULE_COUNT, "8|last"},
    };
    assert_walk(bytes, sizeof bytes - 1, expected, sizeof expected / sizeof expected[0]);
}

static void an_empty_file_has_no_records(void **state)
{
    (void)state;
    assert_walk("", 0, NULL, 0);
    assert_walk("\n\r\n", 3, NULL, 0);
}

static void an_open_quote_is_told_with_its_line(void **state)
{
    (void)state;
    static const char bytes[] = "a\n1\n\"2\n3\n";
    struct error error = {0};
    struct csv_source source = source_of(bytes, sizeof bytes - 1);
    struct csv_walk *walk = csv_walk_new(&source, &commas, &error);
    struct csv_record record;
    bool end;
    assert_true(csv_walk_next(walk, &record, &end, &error) && csv_walk_next(walk, &record, &end, &error));
    assert_false(csv_walk_next(walk, &record, &end, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.message, "line 3"));
    csv_walk_free(walk);
    close(source.fd);
}

/* Records over several blocks, some longer than a block: each field comes back as it was written. */
static void records_cross_blocks(void **state)
{
    (void)state;
    struct random random;
    struct error error = {0};
    struct buffer bytes __attribute__((cleanup(buffer_free))) = {0};
    random_seed(&random, 4);
    uint64_t seeds[400];
    buffer_append_text(&bytes, "n,text\n");
    for (size_t i = 0; i < 400; i++) {
        seeds[i] = i % 100 == 50 ? 3000000 : random_below(&random, 20000);
        buffer_append_format(&bytes, "%zu,\"", i);
        for (uint64_t c = 0; c < seeds[i]; c++)
            buffer_append_text(&bytes, c % 97 == 0 ? "\"\"" : c % 89 == 0 ? "\n" : "x");
        buffer_append_text(&bytes, "\"\n");
    }
    struct csv_source source = source_of(bytes.data, bytes.length);
    struct csv_walk *walk = csv_walk_new(&source, &commas, &error);
    struct csv_record record;
    bool end;
    assert_true(csv_walk_next(walk, &record, &end, &error));
    uint64_t line = 2;
    for (size_t i = 0; i < 400; i++) {
        assert_true(csv_walk_next(walk, &record, &end, &error) && !end);
        assert_int_equal(record.broken, RULE_COUNT);
        assert_int_equal(record.line, line);
        assert_int_equal(record.fields[1].length, seeds[i]);
        for (uint64_t c = 0; c < seeds[i]; c++) {
            char wanted = c % 97 == 0 ? '"' : c % 89 == 0 ? '\n' : 'x';
            line += wanted == '\n';
            if (record.fields[1].data[c] != wanted) fail_msg("record %zu differs at %llu", i, (unsigned long long)c);
        }
        line++;
    }
    assert_true(csv_walk_next(walk, &record, &end, &error) && end);
    csv_walk_free(walk);
    close(source.fd);
}

static bool walk_all(void *context, struct error *error)
{
    struct csv_walk *walk = csv_walk_new(context, &commas, error);
    struct csv_record record;
    bool end = false;
    bool good = walk != NULL;
    while (good && !end) good = csv_walk_next(walk, &record, &end, error);
    csv_walk_free(walk);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char bytes[] = "a,b\n1,\"\"\"x\"\n2,3,4,5\n";
    struct csv_source source = source_of(bytes, sizeof bytes - 1);
    torture_walk(walk_all, &source);
    close(source.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_rows_lines_and_what_is_broken), cmocka_unit_test(an_empty_file_has_no_records),
        cmocka_unit_test(an_open_quote_is_told_with_its_line), cmocka_unit_test(records_cross_blocks),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

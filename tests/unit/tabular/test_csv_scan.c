#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "support/unit.h"
#include "tabular/csv_scan_forms.h"

static const struct csv_dialect COMMA = {',', '"'};

/* What one form found, in memory of its own. */
struct found {
    struct csv_index index;
    size_t consumed;
    bool inside;
};

static void found_make(struct found *found, size_t size)
{
    struct error error;

    found->index.ends = memory_array(size + 64, sizeof *found->index.ends, &error);
    found->index.record_ends = memory_array(size + 64, sizeof *found->index.record_ends, &error);
    assert_non_null(found->index.ends);
    assert_non_null(found->index.record_ends);
}

static void found_free(struct found *found)
{
    memory_free(found->index.ends);
    memory_free(found->index.record_ends);
}

static void expect_same(const struct found *found, const struct found *expected, const char *form)
{
    const struct csv_index *index = &found->index;
    const struct csv_index *wanted = &expected->index;

    if (found->inside != expected->inside || found->consumed != expected->consumed ||
        index->field_count != wanted->field_count || index->record_count != wanted->record_count) {
        fail_msg("%s: %zu fields, %zu records, %zu bytes, inside %d; not %zu, %zu, %zu, %d", form, index->field_count,
                 index->record_count, found->consumed, found->inside, wanted->field_count, wanted->record_count,
                 expected->consumed, expected->inside);
    }
    assert_memory_equal(index->ends, wanted->ends, wanted->field_count * sizeof *wanted->ends);
    assert_memory_equal(index->record_ends, wanted->record_ends, wanted->record_count * sizeof *wanted->record_ends);
    assert_int_equal(index->traits.has_quote, wanted->traits.has_quote);
    assert_int_equal(index->traits.has_cr, wanted->traits.has_cr);
    assert_int_equal(index->traits.has_nul, wanted->traits.has_nul);
    assert_int_equal(index->traits.has_non_ascii, wanted->traits.has_non_ascii);
}

/* All forms say of `data`, which has CSV_PADDING readable bytes on both sides, what the scalar one says. */
static void expect_forms_agree(const char *data, size_t size, const struct csv_dialect *dialect)
{
    size_t count;
    const struct csv_form *forms = csv_forms(&count);
    struct found expected = {0};
    struct found found = {0};
    struct csv_block_facts expected_facts;

    found_make(&expected, size);
    found_make(&found, size);
    expected.inside = csv_scan_scalar(data, size, dialect, &expected.index, &expected.consumed);
    csv_block_facts_scalar(data, size, dialect, &expected_facts);
    for (size_t i = 0; i < count; i++) {
        struct csv_block_facts facts;

        if (!forms[i].available()) {
            continue;
        }
        found.inside = forms[i].scan(data, size, dialect, &found.index, &found.consumed);
        expect_same(&found, &expected, forms[i].name);
        forms[i].facts(data, size, dialect, &facts);
        assert_int_equal(facts.odd_quotes, expected_facts.odd_quotes);
        assert_int_equal(facts.first_newline_outside, expected_facts.first_newline_outside);
        assert_int_equal(facts.first_newline_inside, expected_facts.first_newline_inside);
        assert_int_equal(facts.newlines, expected_facts.newlines);
    }
    found_free(&expected);
    found_free(&found);
}

/* Bytes with padding on both sides, to be written to and scanned. */
static char *padded(size_t size, char fill)
{
    struct error error;
    char *room = memory_array(size + 2 * CSV_PADDING, 1, &error);

    assert_non_null(room);
    memset(room, fill, size + 2 * CSV_PADDING);
    return room;
}

/* The dump of a scan: fields in brackets, a newline after each record, then what is left over. */
static void dump(const char *text, size_t size, const struct csv_dialect *dialect, char *room, size_t room_size)
{
    struct found found = {0};
    size_t at = 0;
    size_t field = 0;
    size_t length = 0;

    found_make(&found, size);
    found.inside = csv_scan_scalar(text, size, dialect, &found.index, &found.consumed);
    for (size_t record = 0; record < found.index.record_count; record++) {
        for (; field < found.index.record_ends[record]; field++) {
            size_t end = found.index.ends[field];

            length += (size_t)snprintf(room + length, room_size - length, "[%.*s]", (int)(end - at), text + at);
            at = end + 1;
        }
        length += (size_t)snprintf(room + length, room_size - length, "/");
    }
    assert_int_equal(at, found.consumed);
    snprintf(room + length, room_size - length, "%s%.*s", found.inside ? "in:" : "", (int)(size - at), text + at);
    found_free(&found);
}

/* The specification itself, by hand. */
static void test_fields_and_records(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"a,b\nc,d\n", "[a][b]/[c][d]/"},
        {"a,b\nc,d", "[a][b]/c,d"},
        {"\n\n", "[]/[]/"},
        {",\n", "[][]/"},
        {"a,b\r\nc\r\n", "[a][b\r]/[c\r]/"},
        {"\"a,b\",c\n", "[\"a,b\"][c]/"},
        {"\"a\nb\",c\nd\n", "[\"a\nb\"][c]/[d]/"},
        {"\"a\"\"b,\"\"\",c\n", "[\"a\"\"b,\"\"\"][c]/"},
        {"a\n\"b,c\nd\n", "[a]/in:\"b,c\nd\n"},
        {"a\n\"b\",c", "[a]/\"b\",c"},
        {"a\"b,c\nd\"e,f\n", "[a\"b,c\nd\"e][f]/"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char room[200];

        dump(cases[i].text, strlen(cases[i].text), &COMMA, room, sizeof room);
        assert_string_equal(room, cases[i].expected);
    }
}

static void test_dialects(void **state)
{
    (void)state;
    static const struct csv_dialect semicolon = {';', '\''};
    static const struct csv_dialect unquoted = {'\t', '\0'};
    char room[200];

    dump("a,b;'c;d'\n", 10, &semicolon, room, sizeof room);
    assert_string_equal(room, "[a,b]['c;d']/");
    dump("\"a\t\"b\n", 7, &unquoted, room, sizeof room);
    assert_string_equal(room, "[\"a][\"b]/");
}

static void expect_traits(const char *text, size_t size, const struct csv_dialect *dialect, const char *expected)
{
    struct found found = {0};
    char room[10];

    found_make(&found, size);
    csv_scan_scalar(text, size, dialect, &found.index, &found.consumed);
    snprintf(room, sizeof room, "%s%s%s%s", found.index.traits.has_quote ? "q" : "",
             found.index.traits.has_cr ? "r" : "", found.index.traits.has_nul ? "0" : "",
             found.index.traits.has_non_ascii ? "u" : "");
    assert_string_equal(room, expected);
    found_free(&found);
}

/* All bytes count, those of the unfinished rest too. */
static void test_traits(void **state)
{
    (void)state;
    static const struct csv_dialect unquoted = {',', '\0'};

    expect_traits("a,b\n", 4, &COMMA, "");
    expect_traits("a,\"\"\n", 5, &COMMA, "q");
    expect_traits("a,\"\"\n", 5, &unquoted, "");
    expect_traits("a,b\r\n", 5, &COMMA, "r");
    expect_traits("a,\0\n", 4, &COMMA, "0");
    expect_traits("a,\0\n", 4, &unquoted, "0");
    expect_traits("a,\xc3\xa9\n", 5, &COMMA, "u");
    expect_traits("a\n\"\r\0\x80", 6, &COMMA, "qr0u");
}

static void test_block_facts(void **state)
{
    (void)state;
    struct csv_block_facts facts;

    csv_block_facts("a\"b\nc\"d\ne\n", 11, &COMMA, &facts);
    assert_false(facts.odd_quotes);
    assert_int_equal(facts.first_newline_outside, 7);
    assert_int_equal(facts.first_newline_inside, 3);
    assert_int_equal(facts.newlines, 3);
    csv_block_facts("a\nb\"", 4, &COMMA, &facts);
    assert_true(facts.odd_quotes);
    assert_int_equal(facts.first_newline_outside, 1);
    assert_int_equal(facts.first_newline_inside, 4);
    csv_block_facts("", 0, &COMMA, &facts);
    assert_int_equal(facts.first_newline_outside, 0);
    assert_int_equal(facts.newlines, 0);
}

/* Every size and every place in a cache line, of bytes where each matters. */
static void test_sizes_and_alignments(void **state)
{
    (void)state;
    static const char alphabets[][20] = {"abc,\n", "ab,\"\n", "a,\n\r\"\xff", ",\n", "\"\n", "aaaaaaaaaaaaaaa,\n\""};
    struct random random;
    char *room = padded(400, '\"');

    random_seed(&random, 1);
    for (size_t size = 0; size <= 300; size++) {
        const char *alphabet = alphabets[size % 6];
        size_t letters = strlen(alphabet);
        char *data = room + CSV_PADDING + size % 67;

        for (size_t i = 0; i < size; i++) {
            data[i] = alphabet[random_below(&random, letters)];
        }
        for (size_t at = 0; at < 64 && at <= size; at++) {
            expect_forms_agree(data + at, size - at, &COMMA);
        }
    }
    memory_free(room);
}

/* Random bytes of every value, in dialects that make each of them special once. */
static void test_random_bytes(void **state)
{
    (void)state;
    struct random random;
    char *room = padded(5000, '\0');
    char *data = room + CSV_PADDING;

    random_seed(&random, 2);
    for (unsigned round = 0; round < 512; round++) {
        size_t size = random_below(&random, 5000);
        struct csv_dialect dialect = {(char)(round % 256), (char)(random_below(&random, 256))};

        if (dialect.delimiter == '\n' || dialect.quote == '\n' || dialect.delimiter == dialect.quote) {
            continue;
        }
        for (size_t i = 0; i < size; i++) {
            uint64_t kind = random_below(&random, 8);

            data[i] = kind == 0   ? '\n'
                      : kind == 1 ? dialect.delimiter
                      : kind == 2 ? dialect.quote
                                  : (char)random_below(&random, 256);
        }
        expect_forms_agree(data, size, &dialect);
    }
    memory_free(room);
}

/* Lines as they come: long runs without quotes, then a few cells with all that quotes can hold. */
static void test_plain_lines_with_some_quotes(void **state)
{
    (void)state;
    static const char *const cells[] = {
        "ORD0001234", "2", "19.99", "\"a,\n\"\"b\"\"\"", "", "A rather long product name", "\"\"", "x\r"};
    struct random random;
    char *room = padded(20000, ',');
    char *data = room + CSV_PADDING;

    random_seed(&random, 3);
    for (unsigned round = 0; round < 100; round++) {
        size_t size = 0;

        while (size < 19000) {
            uint64_t pick = random_below(&random, round % 3 == 0 ? 8 : 400);
            const char *cell = cells[pick < 8 ? pick : pick % 3];

            memcpy(data + size, cell, strlen(cell));
            size += strlen(cell);
            data[size++] = random_below(&random, 10) == 0 ? '\n' : ',';
        }
        expect_forms_agree(data, size, &COMMA);
    }
    memory_free(room);
}

static void test_large_cell(void **state)
{
    (void)state;
    size_t size = 10 << 20;
    char *room = padded(size, ',');
    char *data = room + CSV_PADDING;

    for (size_t i = 0; i < size; i += 7) {
        data[i] = '\n';
    }
    data[0] = '"';
    memcpy(data + size - 4, "\",b\n", 4);
    expect_forms_agree(data, size, &COMMA);
    data[size - 4] = 'a';
    expect_forms_agree(data, size, &COMMA);
    memory_free(room);
}

/* A place, each of a block's in turn, where one byte of another kind stands. */
static void test_one_byte_of_each_trait(void **state)
{
    (void)state;
    static const char marks[] = {'\r', '\0', '\x80', '\xff', '"', '\x01', '\x7f'};
    char *room = padded(300, '\0');
    char *data = room + CSV_PADDING;

    for (size_t mark = 0; mark < sizeof marks; mark++) {
        for (size_t at = 0; at < 260; at++) {
            memset(data, 'a', 260);
            data[259] = '\n';
            data[at] = marks[mark];
            expect_forms_agree(data, 260, &COMMA);
            expect_forms_agree(data, at, &COMMA);
        }
    }
    memory_free(room);
}

static void expect_field(const char *raw, size_t size, const char *expected)
{
    char room[100];
    const char *value = NULL;
    size_t value_size = 0;
    bool good = csv_field_value(raw, size, '"', room, &value, &value_size);

    assert_int_equal(good, expected != NULL);
    if (good) {
        assert_int_equal(value_size, strlen(expected));
        assert_memory_equal(value, expected, value_size);
    } else {
        assert_ptr_equal(value, raw);
        assert_int_equal(value_size, size);
    }
}

static void test_field_values(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"a b", "a b"},
        {"\"\"", ""},
        {"\"a,b\"", "a,b"},
        {"\"\"\"\"", "\""},
        {"\"a\"\"b\"", "a\"b"},
        {"\"\"\"a\"\"\"", "\"a\""},
        {"\"a\"\"\"\"b\"\"c\"", "a\"\"b\"c"},
        {"\"", NULL},
        {"\"a", NULL},
        {"\"\"\"", NULL},
        {"\"a\"\"", NULL},
        {"\"a\"b", NULL},
        {"\"a\"\"b\"c", NULL},
        {"\"a\" ", NULL},
        {" \"a\"", NULL},
        {"a\"b", NULL},
        {"a\"", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_field(cases[i].raw, strlen(cases[i].raw), cases[i].expected);
    }
}

/* Without a quote character a quote is a byte as any other. */
static void test_field_values_unquoted(void **state)
{
    (void)state;
    const char *value = NULL;
    size_t size = 0;

    assert_true(csv_field_value("\"a", 2, '\0', NULL, &value, &size));
    assert_int_equal(size, 2);
    assert_memory_equal(value, "\"a", 2);
}

/* Whatever text is quoted reads as itself, with any bytes in it. */
static void test_quoted_text_reads_as_itself(void **state)
{
    (void)state;
    struct random random;

    random_seed(&random, 4);
    for (unsigned round = 0; round < 5000; round++) {
        char text[40];
        char raw[100];
        char room[100];
        size_t size = random_below(&random, sizeof text);
        size_t raw_size = 0;

        raw[raw_size++] = '"';
        for (size_t i = 0; i < size; i++) {
            text[i] = random_below(&random, 3) == 0 ? '"' : (char)random_below(&random, 256);
            raw[raw_size++] = text[i];
            if (text[i] == '"') {
                raw[raw_size++] = '"';
            }
        }
        raw[raw_size++] = '"';

        const char *value = NULL;
        size_t value_size = 0;

        assert_true(csv_field_value(raw, raw_size, '"', room, &value, &value_size));
        assert_int_equal(value_size, size);
        assert_memory_equal(value, text, size);
    }
}

static void test_choice_of_a_form(void **state)
{
    (void)state;
    size_t count;
    const struct csv_form *forms = csv_forms(&count);

    for (size_t i = 0; i < count; i++) {
        struct csv_block_facts facts;
        struct found found = {0};
        char *room = padded(4, '\n');

        setenv("AISLE_SIMD", forms[i].name, 1);
        memcpy(room + CSV_PADDING, "a,b\n", 4);
        found_make(&found, 4);
        assert_false(csv_scan(room + CSV_PADDING, 4, &COMMA, &found.index, &found.consumed));
        assert_int_equal(found.index.field_count, 2);
        assert_int_equal(found.index.ends[1], 3);
        csv_block_facts(room + CSV_PADDING, 4, &COMMA, &facts);
        assert_int_equal(facts.newlines, 1);
        found_free(&found);
        memory_free(room);
    }
    unsetenv("AISLE_SIMD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_records),
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_traits),
        cmocka_unit_test(test_block_facts),
        cmocka_unit_test(test_sizes_and_alignments),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_plain_lines_with_some_quotes),
        cmocka_unit_test(test_large_cell),
        cmocka_unit_test(test_one_byte_of_each_trait),
        cmocka_unit_test(test_field_values),
        cmocka_unit_test(test_field_values_unquoted),
        cmocka_unit_test(test_quoted_text_reads_as_itself),
        cmocka_unit_test(test_choice_of_a_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

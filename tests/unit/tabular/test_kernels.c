#include "support/unit.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "tabular/csv_scan.h"
#include "tabular/kernels.h"

/* A field, texts that its kernels must take without a doubt, and texts near the edges of what is right. */
struct sort {
    const char *field;
    const char *plain[12];
    const char *odd[24];
};

static const struct sort sorts[] = {
    {"\"type\": \"string\", \"intern\": true, \"constraints\": {\"required\": true}",
     {"0", "7", "42", "12345678", "123456789", "1234567890123456", "P1001", "abcdefg"},
     {"",
      "00",
      "01",
      "007",
      "0123456789",
      "-1",
      "+1",
      " 1",
      "1 ",
      "12345678901234567",
      "123456789012345678",
      "1234567890123456789",
      "ORD0000123",
      "caf\xc3\xa9",
      "\t",
      "1.0",
      "99999999999999999999",
      "a",
      "delivered",
      "a text of more than thirty-two bytes",
      "12a",
      "a12",
      "1:",
      "1/"}},
    {"\"type\": \"string\", \"intern\": true, \"missingValues\": [\"\", \"N/A\", \"-\", \"unknown\", \"no value\"]",
     {"", "0", "7", "42", "shipped", "N/B", "--"},
     {"N/A", "-", "unknown", "no value", "no valuE", "n/a"}},
    {"\"type\": \"string\", \"intern\": true, \"missingValues\": [\"0\", \"999\"]",
     {""},
     {"0", "999", "00", "9", "9999"}},
    {"\"type\": \"string\", \"intern\": true, \"constraints\": {\"enum\": [\"delivered\", \"returned\", \"12\"]},"
     " \"severity\": {\"enum\": \"warning\"}",
     {""},
     {"delivered", "returned", "12", "13", "Delivered", "delivere", "delivered!", " delivered"}},
    {"\"type\": \"string\", \"intern\": true, \"trim\": false", {"", "5", "x"}, {" 5", "5 ", " ", "  "}},
    {"\"type\": \"string\", \"constraints\": {\"required\": true, \"minLength\": 2, \"maxLength\": 4}",
     {"ab", "abcd"},
     {"", "a", "abcde", "\xc3\xa9", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", " ab ", "  "}},
    {"\"type\": \"integer\"",
     {"", "0", "1", "12345678", "123456789", "-5", "007", "1234567890123456", "123456789012345678"},
     {"-", "+5", "--5", "5.0", "5.", "1e3", " 5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
      "99999999999999999999", "-0", "12a", "/", ":"}},
    {"\"type\": \"integer\", \"constraints\": {\"required\": true, \"exclusiveMinimum\": 0, \"maximum\": 300}",
     {"1", "299", "300"},
     {"", "0", "301", "-1", "1000000", "0000300", "00000000000000300", "99999999999999999999"}},
    {"\"type\": \"integer\", \"missingValues\": [\"-1\", \"\"]", {""}, {"-1", "1", "-10"}},
    {"\"type\": \"number\", \"scale\": 2, \"constraints\": {\"required\": true, \"minimum\": 0}",
     {"0", "81.64", "30.9", "120", "9999.99", "0.01", "123456.78", "1234567890.12"},
     {"",
      ".5",
      "5.",
      ".",
      "-1",
      "-0",
      "-0.00",
      "1.234",
      "1.230",
      "1..2",
      "1.2.3",
      "..",
      "1.2.",
      "1e2",
      "00.5",
      "007",
      "12345678",
      "123456789",
      "1234567.8",
      "1,5",
      "123456789012345.67",
      "1234567890123456.78",
      "nan",
      "1.2a"}},
    {"\"type\": \"number\", \"scale\": 4, \"constraints\": {\"minimum\": -5, \"exclusiveMaximum\": 10}",
     {"", "-5", "-0.25", "9.9999", "0.5"},
     {"-5.0001", "10", "10.0", "9.99999", "9.999999999", "-5.00010", "5.12340"}},
    {"\"type\": \"number\", \"scale\": 12", {"", "1.5", "3", "1.12345"}, {"1.123456", "1.1234567890123", "1234567"}},
    {"\"type\": \"number\", \"scale\": 0", {"", "15", "3"}, {"1.0", "1.5", "3."}},
    {"\"type\": \"number\", \"decimalChar\": \",\"", {""}, {"1,5", "1.5", "15"}},
    {"\"type\": \"date\"",
     {"", "2025-03-30", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1970-01-01", "1900-02-28"},
     {"2025-02-29", "1900-02-29", "2025-04-31", "2025-00-10", "2025-13-01", "2025-10-00", "2025-10-32", "0000-01-01",
      "2025/03/30", "2025-3-30", "2025-03-3", "20250330", "2025-03-30T", "2025-03-30T00:00:00", "x025-03-30",
      " 2025-03-30"}},
    {"\"type\": \"date\", \"constraints\": {\"minimum\": \"2025-01-01\", \"exclusiveMaximum\": \"2025-02-01\"}",
     {"", "2025-01-01", "2025-01-31"},
     {"2024-12-31", "2025-02-01"}},
    {"\"type\": \"datetime\"",
     {"", "2025-03-30T17:09:26", "2024-02-29T23:59:59", "0001-01-01T00:00:00", "9999-12-31T23:59:59",
      "1969-12-31T23:59:59"},
     {"2025-03-30 17:09:26", "2025-03-30t17:09:26", "2025-03-30T24:00:00", "2025-03-30T17:60:26", "2025-03-30T17:09:60",
      "2025-02-30T00:00:00", "2025-03-30T17:09:26Z", "2025-03-30T17:09:26.5", "2025-03-30T17:09", "2025-03-30",
      "2025-03-30T17:09:2", "2025-03-30T17-09-26", "2025-03-30T17:09:26+02:00", "0000-03-30T17:09:26"}},
    {"\"type\": \"datetime\", \"format\": \"any\"",
     {"", "2025-03-30T17:09:26"},
     {"2025-03-30", "2025-03-30 17:09:26", "2025-02-30", "2025-03-30T17:09", "0000-00-00"}},
    {"\"type\": \"datetime\", \"format\": \"any\", \"constraints\": {\"required\": true,"
     " \"minimum\": \"2025-01-01T00:00:00\", \"maximum\": \"2025-01-31T00:00:00.5\"}",
     {"2025-01-01T00:00:00", "2025-01-31T00:00:00"},
     {"", "2024-12-31T23:59:59", "2025-01-31T00:00:01", "2025-01-15", "2025-02-15"}},
    {"\"type\": \"datetime\", \"format\": \"%d/%m/%Y %H:%M\"", {""}, {"30/03/2025 17:09", "2025-03-30T17:09:26"}},
    {"\"type\": \"boolean\"", {""}, {"true", "false", "yes", "1", "0", "True"}},
    {"\"type\": \"year\"", {""}, {"2025", "0000", "25", "02025"}},
    {"\"type\": \"integer\", \"default\": 1", {"5"}, {""}},
};

#define SORT_COUNT (sizeof sorts / sizeof sorts[0])

struct bench {
    struct arena *arena;
    struct schema *schema;
    struct terms *terms;
    struct kernel_cache *cache;
    struct kernel kernel;
};

static void bench_begin(struct bench *bench, const struct sort *sort, enum kernel_tier tier)
{
    struct error error = {0};
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_format(&text, "{\"fields\": [{\"name\": \"it\", %s}]}", sort->field);
    json_t *json = json_read(text.data, text.length, "schema", &error);
    bench->arena = arena_new(0, &error);
    bench->schema = json == NULL ? NULL : schema_compile(bench->arena, json, "schema", &error);
    if (bench->schema == NULL) print_error("%s: %s\n", sort->field, error.message);
    assert_non_null(bench->schema);
    bench->terms = terms_new(&error);
    bench->cache = memory_array(1, sizeof *bench->cache, &error);
    assert_non_null(bench->cache);
    kernel_cache_init(bench->cache);
    kernel_choose(&bench->kernel, &bench->schema->fields[0], tier, bench->terms);
    json_decref(json);
    buffer_free(&text);
}

static void bench_end(struct bench *bench)
{
    memory_free(bench->cache);
    terms_free(bench->terms);
    schema_free(bench->schema);
    arena_free(bench->arena);
}

/* Cells one after the other, each ended by a comma, between padding. */
struct cell_room {
    struct buffer bytes;
    uint32_t starts[KERNEL_ROWS], ends[KERNEL_ROWS];
    size_t count;
};

static void room_begin(struct cell_room *room)
{
    char padding[CSV_PADDING];
    memset(padding, '7', sizeof padding);
    buffer_init(&room->bytes, 0);
    buffer_append(&room->bytes, padding, sizeof padding);
    room->count = 0;
}

static void room_add(struct cell_room *room, struct str text)
{
    room->starts[room->count] = (uint32_t)room->bytes.length - 1;
    buffer_append_str(&room->bytes, text);
    room->ends[room->count++] = (uint32_t)room->bytes.length;
    buffer_append_char(&room->bytes, ',');
}

/* Runs the kernel and holds what it takes to field_judge, which then teaches the cache. Returns how many it took. */
static size_t room_run(struct cell_room *room, struct bench *bench)
{
    char padding[CSV_PADDING];
    memset(padding, '5', sizeof padding);
    buffer_append(&room->bytes, padding, sizeof padding);
    bool ascii = true;
    for (size_t i = 0; i < room->bytes.length; i++) ascii = ascii && (unsigned char)room->bytes.data[i] < 0x80;
    struct cells cells = {room->bytes.data, room->starts, 1, room->ends, room->count, ascii};
    int64_t values[KERNEL_ROWS + 16];
    uint64_t doubtful[KERNEL_WORDS] = {0};
    bench->kernel.run(&bench->kernel, bench->cache, &cells, values, doubtful);
    size_t taken = 0;
    const struct field *field = &bench->schema->fields[0];
    for (size_t i = 0; i < room->count; i++) {
        struct str text = cell_at(&cells, i);
        struct verdict verdict;
        field_judge(bench->schema, field, text, bench->terms, &verdict);
        bool right = verdict.broken == 0 && verdict.warned == 0;
        if (right && bench->kernel.cached) kernel_cache_put(bench->cache, text, verdict.value);
        if ((doubtful[i / 64] >> (i % 64) & 1) != 0) continue;
        taken++;
        int64_t value = values[i] == COLUMN_NULL ? COLUMN_NULL : values[i] * bench->kernel.unit;
        if (!right || (field->kind != COLUMN_TEXT && value != verdict.value)) {
            print_error("%s: <%.*s> taken as %lld, judged %s %lld\n", bench->schema->name, STR_ARGS(text),
                        (long long)value, right ? "right" : "wrong", (long long)verdict.value);
            fail();
        }
    }
    buffer_free(&room->bytes);
    return taken;
}

static void each_sort(void (*check)(const struct sort *sort, struct bench *bench))
{
    for (size_t i = 0; i < SORT_COUNT; i++)
        for (enum kernel_tier tier = KERNEL_SCALAR; tier <= KERNEL_AVX2; tier++) {
            struct bench bench;
            bench_begin(&bench, &sorts[i], tier);
            check(&sorts[i], &bench);
            bench_end(&bench);
        }
}

static size_t count_texts(const char *const *texts, size_t most)
{
    size_t count = 0;
    while (count < most && texts[count] != NULL) count++;
    return count;
}

static void check_plain(const struct sort *sort, struct bench *bench)
{
    size_t texts = count_texts(sort->plain, 12);
    for (size_t count = 1; count <= KERNEL_ROWS; count += count < 20 ? 1 : 59) {
        struct cell_room room;
        room_begin(&room);
        for (size_t i = 0; i < count; i++) room_add(&room, str_of(sort->plain[i % texts]));
        if (room_run(&room, bench) != count) {
            print_error("%s: of its plain cells some are doubted\n", sort->field);
            fail();
        }
    }
}

static void test_plain_cells_are_taken(void **state)
{
    (void)state;
    each_sort(check_plain);
}

/* A text of the sort's lists, most times as it is, else with a few bytes changed. */
static struct str mutated(const struct sort *sort, struct random *random, char room[80])
{
    static const char bytes[] = "0123456789.-+:T ,eZ/\"aN\xc3\xa9\x00\t";
    size_t plain = count_texts(sort->plain, 12);
    size_t odd = count_texts(sort->odd, 24);
    size_t pick = random_below(random, plain + odd);
    struct str text = str_of(pick < plain ? sort->plain[pick] : sort->odd[pick - plain]);
    memcpy(room, text.data, text.length);
    for (uint64_t changes = random_below(random, 4); changes > 1 && text.length > 0; changes--) {
        size_t at = random_below(random, text.length);
        char byte = bytes[random_below(random, sizeof bytes - 1)];
        uint64_t way = random_below(random, 4);
        if (way == 0) {
            memmove(room + at, room + at + 1, --text.length - at);
        } else if (way == 1 && text.length < 70) {
            memmove(room + at + 1, room + at, text.length++ - at);
            room[at] = byte;
        } else {
            room[at] = byte;
        }
    }
    return str_slice(room, text.length);
}

static void check_mutated(const struct sort *sort, struct bench *bench)
{
    struct random random;
    random_seed(&random, (uint64_t)(sort - sorts) + 100);
    for (int round = 0; round < 400; round++) {
        struct cell_room room;
        room_begin(&room);
        size_t count = 1 + random_below(&random, round % 4 == 0 ? KERNEL_ROWS : 20);
        for (size_t i = 0; i < count; i++) {
            char bytes[80];
            room_add(&room, mutated(sort, &random, bytes));
        }
        room_run(&room, bench);
    }
}

static void test_what_is_taken_is_right(void **state)
{
    (void)state;
    each_sort(check_mutated);
}

static void check_random(const struct sort *sort, struct bench *bench)
{
    struct random random;
    random_seed(&random, (uint64_t)(sort - sorts) + 200);
    for (int round = 0; round < 100; round++) {
        struct cell_room room;
        room_begin(&room);
        for (size_t i = 0; i < KERNEL_ROWS; i++) {
            char bytes[24];
            size_t length = random_below(&random, sizeof bytes);
            uint64_t spread = 1 + random_below(&random, 16);
            for (size_t j = 0; j < length; j++) bytes[j] = (char)('*' + random_below(&random, spread));
            room_add(&room, str_slice(bytes, length));
        }
        room_run(&room, bench);
    }
}

static void test_random_cells(void **state)
{
    (void)state;
    each_sort(check_random);
}

/* Every day there is, and those there are not. */
static void test_all_days(void **state)
{
    (void)state;
    static const struct sort dates = {"\"type\": \"date\"", {""}, {NULL}};
    static const struct sort moments = {"\"type\": \"datetime\", \"format\": \"any\"", {""}, {NULL}};
    for (int which = 0; which < 2; which++)
        for (enum kernel_tier tier = KERNEL_SCALAR; tier <= KERNEL_AVX2; tier++) {
            struct bench bench;
            bench_begin(&bench, which == 0 ? &dates : &moments, tier);
            for (unsigned year = 0; year < 10000; year += year < 30 || year > 1890 ? 1 : 37) {
                struct cell_room room;
                room_begin(&room);
                for (unsigned month = 0; month <= 13; month++)
                    for (unsigned day = 0; day <= 32; day += day == 1 ? 27 : 1) {
                        char text[40];
                        snprintf(text, sizeof text, "%04u-%02u-%02u%s", year, month, day,
                                 which == 0 ? "" : "T12:34:56");
                        room_add(&room, str_of(text));
                    }
                room_run(&room, &bench);
                year += year > 2110 ? 36 : 0;
            }
            bench_end(&bench);
        }
}

static void test_cache_keeps_texts_apart(void **state)
{
    (void)state;
    struct error error = {0};
    struct kernel_cache *cache = memory_array(1, sizeof *cache, &error);
    assert_non_null(cache);
    static const struct sort sort = {"\"type\": \"boolean\"", {""}, {NULL}};
    struct bench bench;
    bench_begin(&bench, &sort, KERNEL_AVX2);
    for (int round = 0; round < 3; round++) {
        struct cell_room room;
        room_begin(&room);
        for (size_t i = 0; i < 60; i++) room_add(&room, str_of(i % 3 == 0 ? "true" : i % 3 == 1 ? "false" : ""));
        assert_int_equal(room_run(&room, &bench), round == 0 ? 20 : 60);
    }
    bench_end(&bench);
    memory_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_cells_are_taken),
        cmocka_unit_test(test_what_is_taken_is_right),
        cmocka_unit_test(test_random_cells),
        cmocka_unit_test(test_all_days),
        cmocka_unit_test(test_cache_keeps_texts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

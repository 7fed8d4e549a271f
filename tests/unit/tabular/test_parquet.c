#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/random.h"
#include "support/torture.h"
#include "support/unit.h"
#include "tabular/parquet.h"

/* A table in memory: the model that files are compared with. */
enum { MOST_COLUMNS = 12, MOST_GROUPS = 4 };

struct model {
    struct parquet_field fields[MOST_COLUMNS];
    size_t columns;
    size_t group_rows[MOST_GROUPS];
    size_t groups;
    struct parquet_values values[MOST_GROUPS][MOST_COLUMNS];
    struct terms *terms;
};

/* A file in memory that has a path. */
struct memory_file {
    int fd;
    char path[64];
};

static struct memory_file new_file(void)
{
    struct memory_file file = {.fd = memfd_create("test", MFD_CLOEXEC)};

    assert_true(file.fd >= 0);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

static bool write_groups(struct parquet_writer *writer, const struct model *model, struct error *error)
{
    for (size_t group = 0; group < model->groups; group++) {
        if (!parquet_write_group(writer, model->values[group], model->group_rows[group], error)) {
            return false;
        }
    }
    return true;
}

static uint64_t write_model(const struct model *model, enum parquet_codec codec, const struct memory_file *file)
{
    struct error error = {0};
    uint64_t size = 0;
    struct parquet_writer *writer =
        parquet_create(file->fd, file->path, model->fields, model->columns, codec, model->terms, &error);

    assert_non_null(writer);
    if (!write_groups(writer, model, &error) || !parquet_finish(writer, &size, &error)) {
        fail_msg("%s", error.message);
    }
    parquet_writer_free(writer);
    assert_int_equal(size, (uint64_t)lseek(file->fd, 0, SEEK_END));
    return size;
}

static void compare_numbers(struct parquet_reader *reader, const struct model *model, size_t group, size_t column)
{
    struct error error = {0};
    size_t rows = model->group_rows[group];
    int64_t *values = calloc(rows + 1, sizeof *values);
    const int64_t *expected = model->values[group][column].values;

    if (!parquet_read_column(reader, group, column, model->terms, values, NULL, &error)) {
        fail_msg("%s", error.message);
    }
    for (size_t i = 0; i < rows; i++) {
        if (values[i] != expected[i]) {
            fail_msg("column %s, row %zu: %lld, not %lld", model->fields[column].name, i, (long long)values[i],
                     (long long)expected[i]);
        }
    }
    free(values);
}

static void compare_texts(struct parquet_reader *reader, const struct model *model, size_t group, size_t column)
{
    struct error error = {0};
    size_t rows = model->group_rows[group];
    struct str *texts = calloc(rows + 1, sizeof *texts);
    const struct str *expected = model->values[group][column].texts;

    if (!parquet_read_column(reader, group, column, NULL, NULL, texts, &error)) {
        fail_msg("%s", error.message);
    }
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(texts[i].data == NULL, expected[i].data == NULL);
        if (!str_equal(texts[i], expected[i])) {
            fail_msg("column %s, row %zu: \"%.*s\", not \"%.*s\"", model->fields[column].name, i, STR_ARGS(texts[i]),
                     STR_ARGS(expected[i]));
        }
    }
    free(texts);
}

static void compare(const struct model *model, const char *path)
{
    struct error error = {0};
    struct parquet_reader *reader = parquet_open(path, &error);

    if (reader == NULL) {
        fail_msg("%s", error.message);
    }
    uint64_t rows = 0;
    size_t filled = 0;

    for (size_t group = 0; group < model->groups; group++) {
        rows += model->group_rows[group];
        filled += model->group_rows[group] > 0;
    }
    assert_int_equal(parquet_row_count(reader), rows);
    assert_int_equal(parquet_field_count(reader), model->columns);
    assert_int_equal(parquet_group_count(reader), filled);
    for (size_t column = 0; column < model->columns; column++) {
        const struct parquet_field *field = parquet_field_at(reader, column);
        enum column_kind kind = model->fields[column].kind;

        assert_string_equal(field->name, model->fields[column].name);
        assert_int_equal(field->kind, kind == COLUMN_TERM ? COLUMN_TEXT : kind);
        assert_int_equal(field->scale, kind == COLUMN_DECIMAL ? model->fields[column].scale : 0);
        assert_int_equal(parquet_find(reader, field->name), column);
    }
    assert_int_equal(parquet_find(reader, "no such column"), -1);
    for (size_t group = 0, at = 0; group < model->groups; group++) {
        if (model->group_rows[group] == 0) {
            continue;
        }
        assert_int_equal(parquet_group_rows(reader, at), model->group_rows[group]);
        assert_int_equal(at++, group);
        for (size_t column = 0; column < model->columns; column++) {
            if (model->fields[column].kind == COLUMN_TEXT) {
                compare_texts(reader, model, group, column);
            } else {
                compare_numbers(reader, model, group, column);
            }
        }
    }
    parquet_reader_free(reader);
}

/* Writes with each codec and compares; leaves the sizes for who wants to judge them. */
static void round_trip(const struct model *model, uint64_t sizes[3])
{
    for (enum parquet_codec codec = PARQUET_UNCOMPRESSED; codec <= PARQUET_ZSTD; codec++) {
        struct memory_file file = new_file();

        sizes[codec] = write_model(model, codec, &file);
        compare(model, file.path);
        close(file.fd);
    }
}

/* How the values of a random column look; each leads the writer another way. */
enum shape { SHAPE_RANDOM, SHAPE_ASCENDING, SHAPE_FEW, SHAPE_CONSTANT, SHAPE_REPEATING, SHAPE_MANY_THEN_FEW, SHAPES };

static int64_t next_number(struct random *random, enum shape shape, int64_t before, size_t row, int64_t bound)
{
    switch (shape) {
    case SHAPE_ASCENDING:
        return (int64_t)row + (int64_t)random_below(random, 3);
    case SHAPE_FEW:
        return (int64_t)random_below(random, 5);
    case SHAPE_CONSTANT:
        return bound / 2;
    case SHAPE_REPEATING:
        return random_below(random, 4) > 0 ? before : (int64_t)random_below(random, (uint64_t)bound);
    case SHAPE_MANY_THEN_FEW:
        return (int64_t)random_below(random, row % 1000 == 0 ? 2 : (uint64_t)bound);
    case SHAPE_RANDOM:
    default:
        return (int64_t)random_below(random, (uint64_t)bound);
    }
}

static int64_t bound_of(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_BOOLEAN:
        return 2;
    case COLUMN_DATE:
        return 1000000;
    case COLUMN_DECIMAL:
        return INT64_C(999999999999999999);
    default:
        return INT64_C(4000000000000);
    }
}

static term new_term(struct terms *terms, int64_t number)
{
    static const char *const before[] = {"", "P", "ORD00", "a text of number ", "\xc3\xa4\xe2\x82\xac "};
    struct error error = {0};
    char text[80];
    int length = snprintf(text, sizeof text, "%s%lld", before[number % 5], (long long)number);

    return term_of(terms, str_slice(text, (size_t)length), &error);
}

static void fill_numbers(struct model *model, struct random *random, size_t group, size_t column, size_t rows)
{
    enum column_kind kind = model->fields[column].kind;
    enum shape shape = (enum shape)random_below(random, SHAPES);
    uint64_t nulls = random_below(random, 3);
    int64_t *values = calloc(rows + 1, sizeof *values);
    int64_t bound = bound_of(kind);
    int64_t number = 0;

    for (size_t i = 0; i < rows; i++) {
        number = next_number(random, shape, number, i, bound) % bound;
        if (nulls > 0 && random_below(random, nulls == 1 ? 2 : 50) == 0) {
            values[i] = COLUMN_NULL;
        } else if (kind == COLUMN_TERM) {
            values[i] = new_term(model->terms, number);
        } else {
            values[i] = kind == COLUMN_TIMESTAMP ? number * 1000000
                        : kind == COLUMN_BOOLEAN ? number
                                                 : number - bound / 3;
        }
    }
    model->values[group][column].values = values;
}

static void fill_texts(struct model *model, struct random *random, size_t group, size_t column, size_t rows)
{
    enum shape shape = (enum shape)random_below(random, SHAPES);
    struct str *texts = calloc(rows + 1, sizeof *texts);
    uint64_t longest = random_below(random, 4) == 0 ? 3000 : 20;
    int64_t number = 0;

    for (size_t i = 0; i < rows; i++) {
        number = next_number(random, shape, number, i, 100000);
        if (random_below(random, 10) == 0) {
            continue;
        }
        size_t length = (size_t)random_below(random, longest);
        char *bytes = calloc(1, length + 24);

        length = (size_t)snprintf(bytes, 24, "%lld", (long long)number) + (shape == SHAPE_RANDOM ? length : 0);
        texts[i] = str_slice(bytes, number % 17 == 0 ? 0 : length);
    }
    model->values[group][column].texts = texts;
}

static void free_model(struct model *model)
{
    for (size_t group = 0; group < model->groups; group++) {
        for (size_t column = 0; column < model->columns; column++) {
            struct parquet_values *values = &model->values[group][column];

            for (size_t i = 0; values->texts != NULL && i < model->group_rows[group]; i++) {
                free((char *)(uintptr_t)values->texts[i].data);
            }
            free((void *)(uintptr_t)values->texts);
            free((void *)(uintptr_t)values->values);
        }
    }
    terms_free(model->terms);
}

static const struct parquet_field every_kind[] = {
    {"id", COLUMN_TERM, 0},       {"note", COLUMN_TEXT, 0},   {"count", COLUMN_INTEGER, 0},
    {"price", COLUMN_DECIMAL, 2}, {"day", COLUMN_DATE, 0},    {"at", COLUMN_TIMESTAMP, 0},
    {"paid", COLUMN_BOOLEAN, 0},  {"status", COLUMN_TERM, 0}, {"\xc3\xbc", COLUMN_DECIMAL, 0},
};

static struct model random_model(struct random *random, size_t most_rows)
{
    struct error error = {0};
    struct model model = {.columns = sizeof every_kind / sizeof *every_kind, .terms = terms_new(&error)};

    memcpy(model.fields, every_kind, sizeof every_kind);
    model.groups = 1 + random_below(random, MOST_GROUPS);
    for (size_t group = 0; group < model.groups; group++) {
        model.group_rows[group] = 1 + (size_t)random_below(random, most_rows);
        for (size_t column = 0; column < model.columns; column++) {
            if (model.fields[column].kind == COLUMN_TEXT) {
                fill_texts(&model, random, group, column, model.group_rows[group]);
            } else {
                fill_numbers(&model, random, group, column, model.group_rows[group]);
            }
        }
    }
    return model;
}

static void test_random_tables(void **state)
{
    (void)state;
    struct random random;
    uint64_t sizes[3];

    random_seed(&random, 11);
    for (unsigned round = 0; round < 60; round++) {
        size_t most_rows = round % 10 == 9 ? 40000 : round % 3 == 0 ? 20 : 2000;
        struct model model = random_model(&random, most_rows);

        round_trip(&model, sizes);
        free_model(&model);
    }
}

static void test_no_rows(void **state)
{
    (void)state;
    struct model model = {.columns = sizeof every_kind / sizeof *every_kind};
    uint64_t sizes[3];

    memcpy(model.fields, every_kind, sizeof every_kind);
    round_trip(&model, sizes);
    model.groups = 1; /* a row group of no rows is none */
    round_trip(&model, sizes);
}

/* One number column of one row group. */
static struct model numbers(enum column_kind kind, int64_t *values, size_t rows)
{
    struct model model = {.columns = 1, .groups = 1, .group_rows = {rows}};

    model.fields[0] = (struct parquet_field){"v", kind, 0};
    model.values[0][0].values = values;
    return model;
}

static void test_nothing_but_nulls(void **state)
{
    (void)state;
    static int64_t values[1000];
    static struct str texts[1000];
    uint64_t sizes[3];

    for (size_t i = 0; i < 1000; i++) {
        values[i] = COLUMN_NULL;
    }
    for (enum column_kind kind = COLUMN_TERM; kind <= COLUMN_BOOLEAN; kind++) {
        struct model model = numbers(kind, values, 1000);

        if (kind == COLUMN_TEXT) {
            model.values[0][0] = (struct parquet_values){.texts = texts};
        }
        if (kind == COLUMN_TERM) {
            model.terms = terms_new(NULL);
        }
        round_trip(&model, sizes);
        model.group_rows[0] = 1;
        round_trip(&model, sizes);
        terms_free(model.terms);
    }
}

static void test_ends_of_the_ranges(void **state)
{
    (void)state;
    int64_t wide[] = {INT64_MAX, INT64_MIN + 1, 0, INT64_MAX, INT64_MIN + 1, COLUMN_NULL, -1, 1};
    int64_t days[] = {INT32_MAX, INT32_MIN, 0, INT32_MAX, INT32_MIN, COLUMN_NULL};
    int64_t decimals[] = {999999999999999999, -999999999999999999, 0, COLUMN_NULL};
    uint64_t sizes[3];
    struct model model = numbers(COLUMN_INTEGER, wide, 8);

    round_trip(&model, sizes);
    model = numbers(COLUMN_TIMESTAMP, wide, 8);
    round_trip(&model, sizes);
    model = numbers(COLUMN_DATE, days, 6);
    round_trip(&model, sizes);
    model = numbers(COLUMN_DECIMAL, decimals, 4);
    round_trip(&model, sizes);
    for (size_t rows = 1; rows <= 8; rows++) {
        model = numbers(COLUMN_INTEGER, wide, rows);
        round_trip(&model, sizes);
    }
}

static void test_a_million_rows(void **state)
{
    (void)state;
    enum { ROWS = 1000000 };
    struct model model = {.columns = 3, .groups = 1, .group_rows = {ROWS}, .terms = terms_new(NULL)};
    int64_t *id = calloc(ROWS, sizeof *id);
    int64_t *quantity = calloc(ROWS, sizeof *quantity);
    struct str *texts = calloc(ROWS, sizeof *texts);
    static const char *const words[] = {"delivered", "returned", "shipped"};
    struct random random;
    uint64_t sizes[3];

    random_seed(&random, 12);
    for (size_t i = 0; i < ROWS; i++) {
        id[i] = (int64_t)i * 3 / 7;
        quantity[i] = 1 + (int64_t)random_below(&random, 5);
        texts[i] = str_of(words[random_below(&random, 3)]);
    }
    model.fields[0] = (struct parquet_field){"id", COLUMN_TERM, 0};
    model.fields[1] = (struct parquet_field){"quantity", COLUMN_INTEGER, 0};
    model.fields[2] = (struct parquet_field){"status", COLUMN_TEXT, 0};
    model.values[0][0].values = id;
    model.values[0][1].values = quantity;
    model.values[0][2].texts = texts;
    round_trip(&model, sizes);
    /* Ascending ids take about a byte and a half, the others two to three bits. */
    assert_true(sizes[PARQUET_UNCOMPRESSED] < ROWS * 9 / 4);
    assert_true(sizes[PARQUET_ZSTD] < ROWS);
    free(id);
    free(quantity);
    free(texts);
    terms_free(model.terms);
}

static void test_long_texts(void **state)
{
    (void)state;
    static const size_t lengths[] = {10000000, 0, 3000000, 256, 257, 1, 1048576, 1048575};
    struct str texts[40];
    struct model model = {.columns = 1, .groups = 1, .group_rows = {40}};
    uint64_t sizes[3];

    for (size_t i = 0; i < 40; i++) {
        size_t length = lengths[i % 8];
        char *bytes = malloc(length + 1);

        assert_non_null(bytes);
        memset(bytes, 'a' + (int)(i % 7), length);
        texts[i] = i % 9 == 8 ? (struct str){NULL, 0} : str_slice(bytes, length);
        if (texts[i].data == NULL) {
            free(bytes);
        }
    }
    model.fields[0] = (struct parquet_field){"v", COLUMN_TEXT, 0};
    model.values[0][0].texts = texts;
    round_trip(&model, sizes);
    for (size_t i = 0; i < 40; i++) {
        free((char *)(uintptr_t)texts[i].data);
    }
}

/* Texts with zero bytes, that are not UTF-8, or look like numbers but are not: bytes come back as they went. */
static void test_odd_texts(void **state)
{
    (void)state;
    struct str texts[] = {
        {"", 0},  {"\0\0", 2}, {"\xff\xfe", 2}, {"007", 3}, {NULL, 0}, {"-1", 2}, {"1e5", 3},
        {"7", 1}, {"a\nb", 3}, {"\"", 1},       {",", 1},   {"7", 1},  {"70", 2}, {"\xe2\x82\xac", 3},
    };
    struct model model = {.columns = 1, .groups = 1, .group_rows = {sizeof texts / sizeof *texts}};
    uint64_t sizes[3];

    model.fields[0] = (struct parquet_field){"v", COLUMN_TEXT, 0};
    model.values[0][0].texts = texts;
    round_trip(&model, sizes);
}

/* Ids at the ends of every form a term has, in an order that puts each form beside each other. */
static void test_ids_of_every_length(void **state)
{
    (void)state;
    static const char *const words[] = {
        "",    "a",   "7chars.", "8 chars.",      "sixteen bytes 16", "seventeen bytes 17", "P1",
        "P12", "007", "-5",      "ORD0000000001", "ORD0000000002",    "1234567890123456789"};
    enum { NUMBERS = 60, WORDS = sizeof words / sizeof *words, ROWS = 3 * (NUMBERS + WORDS) };
    struct error error = {0};
    struct model model = {.columns = 1, .groups = 1, .group_rows = {ROWS}, .terms = terms_new(&error)};
    char texts[NUMBERS + WORDS][24];
    int64_t codes[ROWS];
    struct random random;
    uint64_t sizes[3];
    uint64_t power = 1;

    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(texts[i], sizeof texts[i], "%llu", (unsigned long long)(power + i % 3 - 1));
        power *= i % 3 == 2 && power < UINT64_C(1000000000000000000) ? 10 : 1;
    }
    for (size_t i = 0; i < WORDS; i++) {
        snprintf(texts[NUMBERS + i], sizeof texts[0], "%s", words[i]);
    }
    random_seed(&random, 16);
    model.fields[0] = (struct parquet_field){"id", COLUMN_TERM, 0};
    model.values[0][0].values = codes;
    for (unsigned round = 0; round < 200; round++) {
        const char *expected[ROWS];
        struct str found[ROWS];
        struct memory_file file = new_file();

        for (size_t i = 0; i < ROWS; i++) {
            expected[i] = texts[random_below(&random, NUMBERS + WORDS)];
            codes[i] = term_of(model.terms, str_of(expected[i]), &error);
        }
        round_trip(&model, sizes);
        write_model(&model, PARQUET_SNAPPY, &file);
        struct parquet_reader *reader = parquet_open(file.path, &error);

        assert_true(parquet_read_column(reader, 0, 0, NULL, NULL, found, &error));
        for (size_t i = 0; i < ROWS; i++) {
            assert_int_equal(found[i].length, strlen(expected[i]));
            assert_memory_equal(found[i].data, expected[i], found[i].length);
        }
        parquet_reader_free(reader);
        close(file.fd);
    }
    terms_free(model.terms);
}

/* Every row that the writer looks at first says that there are two values; the others are all different. */
static void test_a_sample_that_misleads(void **state)
{
    (void)state;
    enum { ROWS = 40960, STEP = 40 };
    struct error error = {0};
    struct model model = {.columns = 3, .groups = 1, .group_rows = {ROWS}, .terms = terms_new(&error)};
    int64_t *values = calloc(ROWS, sizeof *values);
    int64_t *codes = calloc(ROWS, sizeof *codes);
    struct str *texts = calloc(ROWS, sizeof *texts);
    char(*bytes)[24] = calloc(ROWS, sizeof *bytes);
    uint64_t sizes[3];

    for (size_t i = 0; i < ROWS; i++) {
        values[i] = i % STEP == 0 ? (int64_t)(i / STEP % 2) : (int64_t)(i * UINT64_C(0x9E3779B97F4A7C15) >> 2);
        texts[i] = str_slice(bytes[i], (size_t)snprintf(bytes[i], sizeof bytes[i], "%lld", (long long)values[i]));
        codes[i] = term_of(model.terms, texts[i], &error);
    }
    model.fields[0] = (struct parquet_field){"number", COLUMN_INTEGER, 0};
    model.fields[1] = (struct parquet_field){"term", COLUMN_TERM, 0};
    model.fields[2] = (struct parquet_field){"text", COLUMN_TEXT, 0};
    model.values[0][0].values = values;
    model.values[0][1].values = codes;
    model.values[0][2].texts = texts;
    round_trip(&model, sizes);
    free(values);
    free(codes);
    free(texts);
    free(bytes);
    terms_free(model.terms);
}

static void test_what_a_column_cannot_hold_is_refused(void **state)
{
    (void)state;
    struct error error = {0};
    int64_t value = INT64_C(1000000000000000000);
    struct parquet_values values = {.values = &value};
    struct parquet_field field = {"price", COLUMN_DECIMAL, 2};
    struct memory_file file = new_file();
    struct parquet_writer *writer = parquet_create(file.fd, file.path, &field, 1, PARQUET_ZSTD, NULL, &error);

    assert_non_null(writer);
    assert_false(parquet_write_group(writer, &values, 1, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_non_null(strstr(error.message, "price"));
    parquet_writer_free(writer);

    field.scale = 19;
    assert_null(parquet_create(file.fd, file.path, &field, 1, PARQUET_ZSTD, NULL, &error));
    field.kind = COLUMN_ABSENT;
    assert_null(parquet_create(file.fd, file.path, &field, 1, PARQUET_ZSTD, NULL, &error));
    assert_null(parquet_create(file.fd, file.path, &field, 0, PARQUET_ZSTD, NULL, &error));
    close(file.fd);
}

static void test_one_writer_makes_many_files(void **state)
{
    (void)state;
    struct random random;
    struct error error = {0};

    random_seed(&random, 13);
    struct model model = random_model(&random, 200);
    struct memory_file first = new_file();
    struct parquet_writer *writer =
        parquet_create(first.fd, first.path, model.fields, model.columns, PARQUET_SNAPPY, model.terms, &error);
    uint64_t first_size = 0;

    assert_true(write_groups(writer, &model, &error));
    assert_true(parquet_finish(writer, &first_size, &error));
    for (unsigned i = 0; i < 5; i++) {
        struct memory_file file = new_file();
        uint64_t size = 0;

        assert_true(parquet_restart(writer, file.fd, file.path, &error));
        if (i == 2) { /* left half done: the next file is whole all the same */
            assert_true(parquet_write_group(writer, model.values[0], model.group_rows[0], &error));
            assert_true(parquet_restart(writer, file.fd, file.path, &error));
        }
        assert_true(write_groups(writer, &model, &error));
        assert_true(parquet_finish(writer, &size, &error));
        assert_int_equal(size, first_size);
        compare(&model, file.path);
        close(file.fd);
    }
    compare(&model, first.path);
    parquet_writer_free(writer);
    close(first.fd);
    free_model(&model);
}

static void expect_refusal(const void *bytes, size_t size, enum error_code code, const char *words)
{
    struct error error = {0};
    struct memory_file file = new_file();

    assert_true(file_write(file.fd, bytes, size, file.path, &error));
    assert_null(parquet_open(file.path, &error));
    assert_int_equal(error.code, code);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    }
    close(file.fd);
}

static void test_what_is_no_parquet_file_is_refused(void **state)
{
    (void)state;
    struct error error = {0};

    expect_refusal("", 0, ERROR_INVALID, "not a Parquet file");
    expect_refusal("PAR1PAR1", 8, ERROR_INVALID, "not a Parquet file");
    expect_refusal("order_id,status\n1,delivered\n", 27, ERROR_INVALID, "PAR1");
    expect_refusal("PAR1\0\0\0\0PARE", 12, ERROR_INVALID, "encrypted");
    expect_refusal("PAR1\xff\xff\xff\x7fPAR1", 12, ERROR_CORRUPT, "footer");
    expect_refusal("PAR1\0\0\0\0PAR1", 12, ERROR_CORRUPT, "footer");
    assert_null(parquet_open("/no/such/file.parquet", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_null(parquet_open("/", &error));
}

/* Any byte changed, any cut: an error or other values, never worse. */
static void test_damaged_files_are_harmless(void **state)
{
    (void)state;
    struct random random;
    struct error error = {0};
    struct buffer whole;

    random_seed(&random, 14);
    struct model model = random_model(&random, 60);
    struct memory_file file = new_file();

    write_model(&model, PARQUET_ZSTD, &file);
    buffer_init(&whole, 0);
    assert_true(file_load(file.path, &whole, &error));
    int64_t *values = calloc(1000000, sizeof *values);
    struct str *texts = calloc(1000000, sizeof *texts);

    for (unsigned round = 0; round < 3000; round++) {
        struct memory_file copy = new_file();
        size_t at = (size_t)random_below(&random, whole.length);
        char before = whole.data[at];

        whole.data[at] = (char)random_next(&random);
        assert_true(file_write(copy.fd, whole.data, whole.length, copy.path, &error));
        struct parquet_reader *reader = parquet_open(copy.path, &error);

        for (size_t group = 0; reader != NULL && group < parquet_group_count(reader); group++) {
            for (size_t field = 0; field < parquet_field_count(reader); field++) {
                if (parquet_group_rows(reader, group) <= 1000000) {
                    parquet_read_column(reader, group, field, NULL, values, texts, &error);
                }
            }
        }
        parquet_reader_free(reader);
        whole.data[at] = before;
        close(copy.fd);
    }
    free(values);
    free(texts);
    buffer_free(&whole);
    close(file.fd);
    free_model(&model);
}

static bool write_and_read(void *context, struct error *error)
{
    struct model *model = context;
    struct memory_file file = new_file();
    uint64_t size = 0;
    static int64_t values[4000];
    static struct str texts[4000];
    struct parquet_writer *writer =
        parquet_create(file.fd, file.path, model->fields, model->columns, PARQUET_SNAPPY, model->terms, error);
    bool good = writer != NULL && write_groups(writer, model, error) && parquet_finish(writer, &size, error);

    parquet_writer_free(writer);
    struct parquet_reader *reader = good ? parquet_open(file.path, error) : NULL;

    good = reader != NULL;
    for (size_t group = 0; good && group < parquet_group_count(reader); group++) {
        for (size_t field = 0; good && field < parquet_field_count(reader); field++) {
            good =
                parquet_read_column(reader, group, field, field % 2 == 0 ? model->terms : NULL, values, texts, error);
        }
    }
    parquet_reader_free(reader);
    close(file.fd);
    return good;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct random random;

    random_seed(&random, 15);
    struct model model = random_model(&random, 3000);

    torture_walk(write_and_read, &model);
    free_model(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_tables),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_nothing_but_nulls),
        cmocka_unit_test(test_ends_of_the_ranges),
        cmocka_unit_test(test_a_million_rows),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_ids_of_every_length),
        cmocka_unit_test(test_a_sample_that_misleads),
        cmocka_unit_test(test_what_a_column_cannot_hold_is_refused),
        cmocka_unit_test(test_one_writer_makes_many_files),
        cmocka_unit_test(test_what_is_no_parquet_file_is_refused),
        cmocka_unit_test(test_damaged_files_are_harmless),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("parquet", tests, NULL, NULL);
}

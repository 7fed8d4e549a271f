/* What validation says of whole files: several at once, broken ones, ones that change. */
#include "support/unit.h"

#include <fcntl.h>

#include "base/json.h"
#include "support/validate_model.h"

static const char schema_text[] = "{\"name\": \"items\", \"fields\": ["
                                  "{\"name\": \"id\", \"type\": \"string\", \"intern\": true},"
                                  "{\"name\": \"price\", \"type\": \"number\", \"scale\": 2}]}";

#define FILES 3

struct fixture {
    struct arena *arena;
    struct schema *schema;
    struct team *team;
    struct terms *terms;
    struct csv_source sources[FILES];
    struct validate_file files[FILES];
    char paths[FILES][64];
    int fds[FILES];
};

static int set_up(void **state)
{
    struct error error = {0};
    struct fixture *fixture = memory_zeroed(sizeof *fixture, &error);
    json_t *json = json_read(schema_text, sizeof schema_text - 1, "items", &error);
    fixture->arena = arena_new(0, &error);
    fixture->schema = schema_compile(fixture->arena, json, "items", &error);
    json_decref(json);
    assert_non_null(fixture->schema);
    fixture->team = team_new(2, &error);
    fixture->terms = terms_new(&error);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    terms_free(fixture->terms);
    team_free(fixture->team);
    schema_free(fixture->schema);
    arena_free(fixture->arena);
    memory_free(fixture);
    return 0;
}

static void put_file(struct fixture *fixture, size_t i, const char *text, size_t size)
{
    struct error error = {0};
    fixture->fds[i] = memfd_create("file", 0);
    assert_int_equal(write(fixture->fds[i], text, size), size);
    snprintf(fixture->paths[i], sizeof fixture->paths[i], "/proc/self/fd/%d", fixture->fds[i]);
    assert_true(csv_source_open(&fixture->sources[i], fixture->paths[i], &(struct csv_source_options){0}, &error));
    fixture->files[i] = (struct validate_file){
        .source = &fixture->sources[i], .schema = fixture->schema, .rejects_fd = -1, .valid_fd = -1};
}

static void close_files(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        csv_source_close(&fixture->sources[i]);
        close(fixture->fds[i]);
    }
}

/* Rows of each file, from batches that must come in the order of files and lines. */
static void judge(struct fixture *fixture, size_t count, const struct validate_options *options, uint64_t rows[FILES])
{
    struct error error = {0};
    struct validation *validation = validation_new(fixture->team, fixture->files, count, options, &error);
    assert_non_null(validation);
    uint64_t last_file = 0;
    uint64_t last_line = 0;
    memset(rows, 0, FILES * sizeof rows[0]);
    for (bool done = false; !done;) {
        struct batch **batches;
        size_t batch_count;
        assert_true(validation_next(validation, &batches, &batch_count, &done, &error));
        for (size_t i = 0; i < batch_count; i++) {
            assert_true(batches[i]->file >= last_file);
            last_line = batches[i]->file > last_file ? 0 : last_line;
            last_file = batches[i]->file;
            assert_true(batches[i]->rows > 0 && batches[i]->size_bytes > 0);
            assert_true(batch_line(batches[i], 0) > last_line);
            last_line = batch_line(batches[i], batches[i]->rows - 1);
            rows[last_file] += batches[i]->rows;
            batch_free(batches[i]);
        }
        memory_free(batches);
    }
    validation_free(validation);
}

static void append_rows(struct buffer *data, size_t rows)
{
    buffer_append_text(data, "id,price\n");
    for (size_t i = 0; i < rows; i++) buffer_append_format(data, "%zu,%zu.5\n", i, i % 90);
}

static void note_progress(void *context, uint64_t done, uint64_t total)
{
    uint64_t *last = context;
    assert_true(done > last[0] && done <= total);
    last[0] = done;
    last[1] = total;
}

static void test_several_files(void **state)
{
    struct fixture *fixture = *state;
    struct buffer large;
    buffer_init(&large, 0);
    append_rows(&large, 5000);
    for (size_t slice = 0; slice <= 30000; slice += 10000) {
        put_file(fixture, 0, large.data, large.length);
        put_file(fixture, 1, "id,price\n", 9);
        put_file(fixture, 2, "id,price\n1,2\n2,x\n3,4\n", 21);
        uint64_t progress[2] = {0, 0};
        struct validate_options options = {.terms = fixture->terms,
                                           .block_bytes = 1000,
                                           .batches = true,
                                           .slice_bytes = slice,
                                           .progress = note_progress,
                                           .progress_context = progress};
        uint64_t rows[FILES];
        judge(fixture, FILES, &options, rows);
        assert_int_equal(rows[0], 5000);
        assert_int_equal(rows[1], 0);
        assert_int_equal(rows[2], 2);
        assert_int_equal(fixture->files[1].report.verdict, FILE_TAKEN);
        assert_int_equal(fixture->files[2].report.read, 3);
        assert_int_equal(fixture->files[2].report.rejected, 1);
        assert_int_equal(fixture->files[2].report.broken[RULE_TYPE], 1);
        assert_int_equal(progress[0], progress[1]);
        assert_true(progress[1] > large.length);
        close_files(fixture, FILES);
    }
    buffer_free(&large);
}

static void test_judging_without_batches(void **state)
{
    struct fixture *fixture = *state;
    put_file(fixture, 0, "id,price\n1,2\n2,x\n", 17);
    uint64_t rows[FILES];
    judge(fixture, 1, &(struct validate_options){.terms = fixture->terms}, rows);
    assert_int_equal(rows[0], 0);
    assert_int_equal(fixture->files[0].report.read, 2);
    assert_int_equal(fixture->files[0].report.rejected, 1);
    close_files(fixture, 1);
}

/* A broken file has no batches and no rows, says why and where, and leaves the others alone. */
static void expect_broken(struct fixture *fixture, const char *text, size_t size, size_t ceiling,
                          enum file_verdict verdict, uint64_t line, const char *part)
{
    for (size_t slice = 0; slice <= 64; slice += 64)
        for (size_t block = 16; block <= 1000; block += 328) {
            put_file(fixture, 0, "id,price\n1,2\n", 13);
            put_file(fixture, 1, text, size);
            put_file(fixture, 2, "id,price\n1,2\n3,4", 16);
            struct validate_options options = {.terms = fixture->terms,
                                               .block_bytes = block,
                                               .slice_bytes = slice,
                                               .record_ceiling = ceiling,
                                               .batches = true};
            uint64_t rows[FILES];
            judge(fixture, FILES, &options, rows);
            const struct file_report *report = &fixture->files[1].report;
            assert_int_equal(report->verdict, verdict);
            assert_int_equal(report->problem_line, line);
            if (strstr(report->problem, part) == NULL) fail_msg("'%s' does not say '%s'", report->problem, part);
            assert_int_equal(report->read, 0);
            assert_int_equal(report->rejected, 0);
            assert_int_equal(rows[0], 1);
            assert_int_equal(rows[1], 0);
            assert_int_equal(rows[2], 2);
            close_files(fixture, FILES);
        }
}

static void test_broken_files(void **state)
{
    struct fixture *fixture = *state;
    expect_broken(fixture, "", 0, 0, FILE_EMPTY, 0, "empty");
    expect_broken(fixture, "\n\r\n\n", 4, 0, FILE_EMPTY, 0, "blank");
    expect_broken(fixture, "id,cost\n1,2\n", 12, 0, FILE_BAD_HEADER, 1, "price");
    expect_broken(fixture, "\nid,price,price\n1,2,3\n", 21, 0, FILE_BAD_HEADER, 2, "price");
    expect_broken(fixture, "id,pri\"ce\"\n1,2\n", 15, 0, FILE_BAD_HEADER, 1, "column 2");
    expect_broken(fixture, "id,\"price\n1,2\n", 14, 0, FILE_BROKEN, 1, "closed");
    expect_broken(fixture, "id,pr\xe9x\n1,2\n", 11, 0, FILE_BROKEN, 1, "UTF-8");
    expect_broken(fixture, "id,price\n1,\0\n", 13, 0, FILE_BROKEN, 0, "not text");
    expect_broken(fixture, "\x01\x02\x03\x04", 4, 0, FILE_BROKEN, 0, "not text");
    expect_broken(fixture, "id,price\n1,2\n1,\"2\"\n\"a\nb\",1\n\"c\nd\",\"3\n1,2\n", 40, 0, FILE_BROKEN, 7, "closed");
}

static void test_record_ceiling(void **state)
{
    struct fixture *fixture = *state;
    struct buffer data;
    buffer_init(&data, 0);
    buffer_append_text(&data, "id,price\n1,2\n\"");
    for (int i = 0; i < 400; i++) buffer_append_text(&data, "0123456789");
    buffer_append_text(&data, "\",3\n1,2\n");
    expect_broken(fixture, data.data, data.length, 1500, FILE_BROKEN, 3, "longer than 1500 bytes");
    put_file(fixture, 0, data.data, data.length);
    uint64_t rows[FILES];
    judge(fixture, 1, &(struct validate_options){.terms = fixture->terms, .batches = true, .block_bytes = 64}, rows);
    assert_int_equal(rows[0], 3);
    close_files(fixture, 1);
    buffer_free(&data);
}

/* A file that becomes shorter between two looks is an error, not rows that vanish. */
static void test_a_file_that_shrinks(void **state)
{
    struct fixture *fixture = *state;
    struct buffer data;
    buffer_init(&data, 0);
    append_rows(&data, 30000);
    put_file(fixture, 0, data.data, data.length);
    struct error error = {0};
    struct validate_options options = {.terms = fixture->terms, .block_bytes = 4096, .batches = true};
    struct validation *validation = validation_new(fixture->team, fixture->files, 1, &options, &error);
    assert_non_null(validation);
    assert_int_equal(ftruncate(fixture->fds[0], (off_t)data.length / 2), 0);
    struct batch **batches;
    size_t count;
    bool done;
    assert_false(validation_next(validation, &batches, &count, &done, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    validation_free(validation);
    close_files(fixture, 1);
    buffer_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_files),       cmocka_unit_test(test_judging_without_batches),
        cmocka_unit_test(test_broken_files),        cmocka_unit_test(test_record_ceiling),
        cmocka_unit_test(test_a_file_that_shrinks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

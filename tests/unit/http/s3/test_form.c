/* Forms: in whatever pieces one comes, the same fields and the same file come out. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "http/s3/form.h"
#include "support/unit.h"

static const char whole[] = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n"
                            "--b\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
                            "--b\r\ncontent-disposition: form-data; name=quoted\\\r\n\r\n--\r\n-\r\n"
                            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".csv\"\r\n"
                            "Content-Type: text/csv\r\n\r\nx\r\n--\r\n--a\r\r\n-b\r\n"
                            "--b\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nnothing\r\n--b--\r\nepilogue";

struct seen {
    char text[512];
    struct buffer file;
};

static bool begin_file(void *context, const struct sign_field *fields, size_t count, const char *filename,
                       struct error *error)
{
    struct seen *seen = context;
    size_t used = 0;

    (void)error;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(seen->text + used, sizeof seen->text - used, "%.*s=%.*s;", STR_ARGS(fields[i].name),
                                 STR_ARGS(fields[i].value));
    }
    snprintf(seen->text + used, sizeof seen->text - used, "%s", filename);
    return true;
}

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    struct seen *seen = context;

    buffer_append(&seen->file, data, size);
    return buffer_check(&seen->file, error);
}

/* Reads a form in pieces of 1 … `most` bytes. */
static bool read_form(const char *text, size_t length, size_t most, struct seen *seen, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    const struct form_options options = {"multipart/form-data; charset=x; boundary=\"b\"", arena, begin_file, take,
                                         seen};
    struct form *form = form_new(&options, error);
    struct random random;
    bool good = form != NULL;

    random_seed(&random, most);
    for (size_t at = 0; good && at < length;) {
        size_t piece = 1 + random_below(&random, most);

        piece = piece < length - at ? piece : length - at;
        good = form_add(form, text + at, piece, error);
        at += piece;
    }
    good = good && form_end(form, error);
    form_free(form);
    arena_free(arena);
    return good;
}

static void test_any_pieces(void **state)
{
    (void)state;
    for (size_t most = 1; most < sizeof whole + 10; most++) {
        struct seen seen = {0};
        struct error error = {0};

        assert_true(read_form(whole, sizeof whole - 1, most, &seen, &error));
        assert_string_equal(seen.text, "key=a;empty=;quoted\\=--\r\n-;a \"b\".csv");
        assert_int_equal(seen.file.length, 15);
        assert_memory_equal(seen.file.data, "x\r\n--\r\n--a\r\r\n-b", 15);
        buffer_free(&seen.file);
    }
}

static void test_cut_anywhere(void **state)
{
    size_t end = (size_t)(strstr(whole, "--b--") - whole) + 5;

    (void)state;
    for (size_t length = 0; length < end; length++) {
        struct seen seen = {0};
        struct error error = {0};

        assert_false(read_form(whole, length, 13, &seen, &error));
        assert_string_equal(error.name, "MalformedPOSTRequest");
        buffer_free(&seen.file);
    }
}

static void test_malformed(void **state)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--", "MalformedPOSTRequest"},
        {"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "MalformedPOSTRequest"},
        {"--bx\r\n", "MalformedPOSTRequest"},
        {"--b--", "IncorrectNumberOfFilesInPostRequest"},
        {"--b\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; "
         "name=file\r\n\r\n\r\n--b--",
         "IncorrectNumberOfFilesInPostRequest"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen seen = {0};
        struct error error = {0};

        assert_false(read_form(cases[i].text, strlen(cases[i].text), 7, &seen, &error));
        assert_string_equal(error.name, cases[i].name);
        buffer_free(&seen.file);
    }
}

static void test_content_types(void **state)
{
    static const char *const types[] = {NULL,
                                        "",
                                        "text/plain",
                                        "multipart/form-data",
                                        "multipart/form-data; boundary=",
                                        "multipart/form-data; boundary=1234567890123456789012345678901234567890"
                                        "1234567890123456789012345678901"};
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct form_options options = {types[i], arena, begin_file, take, NULL};

        assert_null(form_new(&options, &error));
        assert_string_equal(error.name, "RequestIsNotMultiPartContent");
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_content_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

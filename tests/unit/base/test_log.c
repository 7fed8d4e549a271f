#include "base/log.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/thread.h"
#include "support/unit.h"

/* What `write_lines` leaves on standard error. */
static void capture(void (*write_lines)(void), struct buffer *into)
{
    char path[] = "/tmp/aisle-test-log-XXXXXX";
    struct error error;
    int file = mkstemp(path);
    int saved = dup(STDERR_FILENO);

    assert_true(file >= 0 && saved >= 0);
    assert_true(fcntl(file, F_SETFL, O_APPEND) == 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    write_lines();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(file);
    assert_true(file_load(path, into, &error));
    assert_true(file_remove(path, &error));
}

static void write_each_kind(void)
{
    log_event(LOG_INFO, "left_out", NULL);
    log_event(LOG_WARN, "kinds", "text", "s", "a\"b\n\xFF", "none", "s", NULL, "big", "i", INT64_MIN, "real", "f", 0.1,
              "infinite", "f", (double)INFINITY, "yes", "b", 1, "no", "b", 0, NULL);
}

static void a_line_is_json_with_its_fields(void **state)
{
    struct buffer text;
    struct error error;

    (void)state;
    buffer_init(&text, 0);
    capture(write_each_kind, &text);
    assert_int_equal(text.data[text.length - 1], '\n');
    assert_ptr_equal(memchr(text.data, '\n', text.length), text.data + text.length - 1);
    json_t *line = json_read(text.data, text.length, "line", &error);

    assert_non_null(line);
    assert_true(
        str_starts_with(str_slice(text.data, text.length),
                        "{\"ts\":\"2025-07-01T00:00:00.000Z\",\"level\":\"warn\",\"event\":\"kinds\",\"text\":"));
    assert_string_equal(json_string_value(json_object_get(line, "text")), "a\"b\n\xEF\xBF\xBD");
    assert_true(json_is_null(json_object_get(line, "none")));
    assert_true(json_integer_value(json_object_get(line, "big")) == INT64_MIN);
    assert_true(json_real_value(json_object_get(line, "real")) == 0.1);
    assert_true(json_is_null(json_object_get(line, "infinite")));
    assert_true(json_is_true(json_object_get(line, "yes")));
    assert_true(json_is_false(json_object_get(line, "no")));
    json_decref(line);
    buffer_free(&text);
}

static void write_at_each_level(void)
{
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "one", NULL);
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "two", NULL);
    log_event(LOG_ERROR, "three", NULL);
    log_set_level(LOG_WARN);
}

static void the_level_decides(void **state)
{
    struct buffer text;

    (void)state;
    buffer_init(&text, 0);
    capture(write_at_each_level, &text);
    const char *lines = buffer_text(&text);

    assert_non_null(strstr(lines, "\"one\""));
    assert_null(strstr(lines, "\"two\""));
    assert_non_null(strstr(lines, "\"three\""));
    buffer_free(&text);
}

static bool write_one(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)context;
    (void)worker;
    (void)error;
    log_event(LOG_WARN, "from_a_thread", "index", "i", (int64_t)index, NULL);
    return true;
}

static void write_from_threads(void)
{
    struct error error;
    struct team *team = team_new(4, &error);

    assert_non_null(team);
    assert_true(team_run(team, 2000, write_one, NULL, &error));
    team_free(team);
}

static void lines_of_threads_stay_whole(void **state)
{
    struct buffer text;
    size_t lines = 0;

    (void)state;
    buffer_init(&text, 0);
    capture(write_from_threads, &text);
    for (const char *at = text.data; at < text.data + text.length; lines++) {
        const char *end = memchr(at, '\n', (size_t)(text.data + text.length - at));
        struct error error;

        assert_non_null(end);
        json_t *line = json_read(at, (size_t)(end - at), "line", &error);

        assert_non_null(line);
        json_decref(line);
        at = end + 1;
    }
    assert_int_equal(lines, 2000);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_json_with_its_fields),
        cmocka_unit_test(the_level_decides),
        cmocka_unit_test(lines_of_threads_stay_whole),
    };

    unsetenv("AISLE_LOG");
    setenv("AISLE_NOW", "2025-07-01T00:00:00Z", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

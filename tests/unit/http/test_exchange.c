#include <string.h>

#include "http/exchange_private.h"
#include "support/torture.h"
#include "support/unit.h"

struct fixture {
    struct exchange exchange;
    struct answer answer;
    int released;
};

static void fixture_open(struct fixture *fixture, const char *path, const char *query)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->exchange.arena = arena_new(0, NULL);
    fixture->exchange.request.path = str_of(path);
    fixture->exchange.request.query = str_of(query);
    fixture->exchange.answer = &fixture->answer;
}

static void fixture_close(struct fixture *fixture)
{
    answer_reset(&fixture->answer);
    buffer_free(&fixture->answer.gathered);
    arena_free(fixture->exchange.arena);
}

static void release(void *owner)
{
    ((struct fixture *)owner)->released++;
}

static void paths_and_queries_are_decoded(void **state)
{
    static const struct {
        const char *raw, *decoded;
    } paths[] = {
        {"/", "/"},       {"/bucket/a%2Fb", "/bucket/a/b"},
        {"/a+b", "/a+b"}, {"/%e2%82%ac", "/\xe2\x82\xac"},
        {"/%25", "/%"},   {"//a//", "//a//"},
    };
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        fixture_open(&fixture, paths[i].raw, "");
        assert_true(exchange_decode(&fixture.exchange, NULL));
        assert_string_equal(fixture.exchange.path, paths[i].decoded);
        assert_int_equal(fixture.exchange.query_count, 0);
        fixture_close(&fixture);
    }
    fixture_open(&fixture, "/", "&&uploads&prefix=a%26b+c%2B&empty=&=x&a=1&a=2&e==");
    assert_true(exchange_decode(&fixture.exchange, NULL));
    assert_int_equal(fixture.exchange.query_count, 7);
    assert_string_equal(exchange_query(&fixture.exchange, "uploads"), "");
    assert_string_equal(exchange_query(&fixture.exchange, "prefix"), "a&b c+");
    assert_string_equal(exchange_query(&fixture.exchange, "empty"), "");
    assert_string_equal(exchange_query(&fixture.exchange, ""), "x");
    assert_string_equal(exchange_query(&fixture.exchange, "a"), "1");
    assert_string_equal(exchange_query(&fixture.exchange, "e"), "=");
    assert_null(exchange_query(&fixture.exchange, "Prefix"));
    fixture_close(&fixture);
}

static void broken_escapes_are_refused(void **state)
{
    static const char *const wrong[] = {"%", "%1", "%g0", "%0g", "a%", "%00", "a%2", "%-1"};
    struct fixture fixture;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (int query = 0; query < 2; query++) {
            fixture_open(&fixture, query ? "/" : wrong[i], query ? wrong[i] : "");
            error = (struct error){0};
            assert_false(exchange_decode(&fixture.exchange, &error));
            assert_int_equal(error.code, ERROR_INVALID);
            assert_string_equal(error.name, "InvalidURI");
            fixture_close(&fixture);
        }
    }
    fixture_open(&fixture, "/a%ffb", "");
    error = (struct error){0};
    assert_false(exchange_decode(&fixture.exchange, &error));
    assert_non_null(strstr(error.message, "byte 2"));
    fixture_close(&fixture);
}

static void headers_are_found_in_any_case(void **state)
{
    struct sign_field fields[] = {
        {str_of("Host"), str_of("a")}, {str_of("x-Test"), str_of("1")}, {str_of("X-TEST"), str_of("2")}};
    struct exchange exchange = {.request = {.headers = fields, .header_count = 3}};

    (void)state;
    assert_string_equal(exchange_header(&exchange, "X-Test"), "1");
    assert_string_equal(exchange_header(&exchange, "host"), "a");
    assert_null(exchange_header(&exchange, "hos"));
    assert_null(exchange_header(&exchange, "hosts"));
}

static void answers_hold_what_was_put_in(void **state)
{
    struct fixture fixture;
    struct error error;
    char long_value[700];

    (void)state;
    memset(long_value, 'v', sizeof long_value - 1);
    long_value[sizeof long_value - 1] = '\0';
    fixture_open(&fixture, "/", "");
    answer_status(&fixture.exchange, 206);
    assert_true(answer_header(&fixture.exchange, "ETag", "\"x\"", NULL));
    assert_true(answer_header_format(&fixture.exchange, NULL, "X-Count", "%d", 17));
    assert_true(answer_header_format(&fixture.exchange, NULL, "X-Long", "<%s>", long_value));
    assert_true(answer_header(&fixture.exchange, "content-length", "1234567890123", NULL));
    assert_int_equal(fixture.answer.status, 206);
    assert_string_equal(fixture.answer.first->value, "\"x\"");
    assert_string_equal(fixture.answer.first->next->value, "17");
    assert_int_equal(strlen(fixture.answer.last->value), sizeof long_value + 1);
    assert_true(fixture.answer.size_given);
    assert_int_equal(fixture.answer.size, 1234567890123);
    assert_false(answer_header(&fixture.exchange, "X", "a\r\nSet-Cookie: b", &error));
    assert_false(answer_header(&fixture.exchange, "Content-Length", "-1", &error));
    assert_false(answer_header(&fixture.exchange, "Content-Length", "99999999999999999999", &error));
    fixture_close(&fixture);
}

static void what_a_body_stood_on_is_released_once(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture, "/", "");
    answer_bytes(&fixture.exchange, "abc", 3, release, &fixture);
    assert_int_equal(fixture.released, 0);
    answer_file(&fixture.exchange, 0, 0, 1, release, &fixture);
    assert_int_equal(fixture.released, 1);
    answer_stream(&fixture.exchange, 5, NULL, release, &fixture);
    assert_int_equal(fixture.released, 2);
    answer_reset(&fixture.answer);
    assert_int_equal(fixture.released, 3);
    answer_reset(&fixture.answer);
    assert_int_equal(fixture.released, 3);
    fixture_close(&fixture);
}

static void every_error_has_a_status(void **state)
{
    static const struct {
        enum error_code code;
        const char *name;
        unsigned status;
    } cases[] = {
        {ERROR_USAGE, NULL, 400},       {ERROR_INVALID, NULL, 400},
        {ERROR_DENIED, NULL, 403},      {ERROR_NOT_FOUND, NULL, 404},
        {ERROR_CONFLICT, NULL, 409},    {ERROR_CONFLICT, "PreconditionFailed", 412},
        {ERROR_LIMIT, NULL, 413},       {ERROR_LIMIT, "TooManyRequests", 429},
        {ERROR_LIMIT, "SlowDown", 503}, {ERROR_IO, NULL, 500},
        {ERROR_CORRUPT, NULL, 500},     {ERROR_MEMORY, NULL, 500},
        {ERROR_INTERNAL, NULL, 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {.code = cases[i].code, .name = cases[i].name};

        assert_int_equal(exchange_status_of(&error), cases[i].status);
    }
}

static bool answer_something(void *context, struct error *error)
{
    struct fixture fixture;
    bool good = false;

    (void)context;
    memset(&fixture, 0, sizeof fixture);
    fixture.exchange.arena = arena_new(0, error);
    if (fixture.exchange.arena == NULL) return false;
    fixture.exchange.request.path = str_of("/a%20b");
    fixture.exchange.request.query = str_of("a=1&b=2");
    fixture.exchange.answer = &fixture.answer;
    good = exchange_decode(&fixture.exchange, error) && answer_header(&fixture.exchange, "A", "b", error) &&
           answer_header_format(&fixture.exchange, error, "C", "%300d", 1);
    fixture_close(&fixture);
    return good;
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(answer_something, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_queries_are_decoded),
        cmocka_unit_test(broken_escapes_are_refused),
        cmocka_unit_test(headers_are_found_in_any_case),
        cmocka_unit_test(answers_hold_what_was_put_in),
        cmocka_unit_test(what_a_body_stood_on_is_released_once),
        cmocka_unit_test(every_error_has_a_status),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

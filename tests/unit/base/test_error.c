#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "support/unit.h"

static void fills_code_and_sentence(void **state)
{
    struct error error;

    (void)state;
    assert_false(error_set(&error, ERROR_INVALID, "%s, line %d: no such day", "a.csv", 3));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_string_equal(error.message, "a.csv, line 3: no such day");
    assert_false(error_set(NULL, ERROR_INVALID, "nobody listens"));
    assert_false(error_set_errno(NULL, EIO, "nobody listens"));
    assert_false(error_prefix(NULL, "nobody listens"));
}

static void prefix_goes_before(void **state)
{
    struct error error;

    (void)state;
    error_set(&error, ERROR_LIMIT, "too long");
    assert_false(error_prefix(&error, "field %d", 7));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(error.message, "field 7: too long");
}

static void errno_becomes_a_code_and_a_reason(void **state)
{
    static const struct {
        int errnum;
        enum error_code code;
    } cases[] = {
        {ENOSPC, ERROR_LIMIT},  {EDQUOT, ERROR_LIMIT}, {ENOENT, ERROR_NOT_FOUND},
        {EACCES, ERROR_DENIED}, {EROFS, ERROR_DENIED}, {ENOMEM, ERROR_MEMORY},
        {EIO, ERROR_IO},        {EMFILE, ERROR_IO},    {EPERM, ERROR_DENIED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;

        assert_false(error_set_errno(&error, cases[i].errnum, "%s cannot be read", "x"));
        assert_int_equal(error.code, cases[i].code);
        assert_true(str_starts_with(str_of(error.message), "x cannot be read: "));
        assert_true(str_ends_with(str_of(error.message), strerror(cases[i].errnum)));
    }
}

/* A message cut at its end is still UTF-8, whichever sequence the end falls in. */
static void a_cut_message_stays_utf8(void **state)
{
    char text[2000];

    (void)state;
    for (size_t before = 0; before < 4; before++) {
        for (int kind = 0; kind < 3; kind++) {
            static const char *const letters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
            size_t step = strlen(letters[kind]);
            size_t length = before;
            size_t wrong = 0;
            struct error error;

            memset(text, 'x', before);
            while (length + step < sizeof text) {
                memcpy(text + length, letters[kind], step);
                length += step;
            }
            text[length] = '\0';
            error_set(&error, ERROR_INVALID, "%s", text);
            assert_true(str_is_utf8(str_of(error.message), &wrong));
            assert_true(strlen(error.message) > sizeof error.message - 1 - step);
            error_set(&error, ERROR_INVALID, "short");
            error_prefix(&error, "%s", text);
            assert_true(str_is_utf8(str_of(error.message), &wrong));
        }
    }
}

static void every_code_has_its_own_name(void **state)
{
    (void)state;
    for (int i = ERROR_NONE; i <= ERROR_INTERNAL; i++) {
        for (int j = ERROR_NONE; j < i; j++) {
            assert_string_not_equal(error_code_name((enum error_code)i), error_code_name((enum error_code)j));
        }
    }
    assert_string_equal(error_code_name(ERROR_NOT_FOUND), "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_code_and_sentence),           cmocka_unit_test(prefix_goes_before),
        cmocka_unit_test(errno_becomes_a_code_and_a_reason), cmocka_unit_test(a_cut_message_stays_utf8),
        cmocka_unit_test(every_code_has_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

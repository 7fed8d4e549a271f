/* Every error: its name, its status, and what a failure without a name becomes. */
#include <string.h>

#include "http/s3/errors.h"
#include "support/unit.h"

static void test_every_name_is_found(void **state)
{
    (void)state;
    for (const struct s3_error *kind = s3_error_table; kind->name != NULL; kind++) {
        struct error error = {0};

        error_set_named(&error, ERROR_INTERNAL, kind->name, "why");
        assert_ptr_equal(s3_error_of(&error), kind);
        assert_true(kind->status == 304 || (kind->status >= 400 && kind->status < 600));
        assert_true(kind[1].name == NULL || strcmp(kind->name, kind[1].name) < 0);
    }
}

static void test_by_code(void **state)
{
    static const struct {
        enum error_code code;
        const char *name;
        unsigned status;
    } expected[] = {
        {ERROR_USAGE, "InvalidRequest", 400},      {ERROR_INVALID, "InvalidRequest", 400},
        {ERROR_DENIED, "AccessDenied", 403},       {ERROR_NOT_FOUND, "NoSuchKey", 404},
        {ERROR_CONFLICT, "OperationAborted", 409}, {ERROR_LIMIT, "InternalError", 500},
        {ERROR_IO, "InternalError", 500},          {ERROR_MEMORY, "InternalError", 500},
        {ERROR_CORRUPT, "InternalError", 500},     {ERROR_INTERNAL, "InternalError", 500},
        {ERROR_NONE, "InternalError", 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct error error = {0};

        error_set(&error, expected[i].code, "why");
        assert_string_equal(s3_error_of(&error)->name, expected[i].name);
        assert_int_equal(s3_error_of(&error)->status, expected[i].status);
        error_set_named(&error, expected[i].code, "NotOneOfS3", "why");
        assert_string_equal(s3_error_of(&error)->name, expected[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_found),
        cmocka_unit_test(test_by_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/buffer.h"

#include "support/torture.h"
#include "support/unit.h"

static void appends_in_order(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "one");
    buffer_append_char(&buffer, ' ');
    buffer_append_str(&buffer, str_of("two"));
    buffer_append(&buffer, "\0x", 2);
    buffer_append(&buffer, NULL, 0);
    buffer_append_format(&buffer, "%03d", 7);
    assert_int_equal(buffer.length, 12);
    assert_memory_equal(buffer_text(&buffer), "one two\0x007", 13);
    buffer_free(&buffer);
    buffer_free(&buffer);
}

static void an_empty_buffer_has_an_empty_text(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
}

/* Formats of every length around the sizes at which memory grows. */
static void long_formats_are_whole(void **state)
{
    static char model[5000];

    (void)state;
    for (size_t length = 0; length < sizeof model - 1; length += length < 600 ? 1 : 97) {
        struct buffer buffer;

        memset(model, 'm', length);
        model[length] = '\0';
        buffer_init(&buffer, 0);
        buffer_append_format(&buffer, "%s", model);
        assert_int_equal(buffer.length, length);
        assert_string_equal(buffer_text(&buffer), model);
        buffer_append_format(&buffer, "%s", model);
        assert_int_equal(buffer.length, 2 * length);
        assert_memory_equal(buffer.data + length, model, length);
        buffer_free(&buffer);
    }
}

static void the_ceiling_makes_it_fail_and_stay_failed(void **state)
{
    struct buffer buffer;
    struct error error = {0};
    char sixty[61] = "012345678901234567890123456789012345678901234567890123456789";

    (void)state;
    buffer_init(&buffer, 300);
    for (int i = 0; i < 5; i++) {
        buffer_append_text(&buffer, sixty);
    }
    assert_true(buffer_check(&buffer, &error));
    assert_int_equal(strlen(buffer_text(&buffer)), 300);
    buffer_append_char(&buffer, 'x');
    buffer_append(&buffer, "", 0);
    assert_false(buffer_check(&buffer, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(buffer.length, 300);
    assert_null(buffer_text(&buffer));
    assert_null(buffer_room(&buffer, 1));
    buffer_append_format(&buffer, "%300s", "x");
    assert_int_equal(buffer.length, 300);
    buffer_clear(&buffer);
    buffer_append_char(&buffer, 'y');
    assert_string_equal(buffer_text(&buffer), "y");
    buffer_free(&buffer);
}

static void room_is_written_in_place(void **state)
{
    struct buffer buffer;
    struct error error;

    (void)state;
    buffer_init(&buffer, 0);
    for (unsigned i = 0; i < 1000; i++) {
        char *room = buffer_room(&buffer, 33);

        assert_non_null(room);
        memset(room, (int)('a' + i % 26), 33);
        buffer_advance(&buffer, 17);
    }
    assert_int_equal(buffer.length, 17000);
    for (size_t i = 0; i < buffer.length; i++) {
        assert_int_equal(buffer.data[i], 'a' + i / 17 % 26);
    }
    assert_true(buffer_check(&buffer, &error));
    assert_null(buffer_room(&buffer, SIZE_MAX));
    buffer_free(&buffer);
}

static bool build_text(void *context, struct error *error)
{
    struct buffer buffer __attribute__((cleanup(buffer_free))) = {0};

    (void)context;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "start");
    buffer_append_format(&buffer, "%1000d", 1);
    buffer_append_format(&buffer, "%2000d", 2);
    const char *text = buffer_text(&buffer);

    assert_true((text != NULL) == !buffer.failed);
    return buffer_check(&buffer, error);
}

static void want_of_memory_is_found_at_the_end(void **state)
{
    (void)state;
    torture_walk(build_text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_in_order),         cmocka_unit_test(an_empty_buffer_has_an_empty_text),
        cmocka_unit_test(long_formats_are_whole),   cmocka_unit_test(the_ceiling_makes_it_fail_and_stay_failed),
        cmocka_unit_test(room_is_written_in_place), cmocka_unit_test(want_of_memory_is_found_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

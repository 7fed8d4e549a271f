#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/unit.h"
#include "tabular/thrift_compact.h"

static struct thrift_reader reader_of(const struct buffer *bytes)
{
    const uint8_t *data = (const uint8_t *)bytes->data;

    return (struct thrift_reader){data, data + bytes->length, false};
}

/* A struct with a field of each type, ids close together and far apart. */
static void write_sample(struct buffer *into)
{
    struct thrift_writer writer = {.into = into};

    thrift_begin(&writer);
    thrift_put_boolean(&writer, 1, true);
    thrift_put_boolean(&writer, 2, false);
    thrift_put_i32(&writer, 3, INT32_MIN);
    thrift_put_i64(&writer, 40, INT64_MIN);
    thrift_put_binary(&writer, 41, str_of("text"));
    thrift_put_struct(&writer, 300);
    thrift_put_i64(&writer, 1, INT64_MAX);
    thrift_end(&writer);
    thrift_put_list(&writer, 301, THRIFT_I32, 20);
    for (int i = 0; i < 20; i++) {
        thrift_item_i32(&writer, -i);
    }
    thrift_put_list(&writer, 302, THRIFT_BINARY, 1);
    thrift_item_binary(&writer, str_of(""));
    thrift_end(&writer);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct buffer bytes;

    buffer_init(&bytes, 0);
    write_sample(&bytes);
    struct thrift_reader reader = reader_of(&bytes);
    struct thrift_field field = {0};

    assert_true(thrift_next(&reader, &field));
    assert_int_equal(field.id, 1);
    assert_true(thrift_boolean(&reader, &field));
    assert_true(thrift_next(&reader, &field));
    assert_false(thrift_boolean(&reader, &field));
    assert_true(thrift_next(&reader, &field));
    assert_int_equal(thrift_i32(&reader, &field), INT32_MIN);
    assert_true(thrift_next(&reader, &field));
    assert_int_equal(field.id, 40);
    assert_int_equal(thrift_integer(&reader, &field), INT64_MIN);
    assert_true(thrift_next(&reader, &field));
    assert_true(str_is(thrift_binary(&reader, &field), "text"));
    assert_true(thrift_next(&reader, &field));
    assert_int_equal(field.id, 300);
    assert_true(thrift_struct(&reader, &field));
    struct thrift_field inner = {0};
    assert_true(thrift_next(&reader, &inner));
    assert_int_equal(thrift_integer(&reader, &inner), INT64_MAX);
    assert_false(thrift_next(&reader, &inner));
    assert_true(thrift_next(&reader, &field));
    assert_int_equal(thrift_list(&reader, &field, THRIFT_I32), 20);
    struct thrift_field item = {.type = THRIFT_I32};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(thrift_i32(&reader, &item), -i);
    }
    assert_true(thrift_next(&reader, &field));
    thrift_skip(&reader, field.type);
    assert_false(thrift_next(&reader, &field));
    assert_false(reader.failed);
    assert_ptr_equal(reader.at, reader.end);
    buffer_free(&bytes);
}

static void test_every_field_can_be_passed_over(void **state)
{
    (void)state;
    struct buffer bytes;
    size_t count = 0;

    buffer_init(&bytes, 0);
    write_sample(&bytes);
    struct thrift_reader reader = reader_of(&bytes);
    struct thrift_field field = {0};

    while (thrift_next(&reader, &field)) {
        thrift_skip(&reader, field.type);
        count++;
    }
    assert_int_equal(count, 8);
    assert_false(reader.failed);
    assert_ptr_equal(reader.at, reader.end);
    buffer_free(&bytes);
}

static void test_every_cut_fails(void **state)
{
    (void)state;
    struct buffer bytes;

    buffer_init(&bytes, 0);
    write_sample(&bytes);
    for (size_t cut = 0; cut < bytes.length; cut++) {
        uint8_t *copy = malloc(cut + 1);
        struct thrift_field field = {0};

        assert_non_null(copy);
        memcpy(copy, bytes.data, cut);
        struct thrift_reader reader = {copy, copy + cut, false};

        while (thrift_next(&reader, &field)) {
            thrift_skip(&reader, field.type);
        }
        assert_true(reader.failed);
        free(copy);
    }
    buffer_free(&bytes);
}

static void test_a_value_of_another_type_fails(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {4, 0, 0, 0};
    struct thrift_reader reader = {bytes, bytes + sizeof bytes, false};
    struct thrift_field text = {.type = THRIFT_BINARY};

    assert_int_equal(thrift_integer(&reader, &text), 0);
    assert_true(reader.failed);
    assert_int_equal(thrift_binary(&reader, &text).length, 0);
}

static void test_more_than_32_bits_fail(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x80, 0x80, 0x80, 0x80, 0x20, 0, 0};
    struct thrift_reader reader = {bytes, bytes + sizeof bytes, false};
    struct thrift_field field = {.type = THRIFT_I64};

    assert_int_equal(thrift_i32(&reader, &field), 0);
    assert_true(reader.failed);
}

static void test_a_list_claims_no_more_than_there_is(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0};
    struct thrift_reader reader = {bytes, bytes + sizeof bytes, false};
    struct thrift_field field = {.type = THRIFT_LIST};

    assert_int_equal(thrift_list(&reader, &field, THRIFT_STRUCT), 0);
    assert_true(reader.failed);
}

static void test_nesting_has_an_end(void **state)
{
    (void)state;
    uint8_t bytes[4000];

    memset(bytes, 0x1c, sizeof bytes); /* a struct in a struct in a struct … */
    struct thrift_reader reader = {bytes, bytes + sizeof bytes, false};

    thrift_skip(&reader, THRIFT_STRUCT);
    assert_true(reader.failed);
}

static void test_random_bytes_are_harmless(void **state)
{
    (void)state;
    struct random random;

    random_seed(&random, 5);
    for (unsigned round = 0; round < 50000; round++) {
        size_t size = random_below(&random, 60);
        uint8_t *bytes = malloc(size + 1);

        assert_non_null(bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)random_next(&random);
        }
        struct thrift_reader reader = {bytes, bytes + size, false};

        thrift_skip(&reader, (enum thrift_type)random_below(&random, 14));
        assert_true(reader.at <= reader.end);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read), cmocka_unit_test(test_every_field_can_be_passed_over),
        cmocka_unit_test(test_every_cut_fails),         cmocka_unit_test(test_a_value_of_another_type_fails),
        cmocka_unit_test(test_more_than_32_bits_fail),  cmocka_unit_test(test_a_list_claims_no_more_than_there_is),
        cmocka_unit_test(test_nesting_has_an_end),      cmocka_unit_test(test_random_bytes_are_harmless),
    };
    return cmocka_run_group_tests_name("thrift_compact", tests, NULL, NULL);
}

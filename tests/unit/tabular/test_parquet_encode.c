#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "support/unit.h"
#include "tabular/parquet_decode.h"
#include "tabular/parquet_encode.h"

/* An exact copy of the bytes with the padding that decoders ask for, so that a read past it is seen. */
static uint8_t *padded_copy(const struct buffer *encoded)
{
    uint8_t *copy = calloc(1, encoded->length + DECODE_PADDING);

    assert_non_null(copy);
    memcpy(copy, encoded->data, encoded->length);
    return copy;
}

static void check_hybrid(const uint32_t *values, size_t count, unsigned width)
{
    struct buffer encoded;
    uint32_t *decoded = calloc(count + 1, sizeof *decoded);

    buffer_init(&encoded, 0);
    encode_hybrid(&encoded, values, count, width);
    assert_false(encoded.failed);

    uint8_t *copy = padded_copy(&encoded);

    assert_true(decode_hybrid(copy, encoded.length, width, decoded, count));
    assert_memory_equal(decoded, values, count * sizeof *values);
    if (count > 0 && width > 0) {
        assert_false(decode_hybrid(copy, 0, width, decoded, count));
    }
    free(copy);
    free(decoded);
    buffer_free(&encoded);
}

static void test_hybrid_gives_back_random_values_of_every_width(void **state)
{
    (void)state;
    static uint32_t values[3000];
    struct random random;

    random_seed(&random, 1);
    for (unsigned width = 0; width <= 32; width++) {
        uint64_t bound = UINT64_C(1) << width;
        for (unsigned round = 0; round < 20; round++) {
            size_t count = random_below(&random, 3000);
            uint64_t repeat = 1 + random_below(&random, 30);
            for (size_t i = 0; i < count; i++) {
                bool again = i > 0 && random_below(&random, repeat) != 0;
                values[i] = again ? values[i - 1] : (uint32_t)random_below(&random, bound);
            }
            check_hybrid(values, count, width);
        }
    }
}

/* The two examples of parquet-format's Encodings.md: 0 to 7 in three bits, and a run. */
static void test_hybrid_has_the_bytes_of_the_specification(void **state)
{
    (void)state;
    static const uint32_t ascending[] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const uint8_t packed[] = {0x03, 0x88, 0xC6, 0xFA};
    static const uint8_t run[] = {0xC8, 0x01, 0x04};
    uint32_t fours[100];
    struct buffer encoded;

    buffer_init(&encoded, 0);
    encode_hybrid(&encoded, ascending, 8, 3);
    assert_int_equal(encoded.length, sizeof packed);
    assert_memory_equal(encoded.data, packed, sizeof packed);
    buffer_clear(&encoded);
    for (size_t i = 0; i < 100; i++) {
        fours[i] = 4;
    }
    encode_hybrid(&encoded, fours, 100, 3);
    assert_int_equal(encoded.length, sizeof run);
    assert_memory_equal(encoded.data, run, sizeof run);
    buffer_clear(&encoded);
    encode_hybrid_run(&encoded, 4, 100, 3);
    assert_int_equal(encoded.length, sizeof run);
    assert_memory_equal(encoded.data, run, sizeof run);
    buffer_free(&encoded);
}

static void test_levels_count_what_is_present(void **state)
{
    (void)state;
    static uint32_t values[2000];
    static uint8_t levels[2000];
    struct random random;

    random_seed(&random, 2);
    for (unsigned round = 0; round < 300; round++) {
        size_t count = random_below(&random, 2000);
        uint64_t share = 1 + random_below(&random, 20);
        size_t expected = 0;
        for (size_t i = 0; i < count; i++) {
            values[i] = random_below(&random, share) != 0;
            expected += values[i];
        }
        struct buffer encoded;
        size_t present = 0;

        buffer_init(&encoded, 0);
        encode_hybrid(&encoded, values, count, 1);
        uint8_t *copy = padded_copy(&encoded);

        assert_true(decode_levels(copy, encoded.length, levels, count, &present));
        assert_int_equal(present, expected);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(levels[i], values[i]);
        }
        free(copy);
        buffer_free(&encoded);
    }
}

static void check_delta(const int64_t *values, size_t count, bool of_int32)
{
    struct buffer encoded;
    int64_t *decoded = calloc(count + 1, sizeof *decoded);
    size_t used = 0;

    buffer_init(&encoded, 0);
    encode_delta(&encoded, values, count, of_int32);
    size_t length = encoded.length;

    buffer_append_text(&encoded, "what follows");
    uint8_t *copy = padded_copy(&encoded);

    assert_true(decode_delta(copy, encoded.length, decoded, count, &used));
    assert_int_equal(used, length);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(of_int32 ? (int32_t)(uint32_t)(uint64_t)decoded[i] : decoded[i], values[i]);
    }
    assert_false(decode_delta(copy, encoded.length, decoded, count + 1, &used));
    for (size_t cut = 0; cut < length; cut += 1 + length / 50) {
        uint8_t *shorter = calloc(1, cut + DECODE_PADDING);

        memcpy(shorter, copy, cut);
        /* What is cut off may be padding after the last value; else it is missed. */
        if (decode_delta(shorter, cut, decoded, count, &used) && count > 0) {
            assert_int_equal(of_int32 ? (int32_t)(uint32_t)(uint64_t)decoded[count - 1] : decoded[count - 1],
                             values[count - 1]);
        }
        free(shorter);
    }
    free(copy);
    free(decoded);
    buffer_free(&encoded);
}

static void test_delta_gives_back_random_values(void **state)
{
    (void)state;
    static int64_t values[1500];
    struct random random;

    random_seed(&random, 3);
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (unsigned round = 0; round < 4; round++) {
            size_t count = 1 + random_below(&random, 1500);
            for (size_t i = 0; i < count; i++) {
                uint64_t word = random_next(&random);
                values[i] = bits == 0 ? 7 : (int64_t)(word >> (64 - bits));
            }
            check_delta(values, count, false);
        }
    }
}

static void test_delta_keeps_the_ends_of_the_range(void **state)
{
    (void)state;
    static const int64_t wide[] = {INT64_MIN, INT64_MAX, INT64_MIN, 0, -1, 1, INT64_MAX, INT64_MAX, INT64_MIN};
    static const int64_t narrow[] = {INT32_MIN, INT32_MAX, 0, INT32_MIN, -1, INT32_MAX};
    static const int64_t one[] = {INT64_MIN};

    check_delta(wide, 9, false);
    check_delta(narrow, 6, true);
    check_delta(one, 1, false);
    check_delta(one, 0, false);
}

/* Differences of INT32 columns never take more than 32 bits: other readers refuse them. */
static void test_delta_of_int32_stays_within_32_bits(void **state)
{
    (void)state;
    static int64_t values[129];
    struct buffer encoded;

    for (size_t i = 0; i < 129; i++) {
        values[i] = i % 2 == 0 ? INT32_MIN : INT32_MAX;
    }
    buffer_init(&encoded, 0);
    encode_delta(&encoded, values, 129, true);
    assert_true(encoded.length < 129 * 4 + 30);
    buffer_free(&encoded);
}

/* The first example of parquet-format's Encodings.md: 1 to 5 differ by one each. */
static void test_delta_has_the_bytes_of_the_specification(void **state)
{
    (void)state;
    static const int64_t values[] = {1, 2, 3, 4, 5};
    static const uint8_t expected[] = {0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0, 0, 0, 0};
    struct buffer encoded;

    buffer_init(&encoded, 0);
    encode_delta(&encoded, values, 5, false);
    assert_int_equal(encoded.length, sizeof expected);
    assert_memory_equal(encoded.data, expected, sizeof expected);
    buffer_free(&encoded);
}

static void test_damaged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    static int64_t values[600];
    static uint32_t indices[600];
    static uint8_t levels[600];
    struct random random;

    random_seed(&random, 4);
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = random_below(&random, 80);
        uint8_t *bytes = calloc(1, size + DECODE_PADDING);
        size_t used = 0;

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)random_below(&random, random_below(&random, 2) != 0 ? 256 : 8);
        }
        size_t count = random_below(&random, 600);

        decode_delta(bytes, size, values, count, &used);
        assert_true(used <= size);
        decode_hybrid(bytes, size, (unsigned)random_below(&random, 40), indices, count);
        decode_levels(bytes, size, levels, count, &used);
        decode_booleans(bytes, size, values, count);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hybrid_gives_back_random_values_of_every_width),
        cmocka_unit_test(test_hybrid_has_the_bytes_of_the_specification),
        cmocka_unit_test(test_levels_count_what_is_present),
        cmocka_unit_test(test_delta_gives_back_random_values),
        cmocka_unit_test(test_delta_keeps_the_ends_of_the_range),
        cmocka_unit_test(test_delta_of_int32_stays_within_32_bits),
        cmocka_unit_test(test_delta_has_the_bytes_of_the_specification),
        cmocka_unit_test(test_damaged_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests_name("parquet_encode", tests, NULL, NULL);
}

#include "table/decimal.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/unit.h"

static struct decimal parsed(const char *text)
{
    struct decimal decimal;
    struct error error = {0};

    if (!decimal_parse(str_of(text), &decimal, &error)) {
        fail_msg("%s: %s", text, error.message);
    }
    return decimal;
}

static void assert_text(const char *text, const char *expected)
{
    struct decimal decimal = parsed(text);
    char shown[DECIMAL_TEXT_BYTES];

    assert_int_equal(decimal_text(&decimal, shown), strlen(expected));
    assert_string_equal(shown, expected);
}

static void assert_refused(const char *text, const char *words)
{
    struct decimal decimal;
    struct error error = {0};

    assert_false(decimal_parse(str_of(text), &decimal, &error));
    assert_string_equal(error.name, "ValidationException");
    assert_non_null(strstr(error.message, words));
}

static void reads_every_notation_and_shows_the_plain_one(void **state)
{
    (void)state;
    assert_text("0", "0");
    assert_text("-0.000", "0");
    assert_text("0e500", "0");
    assert_text("007.50", "7.5");
    assert_text("-12.50", "-12.5");
    assert_text("+.5", "0.5");
    assert_text("5.", "5");
    assert_text("1e3", "1000");
    assert_text("1.5E+2", "150");
    assert_text("12e-4", "0.0012");
    assert_text("0.00100", "0.001");
    assert_text("1000000", "1000000");
    assert_text("12345678901234567890123456789012345678", "12345678901234567890123456789012345678");
    assert_text("1.2345678901234567890123456789012345678000", "1.2345678901234567890123456789012345678");
}

static void refuses_what_is_no_number_or_does_not_fit(void **state)
{
    (void)state;
    const char *const wrong[] = {"",   "-",  ".",    "e5",  "1e",       "1e+",  "1.2.3",
                                 "1 ", " 1", "0x10", "NaN", "Infinity", "1e5.0"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(wrong[i], "cannot be converted to a numeric value");
    }
    assert_refused("123456789012345678901234567890123456789", "more than 38 significant digits");
    assert_refused("1.00000000000000000000000000000000000001", "more than 38 significant digits");
    assert_refused("1e126", "Number overflow");
    assert_refused("-1e99999999999999999999", "Number overflow");
    assert_refused("1e-131", "Number underflow");
    assert_text("9.9e125", "99"
                           "00000000000000000000000000000000000000000000000000"
                           "00000000000000000000000000000000000"
                           "000000000000000000000000000000000000000");
    assert_int_equal(parsed("1e-130").exponent, -129);
}

static void assert_sum(const char *a, const char *b, const char *sum, const char *difference)
{
    struct decimal x = parsed(a);
    struct decimal y = parsed(b);
    struct decimal result;
    struct error error = {0};
    char text[DECIMAL_TEXT_BYTES];

    assert_true(decimal_add(&x, &y, &result, &error));
    decimal_text(&result, text);
    assert_string_equal(text, sum);
    assert_true(decimal_subtract(&x, &y, &result, &error));
    decimal_text(&result, text);
    assert_string_equal(text, difference);
}

static void adds_exactly_or_not_at_all(void **state)
{
    (void)state;
    assert_sum("0.1", "0.2", "0.3", "-0.1");
    assert_sum("999", "1", "1000", "998");
    assert_sum("-5", "5", "0", "-10");
    assert_sum("0", "0", "0", "0");
    assert_sum("0", "7", "7", "-7");
    assert_sum("1e37", "1", "10000000000000000000000000000000000001", "9999999999999999999999999999999999999");

    struct decimal large = parsed("1e38");
    struct decimal one = parsed("1");
    struct decimal edge = parsed("9.9e125");
    struct decimal result;
    struct error error = {0};

    assert_false(decimal_add(&large, &one, &result, &error));
    assert_non_null(strstr(error.message, "38 significant digits"));
    assert_false(decimal_add(&edge, &edge, &result, &error));
    assert_non_null(strstr(error.message, "overflow"));
}

static struct decimal any_decimal(struct random *random)
{
    char text[64];
    size_t length = 0;
    uint64_t digits = 1 + random_below(random, random_below(random, 2) == 0 ? 4 : DECIMAL_MAX_DIGITS);

    if (random_below(random, 2) == 0) {
        text[length++] = '-';
    }
    for (uint64_t i = 0; i < digits; i++) {
        text[length++] = (char)('0' + random_below(random, random_below(random, 3) == 0 ? 1 : 10));
    }
    snprintf(text + length, sizeof text - length, "e%d", (int)random_below(random, 80) - 40);
    return parsed(text);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void codes_order_as_numbers_do_and_come_back(void **state)
{
    (void)state;
    struct random random;

    random_seed(&random, 7);
    for (int i = 0; i < 20000; i++) {
        struct decimal a = any_decimal(&random);
        struct decimal b = any_decimal(&random);
        uint8_t code_a[DECIMAL_CODE_BYTES];
        uint8_t code_b[DECIMAL_CODE_BYTES];
        size_t size_a = decimal_encode(&a, code_a);
        size_t size_b = decimal_encode(&b, code_b);
        int order = memcmp(code_a, code_b, size_a < size_b ? size_a : size_b);
        struct decimal back;
        size_t used = 0;
        struct error error = {0};

        order = order != 0 ? order : (size_a > size_b) - (size_a < size_b);
        assert_int_equal(sign(order), sign(decimal_compare(&a, &b)));
        assert_true(decimal_decode(code_a, size_a, &back, &used, &error));
        assert_int_equal(used, size_a);
        assert_memory_equal(&back, &a, sizeof a);

        struct decimal difference;

        if (decimal_subtract(&a, &b, &difference, &error)) {
            int expected = difference.count == 0 ? 0 : difference.negative ? -1 : 1;

            assert_int_equal(expected, sign(decimal_compare(&a, &b)));
            assert_true(decimal_add(&difference, &b, &back, &error));
            assert_memory_equal(&back, &a, sizeof a);
        }
    }
}

static void broken_codes_are_found(void **state)
{
    (void)state;
    struct random random;
    struct decimal decimal;
    struct error error = {0};
    size_t used;

    random_seed(&random, 9);
    assert_false(decimal_decode((const uint8_t *)"", 0, &decimal, &used, &error));
    for (int i = 0; i < 20000; i++) {
        uint8_t code[DECIMAL_CODE_BYTES] = {random_below(&random, 2) == 0 ? 0xC0 : 0x3F};
        size_t size = 1 + random_below(&random, sizeof code);

        for (size_t at = 1; at < size; at++) {
            code[at] = (uint8_t)random_next(&random);
        }
        if (decimal_decode(code, size, &decimal, &used, &error)) {
            uint8_t again[DECIMAL_CODE_BYTES];

            assert_int_equal(decimal_encode(&decimal, again), used);
            assert_memory_equal(again, code, used);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_notation_and_shows_the_plain_one),
        cmocka_unit_test(refuses_what_is_no_number_or_does_not_fit),
        cmocka_unit_test(adds_exactly_or_not_at_all),
        cmocka_unit_test(codes_order_as_numbers_do_and_come_back),
        cmocka_unit_test(broken_codes_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

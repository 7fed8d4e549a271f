#include "tabular/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/unit.h"

static void assert_number(const char *text, int scale, int64_t expected)
{
    int64_t value = 77;
    if (number_parse(str_of(text), scale, &number_format_default, &value) != NUMBER_OK)
        fail_msg("%s was refused", text);
    if (value != expected) fail_msg("%s at scale %d is %" PRId64 ", not %" PRId64, text, scale, value, expected);
}

static void assert_refused(const char *text, int scale, enum number_result expected)
{
    int64_t value = 77;
    enum number_result result = number_parse(str_of(text), scale, &number_format_default, &value);
    if (result != expected) fail_msg("%s at scale %d gives %d, not %d", text, scale, result, expected);
    assert_int_equal(value, 77);
}

static void reads_decimals_exactly(void **state)
{
    (void)state;
    assert_number("0", 0, 0);
    assert_number("-0.000", 2, 0);
    assert_number("46.35", 4, 463500);
    assert_number("+1.5", 1, 15);
    assert_number("-12.345", 3, -12345);
    assert_number(".5", 2, 50);
    assert_number("5.", 2, 500);
    assert_number("0.1", 18, 100000000000000000);
    assert_number("1.500000000000000000000000000000", 1, 15);
    assert_number("0000000000000000000000000000000012", 0, 12);
    assert_number("1e3", 0, 1000);
    assert_number("1.25E+2", 0, 125);
    assert_number("12500e-4", 2, 125);
    assert_number("0e99999999999999999999", 0, 0);
    assert_number("9223372036854775807", 0, INT64_MAX);
    assert_number("-9223372036854775807", 0, -INT64_MAX);
    assert_number("9.223372036854775807", 18, INT64_MAX);
}

static void tells_why_a_number_is_refused(void **state)
{
    (void)state;
    const char *const malformed[] = {"",          " ",     "+",     "-",     ".",   "e3",  "1e",
                                     "1e+",       "1.2.3", "1,000", "0x10",  "nan", "NaN", "inf",
                                     "-Infinity", "1_000", "--1",   "1e3.5", "1 2", "12a", "\xD9\xA1"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_refused(malformed[i], 2, NUMBER_MALFORMED);
    assert_refused("1.005", 2, NUMBER_TOO_FINE);
    assert_refused("1e-3", 2, NUMBER_TOO_FINE);
    assert_refused("1e-99999999999999999999", 2, NUMBER_TOO_FINE);
    assert_refused("9223372036854775808", 0, NUMBER_TOO_LARGE);
    assert_refused("-9223372036854775808", 0, NUMBER_TOO_SMALL);
    assert_refused("92233720368547758.08", 2, NUMBER_TOO_LARGE);
    assert_refused("1e19", 0, NUMBER_TOO_LARGE);
    assert_refused("-1e99999999999999999999", 0, NUMBER_TOO_SMALL);
    assert_refused("123456789012345678901234567890.5", 0, NUMBER_TOO_LARGE);
}

static void reads_other_marks(void **state)
{
    (void)state;
    struct number_format german = {.decimal = ',', .group = '.', .bare = true};
    struct number_format loose = {.decimal = '.', .group = ',', .bare = false};
    int64_t value = 0;
    assert_int_equal(number_parse(str_of("1.234.567,89"), 2, &german, &value), NUMBER_OK);
    assert_int_equal(value, 123456789);
    assert_int_equal(number_parse(str_of("1..2"), 2, &german, &value), NUMBER_MALFORMED);
    assert_int_equal(number_parse(str_of(".5"), 2, &german, &value), NUMBER_MALFORMED);
    assert_int_equal(number_parse(str_of("1,5.0"), 2, &german, &value), NUMBER_MALFORMED);
    const struct {
        const char *text;
        int64_t value;
    } surrounded[] = {{"$1,234.50", 123450}, {"95%", 9500},    {"-\xE2\x82\xAC 12.5", -1250},
                      {"EUR -3", -300},      {"ref-a 5", 500}, {"US$.75", 75}};
    for (size_t i = 0; i < sizeof surrounded / sizeof surrounded[0]; i++) {
        assert_int_equal(number_parse(str_of(surrounded[i].text), 2, &loose, &value), NUMBER_OK);
        assert_int_equal(value, surrounded[i].value);
    }
    assert_int_equal(number_parse(str_of("none"), 2, &loose, &value), NUMBER_MALFORMED);
    assert_int_equal(number_parse(str_of("95%"), 2, &number_format_default, &value), NUMBER_MALFORMED);
}

static void integers_have_no_fraction(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_int_equal(integer_parse(str_of("+042"), &number_format_default, &value), NUMBER_OK);
    assert_int_equal(value, 42);
    assert_int_equal(integer_parse(str_of("8.0"), &number_format_default, &value), NUMBER_MALFORMED);
    assert_int_equal(integer_parse(str_of("1e3"), &number_format_default, &value), NUMBER_MALFORMED);
    assert_int_equal(integer_parse(str_of("99999999999999999999"), &number_format_default, &value), NUMBER_TOO_LARGE);
}

/* Any value written in any of its forms reads as that value. */
static void every_form_of_a_value_reads_alike(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 7);
    for (int round = 0; round < 200000; round++) {
        int scale = (int)random_below(&random, 19);
        int64_t value = (int64_t)(random_next(&random) >> random_below(&random, 64));
        value = value == INT64_MIN ? 1 : value;
        struct buffer text __attribute__((cleanup(buffer_free))) = {0};
        char form[64];
        int64_t read = 0;
        number_append(value, scale, &text);
        assert_int_equal(number_parse(str_slice(text.data, text.length), scale, &number_format_default, &read),
                         NUMBER_OK);
        assert_true(read == value);
        snprintf(form, sizeof form, "%" PRId64 "e-%d", value, scale);
        read = 0;
        assert_int_equal(number_parse(str_of(form), scale, &number_format_default, &read), NUMBER_OK);
        assert_true(read == value);
        snprintf(form, sizeof form, "%" PRId64 "000e%d", value, -scale - 3);
        assert_int_equal(number_parse(str_of(form), scale, &number_format_default, &read), NUMBER_OK);
        assert_true(read == value);
    }
}

/* Short digit strings against plain 128-bit arithmetic. */
static void agrees_with_wide_arithmetic(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 8);
    for (int round = 0; round < 200000; round++) {
        int whole = 1 + (int)random_below(&random, 20), fraction = (int)random_below(&random, 10);
        int scale = (int)random_below(&random, 10);
        char text[40];
        int length = 0;
        __int128 model = 0;
        bool fine = false;
        for (int i = 0; i < whole; i++) {
            text[length++] = (char)('0' + random_below(&random, 10));
            model = model * 10 + (text[length - 1] - '0');
        }
        text[length++] = '.';
        for (int i = 0; i < fraction; i++) {
            text[length++] = "0001259"[random_below(&random, 7)];
            if (i < scale)
                model = model * 10 + (text[length - 1] - '0');
            else
                fine = fine || text[length - 1] != '0';
        }
        for (int i = fraction; i < scale; i++) model *= 10;
        int64_t value = 0;
        enum number_result result =
            number_parse(str_slice(text, (size_t)length), scale, &number_format_default, &value);
        if (model > INT64_MAX)
            assert_true(result == NUMBER_TOO_LARGE || (fine && result == NUMBER_TOO_FINE));
        else if (fine)
            assert_int_equal(result, NUMBER_TOO_FINE);
        else
            assert_true(result == NUMBER_OK && value == (int64_t)model);
    }
}

static void writes_plain_decimals(void **state)
{
    (void)state;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    number_append(12500, 3, &text);
    buffer_append_char(&text, ' ');
    number_append(-1, 4, &text);
    buffer_append_char(&text, ' ');
    number_append(0, 6, &text);
    buffer_append_char(&text, ' ');
    number_append(-700, 2, &text);
    assert_string_equal(buffer_text(&text), "12.5 -0.0001 0 -7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_decimals_exactly),
        cmocka_unit_test(tells_why_a_number_is_refused),
        cmocka_unit_test(reads_other_marks),
        cmocka_unit_test(integers_have_no_fraction),
        cmocka_unit_test(every_form_of_a_value_reads_alike),
        cmocka_unit_test(agrees_with_wide_arithmetic),
        cmocka_unit_test(writes_plain_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

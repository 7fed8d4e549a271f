#include "base/str.h"

#include "base/random.h"
#include "support/unit.h"

static void trims_only_spaces_and_tabs_at_the_ends(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(str_of(" \t a b\t ")), "a b"));
    assert_true(str_is(str_trim(str_of("\na ")), "\na"));
    assert_true(str_is(str_trim(str_of(" \t ")), ""));
    assert_true(str_is(str_trim(str_of("")), ""));
}

static void compares_starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts_with(str_of("orders.csv"), "orders"));
    assert_false(str_starts_with(str_of("ord"), "orders"));
    assert_true(str_ends_with(str_of("orders.csv"), ".csv"));
    assert_false(str_ends_with(str_of("csv"), ".csv"));
    assert_true(str_starts_with(str_of("x"), ""));
    assert_true(str_ends_with(str_slice(NULL, 0), ""));
    assert_true(str_equal(str_slice(NULL, 0), str_of("")));
}

static void assert_before(const char *a, const char *b)
{
    assert_true(str_compare_natural(str_of(a), str_of(b)) < 0);
    assert_true(str_compare_natural(str_of(b), str_of(a)) > 0);
}

static void orders_runs_of_digits_by_number(void **state)
{
    (void)state;
    assert_before("part2", "part10");
    assert_before("part9.csv", "part10.csv");
    assert_before("a1b2", "a1b10");
    assert_before("a", "a1");
    assert_before("", "a");
    assert_before("a1", "b0");
    assert_before("2025-07-01", "2025-07-02");
    assert_before("99999999999999999999999999998", "99999999999999999999999999999");
    assert_before("01", "1"); /* the same number: bytes decide */
    assert_before("1", "02");
    assert_before("z", "\xC3\xA9"); /* bytes over 0x7F are after ASCII */
    assert_int_equal(str_compare_natural(str_of("a10"), str_of("a10")), 0);
}

static void natural_order_is_a_total_order(void **state)
{
    struct random random;
    char text[3][6];
    struct str views[3];

    (void)state;
    random_seed(&random, 1);
    for (int round = 0; round < 200000; round++) {
        for (int i = 0; i < 3; i++) {
            size_t length = (size_t)random_below(&random, sizeof text[i]);

            for (size_t j = 0; j < length; j++) {
                text[i][j] = "0012a"[random_below(&random, 5)];
            }
            views[i] = str_slice(text[i], length);
        }
        int ab = str_compare_natural(views[0], views[1]);
        int bc = str_compare_natural(views[1], views[2]);
        int ac = str_compare_natural(views[0], views[2]);
        int ba = str_compare_natural(views[1], views[0]);

        assert_true((ab < 0) == (ba > 0) && (ab == 0) == (ba == 0));
        assert_true((ab == 0) == str_equal(views[0], views[1]));
        assert_false(ab < 0 && bc < 0 && ac >= 0);
    }
}

/* The plainest reading of RFC 3629: decode, then check range, surrogates and shortest form. */
static bool model_is_utf8(const unsigned char *bytes, size_t length, size_t *offset)
{
    size_t at = 0;

    while (at < length) {
        unsigned char lead = bytes[at];
        size_t more = lead < 0x80 ? 0 : lead >= 0xC0 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : 3;
        uint32_t least = more == 0 ? 0 : more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
        uint32_t code = more == 0 ? lead : lead & (0x3Fu >> more);
        bool good = (lead < 0x80 || lead >= 0xC0) && lead < 0xF8 && length - at > more;

        for (size_t i = 1; good && i <= more; i++) {
            good = (bytes[at + i] & 0xC0) == 0x80;
            code = code << 6 | (bytes[at + i] & 0x3Fu);
        }
        if (!good || code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            *offset = at;
            return false;
        }
        at += more + 1;
    }
    return true;
}

static void utf8_agrees_with_the_definition(void **state)
{
    static const unsigned char choices[] = {'a',  0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2,
                                            0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 'z'};
    struct random random;

    (void)state;
    random_seed(&random, 2);
    for (int round = 0; round < 300000; round++) {
        unsigned char bytes[80];
        size_t before = random_below(&random, 2) ? (size_t)random_below(&random, 70) : 0;
        size_t length = before + (size_t)random_below(&random, 8);
        size_t wrong = SIZE_MAX;
        size_t expected = SIZE_MAX;

        memset(bytes, 'x', before);
        for (size_t i = before; i < length; i++) {
            bytes[i] = choices[random_below(&random, sizeof choices)];
        }
        bool good = str_is_utf8(str_slice((const char *)bytes, length), &wrong);

        assert_int_equal(good, model_is_utf8(bytes, length, &expected));
        assert_int_equal(wrong, expected);
    }
}

static void utf8_takes_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        unsigned char bytes[4];
        size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
        size_t wrong = 0;

        for (size_t i = length - 1; i > 0; i--) {
            bytes[i] = (unsigned char)(0x80 | (code >> 6 * (length - 1 - i) & 0x3F));
        }
        bytes[0] = (unsigned char)(leads[length] | code >> 6 * (length - 1));
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;

        assert_int_equal(str_is_utf8(str_slice((const char *)bytes, length), &wrong), !surrogate);
    }
}

static void counts_edits(void **state)
{
    (void)state;
    assert_int_equal(str_distance(str_of(""), str_of("abc")), 3);
    assert_int_equal(str_distance(str_of("kitten"), str_of("sitting")), 3);
    assert_int_equal(str_distance(str_of("orders"), str_of("oders")), 1);
    assert_int_equal(str_distance(str_of("same"), str_of("same")), 0);
    assert_true(str_distance(str_of("0123456789012345678901234567890123456789012345678901234567890123"), str_of("a")) ==
                SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims_only_spaces_and_tabs_at_the_ends),
        cmocka_unit_test(compares_starts_and_ends),
        cmocka_unit_test(orders_runs_of_digits_by_number),
        cmocka_unit_test(natural_order_is_a_total_order),
        cmocka_unit_test(utf8_agrees_with_the_definition),
        cmocka_unit_test(utf8_takes_every_code_point),
        cmocka_unit_test(counts_edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tabular/pattern.h"

#include <string.h>

#include "support/torture.h"
#include "support/unit.h"

static enum pattern_result match(const char *expression, const char *text)
{
    struct error error = {0};
    struct pattern *pattern = pattern_new(expression, &error);
    if (!pattern) fail_msg("%s", error.message);
    enum pattern_result result = pattern_match(pattern, str_of(text));
    pattern_free(pattern);
    return result;
}

static void the_whole_text_must_match(void **state)
{
    (void)state;
    assert_int_equal(match("[A-Z]{2}\\d+", "AB12"), PATTERN_MATCH);
    assert_int_equal(match("[A-Z]{2}\\d+", "AB12x"), PATTERN_NO_MATCH);
    assert_int_equal(match("[A-Z]{2}\\d+", "xAB12"), PATTERN_NO_MATCH);
    assert_int_equal(match("a|ab", "ab"), PATTERN_MATCH);
    assert_int_equal(match("a*", ""), PATTERN_MATCH);
    assert_int_equal(match("a", "a\n"), PATTERN_NO_MATCH);
    assert_int_equal(match("^ab$", "ab"), PATTERN_MATCH);
}

static void characters_are_of_unicode(void **state)
{
    (void)state;
    assert_int_equal(match(".", "\xC3\xA9"), PATTERN_MATCH);
    assert_int_equal(match("\\p{Lu}.+", "\xC3\x89t\xC3\xA9"), PATTERN_MATCH);
    assert_int_equal(match(".*", "\xFF"), PATTERN_NO_MATCH);
}

static void a_costly_match_ends(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(match("(a+)+b", text), PATTERN_NO_MATCH);
}

static void a_wrong_expression_is_named(void **state)
{
    (void)state;
    struct error error = {0};
    assert_null(pattern_new("[a-", &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.message, "[a-"));
}

static bool compile_and_match(void *context, struct error *error)
{
    (void)context;
    struct pattern *pattern = pattern_new("(a|b)+c?", error);
    if (!pattern) return false;
    enum pattern_result result = pattern_match(pattern, str_of("abab"));
    pattern_free(pattern);
    if (result == PATTERN_FAILED) return error_set(error, ERROR_MEMORY, "no memory to match");
    assert_int_equal(result, PATTERN_MATCH);
    return true;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    torture_walk(compile_and_match, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_text_must_match), cmocka_unit_test(characters_are_of_unicode),
        cmocka_unit_test(a_costly_match_ends),       cmocka_unit_test(a_wrong_expression_is_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

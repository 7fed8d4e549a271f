/* Patterns of origins and headers against a plain matcher. */
#include <string.h>
#include <strings.h>

#include "base/random.h"
#include "http/s3/cors.h"
#include "support/unit.h"

/* Every way that the star can stand for something. */
static bool model(const char *pattern, const char *text, bool fold)
{
    for (; *pattern != '\0'; pattern++, text++) {
        if (*pattern == '*') {
            for (;; text++) {
                if (model(pattern + 1, text, fold)) {
                    return true;
                }
                if (*text == '\0') {
                    return false;
                }
            }
        }
        if (*text == '\0' || (fold ? strncasecmp(pattern, text, 1) : strncmp(pattern, text, 1)) != 0) {
            return false;
        }
    }
    return *text == '\0';
}

static void test_against_a_model(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 3);
    for (int i = 0; i < 200000; i++) {
        char pattern[8] = "", text[8] = "";
        size_t length = random_below(&random, 6), star = random_below(&random, 7);
        bool fold = random_below(&random, 2) == 1;

        for (size_t at = 0; at < length; at++) {
            pattern[at] = at == star ? '*' : "abA"[random_below(&random, 3)];
        }
        length = random_below(&random, 6);
        for (size_t at = 0; at < length; at++) {
            text[at] = "abA"[random_below(&random, 3)];
        }
        assert_int_equal(cors_matches(pattern, text, length, fold), model(pattern, text, fold));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_a_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Codings: every value comes back from its code, whatever kind was chosen and whoever coded it. */
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "kpi/coding.h"
#include "support/torture.h"
#include "tabular/column.h"

static void chosen(bool known, int64_t low, int64_t high, bool grouped, int kind)
{
    struct error error = {0};
    struct coding coding;
    assert_true(coding_choose(&coding, known, low, high, grouped, &error));
    assert_int_equal(coding.kind, kind);
    coding_free(&coding);
}

static void the_narrowest_is_chosen(void **state)
{
    (void)state;
    int64_t span = (int64_t)CODE_NULL;
    chosen(true, 5, 5, true, CODING_OFFSET);
    chosen(true, -7, -7 + span - 1, true, CODING_OFFSET);
    chosen(true, -7, -7 + span, true, CODING_DICTIONARY); /* the last code is the null */
    chosen(true, -7, -7 + span, false, CODING_RAW);
    chosen(true, INT64_MIN + 1, INT64_MAX, true, CODING_DICTIONARY);
    chosen(true, INT64_MIN + 1, INT64_MAX, false, CODING_RAW);
    chosen(true, INT64_MAX - span + 1, INT64_MAX, false, CODING_OFFSET);
    chosen(true, INT64_MIN + 1, INT64_MIN + span, false, CODING_OFFSET);
    chosen(false, 0, 0, true, CODING_OFFSET);
}

static void offsets_come_back(void **state)
{
    (void)state;
    static const int64_t bases[] = {0, -1, 1000000007, INT64_MIN + 1, INT64_MAX - CODE_NULL + 1};
    struct error error = {0};
    struct random random;
    random_seed(&random, 11);
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
        struct coding coding;
        int64_t values[300];
        uint32_t codes[300];
        assert_true(coding_choose(&coding, true, bases[b], bases[b] + (CODE_NULL - 1), true, &error));
        for (size_t i = 0; i < 300; i++) values[i] = bases[b] + (int64_t)random_below(&random, CODE_NULL);
        values[0] = bases[b];
        values[1] = bases[b] + (CODE_NULL - 1);
        values[2] = values[299] = COLUMN_NULL;
        assert_true(coding_encode(&coding, values, 300, codes, &error));
        assert_int_equal(codes[2], CODE_NULL);
        for (size_t i = 0; i < 300; i++) assert_int_equal(coding_value(&coding, codes[i]), values[i]);
        assert_int_equal(coding_count(&coding), 0);
        coding_free(&coding);
    }
}

#define ROUNDS 64
#define EACH 3000
#define DIFFERENT 9000

struct shared {
    struct coding coding;
    uint32_t codes[ROUNDS][EACH];
    int64_t values[ROUNDS][EACH];
};

static bool encode_round(void *context, size_t round, unsigned worker, struct error *error)
{
    (void)worker;
    struct shared *shared = context;
    if (!coding_encode(&shared->coding, shared->values[round], EACH, shared->codes[round], error)) return false;
    for (size_t i = 0; i < EACH; i += 7) { /* codes are read while others enter theirs */
        if (coding_value(&shared->coding, shared->codes[round][i]) != shared->values[round][i]) {
            return error_set(error, ERROR_INTERNAL, "a code has another value");
        }
    }
    return true;
}

/* One value has one code, and one code one value, in whatever thread; the table grows several times meanwhile. */
static void a_dictionary_is_shared_by_threads(void **state)
{
    (void)state;
    struct error error = {0};
    struct random random;
    struct shared *shared = memory_zeroed(sizeof *shared, &error);
    struct team *team = team_new(4, &error);
    assert_true(shared && team);
    random_seed(&random, 5);
    int64_t different[DIFFERENT];
    for (size_t i = 0; i < DIFFERENT; i++) {
        different[i] = i % 2 ? (int64_t)i : (int64_t)random_next(&random);
        if (different[i] == COLUMN_NULL) different[i] = 0;
    }
    different[0] = INT64_MAX;
    different[2] = INT64_MIN + 1;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < EACH; i++) {
            bool null = random_below(&random, 10) == 0, again = i > 0 && random_below(&random, 3) == 0;
            int64_t value = null ? COLUMN_NULL : different[random_below(&random, DIFFERENT)];
            shared->values[r][i] = again ? shared->values[r][i - 1] : value;
        }
    }
    assert_true(coding_choose(&shared->coding, true, INT64_MIN + 1, INT64_MAX, true, &error));
    assert_true(team_run(team, ROUNDS, encode_round, shared, &error));
    assert_true(coding_count(&shared->coding) <= DIFFERENT);
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < EACH; i++) {
            assert_int_equal(coding_value(&shared->coding, shared->codes[r][i]), shared->values[r][i]);
            assert_true(shared->codes[r][i] < coding_count(&shared->coding) || shared->values[r][i] == COLUMN_NULL);
        }
    }
    for (uint32_t code = 0; code < coding_count(&shared->coding); code++) {
        int64_t value = coding_value(&shared->coding, code);
        uint32_t again;
        assert_true(coding_encode(&shared->coding, &value, 1, &again, &error));
        assert_int_equal(again, code);
    }
    coding_free(&shared->coding);
    team_free(team);
    memory_free(shared);
}

static bool fill_dictionary(void *context, struct error *error)
{
    (void)context;
    struct coding coding;
    if (!coding_choose(&coding, true, INT64_MIN + 1, INT64_MAX, true, error)) return false;
    bool good = true;
    for (int64_t value = 0; good && value < 3000; value++) {
        uint32_t code;
        good = coding_encode(&coding, &value, 1, &code, error);
    }
    coding_free(&coding);
    return good;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    torture_walk(fill_dictionary, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_narrowest_is_chosen),
        cmocka_unit_test(offsets_come_back),
        cmocka_unit_test(a_dictionary_is_shared_by_threads),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

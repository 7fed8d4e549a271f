/* Tallies against a plain list of keys and sums. */
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "kpi/tally.h"
#include "support/torture.h"

#define MOST 3000

struct model {
    uint32_t keys[MOST][4];
    int64_t sums[MOST][3];
    uint32_t count;
};

static uint32_t model_at(struct model *model, const uint32_t key[4])
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (memcmp(model->keys[i], key, sizeof model->keys[i]) == 0) return i;
    }
    memcpy(model->keys[model->count], key, sizeof model->keys[0]);
    memset(model->sums[model->count], 0, sizeof model->sums[0]);
    return model->count++;
}

static uint32_t draw_word(struct random *random, uint32_t domain)
{
    static const uint32_t edges[] = {0, 1, UINT32_MAX, UINT32_MAX - 1, 0x80000000};
    uint64_t which = random_below(random, 8);
    return which < 5 ? edges[which] : (uint32_t)random_below(random, domain);
}

static void compare(const struct tally *tally, const struct model *model)
{
    assert_int_equal(tally->count, model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        for (int w = 0; w < tally->words; w++) {
            assert_int_equal(tally->keys[(int)i * tally->words + w], model->keys[i][w]);
        }
        for (int s = 0; s < tally->sums; s++) {
            assert_int_equal(tally->sum[(int)i * tally->sums + s], model->sums[i][s]);
        }
    }
}

/* Numbers are given in order of entry and stay; after a clearing everything begins anew. */
static void adds_up_as_a_list_does(void **state)
{
    (void)state;
    struct error error = {0};
    struct random random;
    struct model *model = memory_zeroed(sizeof *model, &error);
    random_seed(&random, 3);
    for (int words = 1; words <= 4; words++) {
        struct tally tally;
        int sums = 1 + (int)random_below(&random, 3);
        assert_true(tally_open(&tally, words, sums, &error));
        for (int filling = 0; filling < 12; filling++) {
            uint32_t steps = filling % 3 == 0 ? 5 : (uint32_t)random_below(&random, MOST);
            model->count = 0;
            for (uint32_t i = 0; i < steps; i++) {
                uint32_t key[4] = {0};
                for (int w = 0; w < words; w++) key[w] = draw_word(&random, filling % 2 ? 40 : UINT32_MAX);
                uint32_t expected = model_at(model, key), got = tally_at(&tally, key, &error);
                assert_int_equal(got, expected);
                for (int s = 0; s < sums; s++) {
                    int64_t more = (int64_t)random_below(&random, 1000) - 500;
                    model->sums[expected][s] += more;
                    tally.sum[(int)got * sums + s] += more;
                }
            }
            compare(&tally, model);
            tally_clear(&tally);
            assert_int_equal(tally.count, 0);
        }
        tally_close(&tally);
    }
    memory_free(model);
}

static bool fill(void *context, struct error *error)
{
    (void)context;
    struct tally tally;
    if (!tally_open(&tally, 2, 2, error)) return false;
    bool good = true;
    for (uint32_t i = 0; good && i < 1000; i++) {
        uint32_t key[4] = {i, i}; /* as long as keys may be */
        good = tally_at(&tally, key, error) != TALLY_NONE;
    }
    tally_close(&tally);
    return good;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    torture_walk(fill, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_up_as_a_list_does),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

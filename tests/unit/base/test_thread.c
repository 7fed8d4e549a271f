#include "base/thread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support/torture.h"
#include "support/unit.h"

enum { ITEMS = 10000, WORKERS = 4, MOST_WORKERS = 1024 };

struct tally {
    _Atomic unsigned times[ITEMS];
    _Atomic size_t highest;
    _Atomic size_t done;
    size_t fail_from; /* items from here on fail */
    bool descending;  /* a worker got a smaller index after a larger one */
    size_t last[MOST_WORKERS];
};

static bool count_item(void *context, size_t index, unsigned worker, struct error *error)
{
    struct tally *tally = context;

    assert_true(worker < MOST_WORKERS);
    if (tally->last[worker] > index + 1) {
        tally->descending = true;
    }
    tally->last[worker] = index + 1;
    atomic_fetch_add(&tally->times[index], 1);
    if (index >= tally->fail_from) {
        return error_set(error, ERROR_INVALID, "item %zu", index);
    }
    return true;
}

static void every_item_runs_once(void **state)
{
    static struct tally tally;
    struct error error;
    struct team *team = team_new(WORKERS, &error);

    (void)state;
    assert_non_null(team);
    assert_int_equal(team_size(team), WORKERS);
    tally = (struct tally){.fail_from = SIZE_MAX};
    for (unsigned round = 1; round <= 50; round++) {
        for (int i = 0; i < WORKERS; i++) {
            tally.last[i] = 0;
        }
        assert_true(team_run(team, ITEMS, count_item, &tally, &error));
        for (size_t i = 0; i < ITEMS; i++) {
            assert_int_equal(tally.times[i], round);
        }
    }
    assert_false(tally.descending);
    team_free(team);
    team_free(NULL);
}

/* Whatever the timing, the least failing index is told, and all before it have run. */
static void the_first_failure_is_returned(void **state)
{
    static struct tally tally;
    struct error error;
    struct team *team = team_new(WORKERS, &error);

    (void)state;
    assert_non_null(team);
    for (int round = 0; round < 300; round++) {
        char expected[32];
        size_t from = (size_t)round * 7;

        tally = (struct tally){.fail_from = from};
        assert_false(team_run(team, ITEMS, count_item, &tally, &error));
        snprintf(expected, sizeof expected, "item %zu", from);
        assert_string_equal(error.message, expected);
        for (size_t i = 0; i < from; i++) {
            assert_int_equal(tally.times[i], 1);
        }
        assert_int_equal(tally.times[from + WORKERS], 0);
        assert_false(team_run(team, ITEMS, count_item, &tally, NULL));
    }
    tally = (struct tally){.fail_from = SIZE_MAX};
    assert_true(team_run(team, ITEMS, count_item, &tally, &error));
    team_free(team);
}

/* Each item waits for the one before it, which is only safe when claims ascend. */
static bool wait_for_previous(void *context, size_t index, unsigned worker, struct error *error)
{
    struct tally *tally = context;

    (void)worker;
    (void)error;
    while (atomic_load(&tally->done) < index) {
        sched_yield();
    }
    atomic_fetch_add(&tally->done, 1);
    return true;
}

static void an_item_may_wait_for_a_smaller_one(void **state)
{
    static struct tally tally;
    struct error error;
    struct team *team = team_new(WORKERS, &error);

    (void)state;
    assert_non_null(team);
    tally = (struct tally){0};
    assert_true(team_run(team, ITEMS, wait_for_previous, &tally, &error));
    assert_int_equal(tally.done, ITEMS);
    team_free(team);
}

static void few_items_and_one_worker_do(void **state)
{
    struct error error;

    (void)state;
    for (unsigned size = 0; size <= 2; size++) {
        static struct tally tally;
        struct team *team = team_new(size, &error);

        tally = (struct tally){.fail_from = SIZE_MAX};
        assert_non_null(team);
        assert_int_equal(team_size(team), size == 0 ? thread_processors() : size);
        assert_true(team_run(team, 0, count_item, &tally, &error));
        assert_true(team_run(team, 1, count_item, &tally, &error));
        assert_true(team_run(team, 2, count_item, &tally, &error));
        assert_int_equal(tally.times[0], 2);
        assert_int_equal(tally.times[1], 1);
        assert_int_equal(tally.times[2], 0);
        team_free(team);
    }
}

static bool make_team(void *context, struct error *error)
{
    struct team *team = team_new(2, error);

    (void)context;
    team_free(team);
    return team != NULL;
}

static void want_of_memory_is_reported(void **state)
{
    (void)state;
    torture_walk(make_team, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_once),
        cmocka_unit_test(the_first_failure_is_returned),
        cmocka_unit_test(an_item_may_wait_for_a_smaller_one),
        cmocka_unit_test(few_items_and_one_worker_do),
        cmocka_unit_test(want_of_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

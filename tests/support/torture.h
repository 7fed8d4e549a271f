/* Walks a job through the failure of each of its allocations. */
#ifndef AISLE_TESTS_SUPPORT_TORTURE_H
#define AISLE_TESTS_SUPPORT_TORTURE_H

#include "base/error.h"
#include "base/memory.h"
#include "support/unit.h"

/* Runs `job` with its 1st, 2nd, 3rd, … allocation failing until it runs through. Each failing run must end in
 * false and ERROR_MEMORY; the leak check of the debug build sees what it leaves behind. The job must start from
 * nothing each time, and allocate on the calling thread only. Without torture (release builds) it runs once. */
static inline void torture_walk(bool (*job)(void *context, struct error *error), void *context)
{
    struct error error = {0};
#ifdef AISLE_TORTURE
    for (uint64_t n = 1; n < 1000000; n++) {
        memory_fail_at(n);
        bool good = job(context, &error);
        bool failed = memory_fail_at(0);

        if (!failed) {
            assert_true(good);
            return;
        }
        if (good || error.code != ERROR_MEMORY) {
            fail_msg("allocation %llu failed, and the job %s: %s", (unsigned long long)n,
                     good ? "succeeded" : "reported something else", error.message);
        }
    }
    fail_msg("the job never ended");
#else
    assert_true(job(context, &error));
#endif
}

#endif

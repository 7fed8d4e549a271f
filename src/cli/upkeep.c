#include "cli/upkeep.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/local/lifecycle.h"
#include "table/local/local_tables.h"

struct upkeep {
    struct local_store *store;
    struct tables *tables;
    struct metrics *metrics;
    int64_t interval_us;
    struct thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

static void run_lifecycle(struct upkeep *upkeep)
{
    struct lifecycle_counts counts = {0};
    struct error error = {0};
    bool good = lifecycle_run(upkeep->store, clock_now_us(), &counts, &error);
    uint64_t sum = counts.expired + counts.removed + counts.moved + counts.uploads_aborted + counts.failed;

    metrics_add(upkeep->metrics, "aisle_lifecycle_total", "action=\"expired\"", (double)counts.expired);
    metrics_add(upkeep->metrics, "aisle_lifecycle_total", "action=\"removed\"", (double)counts.removed);
    metrics_add(upkeep->metrics, "aisle_lifecycle_total", "action=\"moved\"", (double)counts.moved);
    metrics_add(upkeep->metrics, "aisle_lifecycle_total", "action=\"upload_aborted\"", (double)counts.uploads_aborted);
    metrics_add(upkeep->metrics, "aisle_lifecycle_total", "action=\"failed\"", (double)(counts.failed + !good));
    if (!good) {
        log_event(LOG_ERROR, "lifecycle_failed", "reason", "s", error.message, NULL);
    } else if (sum > 0) {
        log_event(LOG_INFO, "lifecycle", "expired", "i", (int64_t)counts.expired, "removed", "i",
                  (int64_t)counts.removed, "moved", "i", (int64_t)counts.moved, "uploads_aborted", "i",
                  (int64_t)counts.uploads_aborted, "failed", "i", (int64_t)counts.failed, NULL);
    }
}

static void run_tables(struct upkeep *upkeep)
{
    struct error error = {0};
    uint64_t expired = 0;

    if (!local_tables_upkeep(upkeep->tables, clock_now_us(), &expired, &error)) {
        log_event(LOG_ERROR, "tables_upkeep_failed", "reason", "s", error.message, NULL);
    } else if (expired > 0) {
        log_event(LOG_INFO, "items_expired", "items", "i", (int64_t)expired, NULL);
    }
    metrics_add(upkeep->metrics, "aisle_items_expired_total", "", (double)expired);
}

/* Waits until it is time or told to stop; gives whether to go on. */
static bool wait_until(struct upkeep *upkeep, int64_t time_us)
{
    struct timespec until = {.tv_sec = (time_t)(time_us / 1000000), .tv_nsec = (long)(time_us % 1000000) * 1000};

    pthread_mutex_lock(&upkeep->lock);
    while (!upkeep->stop && clock_monotonic_us() < time_us)
        pthread_cond_timedwait(&upkeep->wake, &upkeep->lock, &until);
    bool go_on = !upkeep->stop;

    pthread_mutex_unlock(&upkeep->lock);
    return go_on;
}

static void upkeep_main(void *context)
{
    struct upkeep *upkeep = context;
    int64_t next_us = clock_monotonic_us();

    while (wait_until(upkeep, next_us)) {
        run_lifecycle(upkeep);
        run_tables(upkeep);
        next_us = clock_monotonic_us() + upkeep->interval_us;
    }
}

struct upkeep *upkeep_start(struct local_store *store, struct tables *tables, struct metrics *metrics,
                            unsigned lifecycle_interval_seconds, struct error *error)
{
    struct upkeep *upkeep = memory_zeroed(sizeof *upkeep, error);
    pthread_condattr_t monotonic;

    if (upkeep == NULL) return NULL;
    upkeep->store = store;
    upkeep->tables = tables;
    upkeep->metrics = metrics;
    upkeep->interval_us = (int64_t)lifecycle_interval_seconds * 1000000;
    pthread_mutex_init(&upkeep->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (metrics_family(metrics, "aisle_lifecycle_total", METRICS_COUNTER, "What lifecycle rules did to versions.",
                       error) &&
        metrics_family(metrics, "aisle_items_expired_total", METRICS_COUNTER,
                       "Items of tables that were removed since their time to live had passed.", error))
        upkeep->thread = thread_start("aisle-upkeep", upkeep_main, upkeep, error);
    if (upkeep->thread == NULL) {
        upkeep_stop(upkeep);
        return NULL;
    }
    return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (upkeep == NULL) return;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stop = true;
    pthread_cond_broadcast(&upkeep->wake);
    pthread_mutex_unlock(&upkeep->lock);
    lifecycle_stop(upkeep->store);
    local_tables_stop(upkeep->tables);
    thread_join(upkeep->thread);
    pthread_cond_destroy(&upkeep->wake);
    pthread_mutex_destroy(&upkeep->lock);
    memory_free(upkeep);
}

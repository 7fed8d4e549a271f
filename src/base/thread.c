#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/memory.h"

struct worker {
    struct team *team;
    pthread_t thread;
    unsigned number;
    size_t failed_index; /* SIZE_MAX: none in this run */
    struct error error;
};

struct team {
    unsigned size;
    unsigned started;
    pthread_mutex_t lock;
    pthread_cond_t begin;
    pthread_cond_t end;
    uint64_t round; /* counts runs; a worker that sees it change has work */
    unsigned busy;
    bool stop;

    size_t count;
    bool (*work)(void *context, size_t index, unsigned worker, struct error *error);
    void *context;
    _Atomic size_t next;
    struct worker workers[];
};

unsigned thread_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1) {
        return 1;
    }
    return (unsigned)CPU_COUNT(&set);
}

/* Claims items until none is left or one failed. All smaller indexes have been claimed before a failing one, so
 * the least failing index of a run does not depend on timing. */
static void claim_all(struct team *team, struct worker *worker)
{
    for (;;) {
        size_t index = atomic_fetch_add(&team->next, 1);

        if (index >= team->count) {
            return;
        }
        if (!team->work(team->context, index, worker->number, &worker->error)) {
            worker->failed_index = index;
            atomic_store(&team->next, team->count);
            return;
        }
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct team *team = worker->team;
    uint64_t seen = 0;

    pthread_mutex_lock(&team->lock);
    for (;;) {
        while (team->round == seen && !team->stop) {
            pthread_cond_wait(&team->begin, &team->lock);
        }
        if (team->stop) {
            break;
        }
        seen = team->round;
        pthread_mutex_unlock(&team->lock);
        claim_all(team, worker);
        pthread_mutex_lock(&team->lock);
        team->busy--;
        if (team->busy == 0) {
            pthread_cond_signal(&team->end);
        }
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

struct team *team_new(unsigned size, struct error *error)
{
    if (size == 0) {
        size = thread_processors();
    }
    struct team *team = memory_zeroed(sizeof *team + size * sizeof team->workers[0], error);

    if (team == NULL) {
        return NULL;
    }
    team->size = size;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->begin, NULL);
    pthread_cond_init(&team->end, NULL);
    for (unsigned i = 0; i < size; i++) {
        team->workers[i].team = team;
        team->workers[i].number = i;
    }
    for (team->started = 1; team->started < size; team->started++) {
        struct worker *worker = &team->workers[team->started];
        int failure = pthread_create(&worker->thread, NULL, worker_main, worker);

        if (failure != 0) {
            error_set_errno(error, failure, "thread %u of %u could not be started", team->started + 1, size);
            team_free(team);
            return NULL;
        }
    }
    return team;
}

void team_free(struct team *team)
{
    if (team == NULL) {
        return;
    }
    pthread_mutex_lock(&team->lock);
    team->stop = true;
    pthread_cond_broadcast(&team->begin);
    pthread_mutex_unlock(&team->lock);
    for (unsigned i = 1; i < team->started; i++) {
        pthread_join(team->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&team->end);
    pthread_cond_destroy(&team->begin);
    pthread_mutex_destroy(&team->lock);
    memory_free(team);
}

unsigned team_size(const struct team *team)
{
    return team->size;
}

/* The failure of the least index, or NULL. */
static const struct worker *first_failure(const struct team *team)
{
    const struct worker *first = NULL;

    for (unsigned i = 0; i < team->size; i++) {
        const struct worker *worker = &team->workers[i];

        if (worker->failed_index != SIZE_MAX && (first == NULL || worker->failed_index < first->failed_index)) {
            first = worker;
        }
    }
    return first;
}

bool team_run(struct team *team, size_t count,
              bool (*work)(void *context, size_t index, unsigned worker, struct error *error), void *context,
              struct error *error)
{
    bool alone = team->size == 1 || count < 2;

    pthread_mutex_lock(&team->lock);
    team->count = count;
    team->work = work;
    team->context = context;
    atomic_store(&team->next, 0);
    for (unsigned i = 0; i < team->size; i++) {
        team->workers[i].failed_index = SIZE_MAX;
        team->workers[i].error.code = ERROR_NONE;
    }
    if (!alone) {
        team->busy = team->size - 1;
        team->round++;
        pthread_cond_broadcast(&team->begin);
    }
    pthread_mutex_unlock(&team->lock);
    claim_all(team, &team->workers[0]);
    pthread_mutex_lock(&team->lock);
    while (team->busy > 0) {
        pthread_cond_wait(&team->end, &team->lock);
    }
    pthread_mutex_unlock(&team->lock);
    const struct worker *failed = first_failure(team);

    if (failed != NULL && error != NULL) {
        *error = failed->error;
    }
    return failed == NULL;
}

struct thread {
    pthread_t id;
    void (*run)(void *context);
    void *context;
};

static void *thread_main(void *argument)
{
    struct thread *thread = argument;

    thread->run(thread->context);
    return NULL;
}

struct thread *thread_start(const char *name, void (*run)(void *context), void *context, struct error *error)
{
    struct thread *thread = memory_zeroed(sizeof *thread, error);

    if (thread == NULL) {
        return NULL;
    }
    thread->run = run;
    thread->context = context;
    int failure = pthread_create(&thread->id, NULL, thread_main, thread);

    if (failure != 0) {
        error_set_errno(error, failure, "the thread \"%s\" could not be started", name);
        memory_free(thread);
        return NULL;
    }
    pthread_setname_np(thread->id, name);
    return thread;
}

void thread_join(struct thread *thread)
{
    if (thread != NULL) {
        pthread_join(thread->id, NULL);
        memory_free(thread);
    }
}

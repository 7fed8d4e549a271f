#include "http/workers.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/thread.h"

struct worker {
    struct workers *workers;
    struct thread *thread;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, **last;
    unsigned waiting; /* pieces of work in the queue */
    unsigned idle;    /* threads that wait for some */
    unsigned count, most;
    bool stop;
    struct worker threads[];
};

static struct work *take(struct workers *workers)
{
    struct work *work = workers->first;

    workers->first = work->next;
    if (workers->first == NULL) workers->last = &workers->first;
    workers->waiting--;
    return work;
}

static void worker_main(void *context)
{
    struct workers *workers = ((struct worker *)context)->workers;

    pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (workers->first == NULL && !workers->stop) {
            workers->idle++;
            pthread_cond_wait(&workers->wake, &workers->lock);
            workers->idle--;
        }
        if (workers->first == NULL) break;
        struct work *work = take(workers);

        pthread_mutex_unlock(&workers->lock);
        work->run(work);
        pthread_mutex_lock(&workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
}

struct workers *workers_new(unsigned most, struct error *error)
{
    struct workers *workers = memory_zeroed(sizeof *workers + most * sizeof workers->threads[0], error);

    if (workers == NULL) return NULL;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    workers->last = &workers->first;
    workers->most = most;
    return workers;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL) return;
    pthread_mutex_lock(&workers->lock);
    workers->stop = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++) thread_join(workers->threads[i].thread);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    memory_free(workers);
}

void workers_add(struct workers *workers, struct work *work)
{
    work->next = NULL;
    pthread_mutex_lock(&workers->lock);
    *workers->last = work;
    workers->last = &work->next;
    workers->waiting++;
    if (workers->waiting > workers->idle && workers->count < workers->most) {
        struct worker *worker = &workers->threads[workers->count];

        worker->workers = workers;
        worker->thread = thread_start("aisle-worker", worker_main, worker, NULL);
        if (worker->thread != NULL) workers->count++;
    }
    struct work *here = workers->count == 0 ? take(workers) : NULL;

    pthread_cond_signal(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    if (here != NULL) here->run(here);
}

unsigned workers_count(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    unsigned count = workers->count;

    pthread_mutex_unlock(&workers->lock);
    return count;
}

/* A fixed team of threads for data-parallel loops, and threads of their own for what goes on beside. */
#ifndef AISLE_BASE_THREAD_H
#define AISLE_BASE_THREAD_H

#include <stddef.h>

#include "base/error.h"

struct team;

/* Processors this process may run on (sched_getaffinity), at least 1. */
unsigned thread_processors(void);

/* A team of `size` workers, the caller among them; 0 means thread_processors(). */
struct team *team_new(unsigned size, struct error *error);
void team_free(struct team *team);
unsigned team_size(const struct team *team);

/* Runs `work` once for each index in 0 … count - 1, each claimed in ascending order by the next idle worker
 * (so an item may wait for one of a smaller index, never for a larger). `worker` is 0 … size - 1, for
 * per-worker state. The first failure stops further claims and is returned. Not to be nested. */
bool team_run(struct team *team, size_t count,
              bool (*work)(void *context, size_t index, unsigned worker, struct error *error), void *context,
              struct error *error);

/* A thread of its own that runs `run`. `name`: up to 15 characters, for tools that list threads. */
struct thread;
struct thread *thread_start(const char *name, void (*run)(void *context), void *context, struct error *error);
/* Waits until `run` returns, and frees. NULL is all right. */
void thread_join(struct thread *thread);

#endif

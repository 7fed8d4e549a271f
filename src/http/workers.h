/* Threads that wait so that the loops need not: made when there is more to do than idle threads, and kept. */
#ifndef AISLE_HTTP_WORKERS_H
#define AISLE_HTTP_WORKERS_H

#include "base/error.h"

struct workers;

/* Something to do. It lives until `run` has been called, which may free it. */
struct work {
    struct work *next;
    void (*run)(struct work *work);
};

/* At most `most` threads; none is started yet. */
struct workers *workers_new(unsigned most, struct error *error);
/* Does all that is waiting first, and waits for what is being done. */
void workers_free(struct workers *workers);

/* Has a thread do it, in the order in which work comes. When no thread can be started at all, it is done right here. */
void workers_add(struct workers *workers, struct work *work);

/* Threads there are now. */
unsigned workers_count(struct workers *workers);

#endif

/* Group commit: one thread that writes to the database, many that wait for it.
 *
 * Work that must become durable together is given as a function. The committer takes all that is waiting, runs each in
 * a savepoint of one transaction, syncs once, and then tells each whether it happened. So a hundred writers cost one
 * sync, and what a function checks and changes is seen by nobody else in between. Functions run one after the other, in
 * the order in which they came.
 */
#ifndef AISLE_STORE_COMMITTER_H
#define AISLE_STORE_COMMITTER_H

#include "store/statement_cache.h"

struct committer;

/* Opens its own connection to the database of the data folder at `path`, whose owner this process is, and starts the
 * thread. */
struct committer *committer_new(const char *path, struct error *error);
/* Lets what is waiting finish first. */
void committer_free(struct committer *committer);

/* Runs `apply` in the next transaction and waits until that is on disk. When `apply` returns false what it changed is
 * taken back, and its error is the caller's; the others are not touched. When the transaction itself fails, all fail.
 * Failpoints: committer.applied (before the transaction ends), committer.committed. */
bool committer_do(struct committer *committer,
                  bool (*apply)(void *context, struct statement_cache *db, struct error *error), void *context,
                  struct error *error);

#endif

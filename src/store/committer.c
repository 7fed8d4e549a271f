#include "store/committer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

/* Pages of the write-ahead log after which they are moved to the database. */
#define CHECKPOINT_PAGES 4000

/* So that who waits is answered in between, however many there are. */
#define MOST_IN_ONE_TRANSACTION 1000

/* Work that waits, on the stack of who waits for it. */
struct request {
    bool (*apply)(void *context, struct statement_cache *db, struct error *error);
    void *context;
    struct error *error;
    struct request *next;
    bool good;
    sem_t answered; /* posted without the lock, so that who wakes does not wait for it */
};

struct committer {
    pthread_mutex_t lock;
    pthread_cond_t work;       /* for the writer: a request, settling, or stopping */
    pthread_cond_t checkpoint; /* for the one that moves pages */
    struct request *first, **last;
    bool stop;
    bool log_full; /* pages are to be moved */
    bool settle;   /* most were: the writer moves the few that came meanwhile, so that the log begins anew */
    _Atomic int log_pages;
    struct statement_cache *db;          /* of the writer's thread */
    struct statement_cache *checkpoints; /* of the other */
    struct thread *writer, *mover;
    const char *path;
};

static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char savepoint_sql[] = "SAVEPOINT request";
static const char release_sql[] = "RELEASE request";
static const char undo_sql[] = "ROLLBACK TO request";

static bool run(struct statement_cache *db, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, sql, error);

    return statement != NULL && statement_run(db, statement, error);
}

static bool in_transaction(const struct committer *committer)
{
    return sqlite3_get_autocommit(statement_cache_db(committer->db)) == 0;
}

/* Applies one. False when the whole transaction cannot go on. */
static bool apply_one(struct committer *committer, struct request *request, struct error *failure)
{
    struct error own = {0};

    if (!run(committer->db, savepoint_sql, failure)) {
        return false;
    }
    request->good = request->apply(request->context, committer->db, &own);
    if (!request->good && request->error != NULL) {
        *request->error = own;
    }
    if (!in_transaction(committer)) {
        /* SQLite ends a transaction by itself on the failures that it cannot undo, such as a full disk. */
        *failure = own;
        return own.code != ERROR_NONE
                   ? false
                   : error_set(failure, ERROR_IO, "%s: SQLite ended the transaction", committer->path);
    }
    return (request->good || run(committer->db, undo_sql, failure)) && run(committer->db, release_sql, failure);
}

static bool end_transaction(struct committer *committer, struct error *failure)
{
    if (failpoint_hit("committer.applied")) {
        return error_set(failure, ERROR_IO, "%s: the transaction was stopped by a failpoint", committer->path);
    }
    if (!run(committer->db, commit_sql, failure)) {
        return false;
    }
    failpoint_hit("committer.committed");
    return true;
}

static void fail_all(struct request *first, const struct error *failure)
{
    for (struct request *request = first; request != NULL; request = request->next) {
        if (request->good && request->error != NULL) {
            *request->error = *failure;
        }
        request->good = false;
    }
}

/* One transaction with all that is given. */
static void commit(struct committer *committer, struct request *first)
{
    struct error failure = {0};
    bool good = run(committer->db, begin_sql, &failure);

    for (struct request *request = first; request != NULL; request = request->next) {
        request->good = true;
    }
    for (struct request *request = first; good && request != NULL; request = request->next) {
        good = apply_one(committer, request, &failure);
    }
    if (!good || !end_transaction(committer, &failure)) {
        fail_all(first, &failure);
        if (in_transaction(committer)) {
            sqlite3_exec(statement_cache_db(committer->db), "ROLLBACK", NULL, NULL, NULL);
        }
    }
}

/* Takes what waits, up to what one transaction holds. */
static struct request *take(struct committer *committer)
{
    struct request *first = committer->first;
    struct request *last = first;

    for (unsigned taken = 1; last != NULL && last->next != NULL && taken < MOST_IN_ONE_TRANSACTION; taken++) {
        last = last->next;
    }
    if (last != NULL) {
        committer->first = last->next;
        last->next = NULL;
    }
    if (committer->first == NULL) {
        committer->last = &committer->first;
    }
    return first;
}

static void move_pages(struct committer *committer, struct statement_cache *db)
{
    int code = sqlite3_wal_checkpoint_v2(statement_cache_db(db), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code != SQLITE_OK && code != SQLITE_BUSY) {
        log_event(LOG_WARN, "checkpoint_failed", "folder", "s", committer->path, "reason", "s",
                  sqlite3_errmsg(statement_cache_db(db)), NULL);
    }
}

static void write_all(void *context)
{
    struct committer *committer = context;

    pthread_mutex_lock(&committer->lock);
    for (;;) {
        while (committer->first == NULL && !committer->stop && !committer->settle) {
            pthread_cond_wait(&committer->work, &committer->lock);
        }
        if (committer->first == NULL && committer->stop) {
            break;
        }
        struct request *first = take(committer);
        bool settle = committer->settle;

        committer->settle = false;
        pthread_mutex_unlock(&committer->lock);
        if (settle) {
            move_pages(committer, committer->db);
        }
        if (first != NULL) {
            commit(committer, first);
        }
        for (struct request *request = first, *next = NULL; request != NULL; request = next) {
            next = request->next;
            sem_post(&request->answered);
        }
        pthread_mutex_lock(&committer->lock);
        if (!settle && !committer->log_full && atomic_load(&committer->log_pages) >= CHECKPOINT_PAGES) {
            committer->log_full = true;
            pthread_cond_signal(&committer->checkpoint);
        }
    }
    pthread_mutex_unlock(&committer->lock);
}

/* Moves pages while others write: what takes long of it stalls nobody. */
static void checkpoint_all(void *context)
{
    struct committer *committer = context;

    pthread_mutex_lock(&committer->lock);
    while (!committer->stop) {
        if (!committer->log_full) {
            pthread_cond_wait(&committer->checkpoint, &committer->lock);
            continue;
        }
        pthread_mutex_unlock(&committer->lock);
        move_pages(committer, committer->checkpoints);
        pthread_mutex_lock(&committer->lock);
        committer->log_full = false;
        committer->settle = true;
        pthread_cond_signal(&committer->work);
    }
    pthread_mutex_unlock(&committer->lock);
}

static int note_log(void *context, sqlite3 *db, const char *name, int pages)
{
    struct committer *committer = context;

    (void)db;
    (void)name;
    atomic_store(&committer->log_pages, pages);
    return SQLITE_OK;
}

struct committer *committer_new(const char *path, struct error *error)
{
    struct committer *committer = memory_zeroed(sizeof *committer, error);

    if (committer == NULL) {
        return NULL;
    }
    committer->path = path;
    committer->last = &committer->first;
    pthread_mutex_init(&committer->lock, NULL);
    pthread_cond_init(&committer->work, NULL);
    pthread_cond_init(&committer->checkpoint, NULL);
    committer->db = statement_cache_open(path, true, error);
    committer->checkpoints = committer->db != NULL ? statement_cache_open(path, true, error) : NULL;
    if (committer->checkpoints != NULL) {
        sqlite3_wal_hook(statement_cache_db(committer->db), note_log, committer);
        committer->writer = thread_start("aisle-commit", write_all, committer, error);
    }
    if (committer->writer != NULL) {
        committer->mover = thread_start("aisle-checkpoint", checkpoint_all, committer, error);
    }
    if (committer->mover == NULL) {
        committer_free(committer);
        return NULL;
    }
    return committer;
}

void committer_free(struct committer *committer)
{
    if (committer == NULL) {
        return;
    }
    pthread_mutex_lock(&committer->lock);
    committer->stop = true;
    pthread_cond_signal(&committer->work);
    pthread_cond_signal(&committer->checkpoint);
    pthread_mutex_unlock(&committer->lock);
    thread_join(committer->writer);
    thread_join(committer->mover);
    if (atomic_load(&committer->log_pages) > 0) {
        /* The next to open has nothing to read again. */
        sqlite3_wal_checkpoint_v2(statement_cache_db(committer->db), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    statement_cache_close(committer->db);
    statement_cache_close(committer->checkpoints);
    pthread_cond_destroy(&committer->work);
    pthread_cond_destroy(&committer->checkpoint);
    pthread_mutex_destroy(&committer->lock);
    memory_free(committer);
}

bool committer_do(struct committer *committer,
                  bool (*apply)(void *context, struct statement_cache *db, struct error *error), void *context,
                  struct error *error)
{
    struct request request = {.apply = apply, .context = context, .error = error};

    sem_init(&request.answered, 0, 0);
    pthread_mutex_lock(&committer->lock);
    *committer->last = &request;
    /* cppcheck-suppress autoVariables ; the request leaves the queue before this function returns */
    committer->last = &request.next;
    pthread_cond_signal(&committer->work);
    pthread_mutex_unlock(&committer->lock);
    while (sem_wait(&request.answered) != 0) {
        continue; /* a signal came */
    }
    sem_destroy(&request.answered);
    return request.good;
}

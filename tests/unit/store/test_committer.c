/* Group commit: each for itself in one transaction, in order, and all of it on disk before anybody is told. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/committer.h"
#include "store/folder.h"
#include "support/unit.h"

#define THREADS 8
#define STEPS 50

static const char add_sql[] = "INSERT INTO documents(key, text) VALUES(?1, ?2)";
static const char count_sql[] = "SELECT count(*), count(DISTINCT text) FROM documents WHERE key LIKE ?1";

struct place {
    char path[64];
    struct folder *folder;
    struct committer *committer;
};

static int setup(void **state)
{
    struct error error = {0};
    struct place *place = memory_zeroed(sizeof *place, &error);

    snprintf(place->path, sizeof place->path, "/tmp/aisle-test-committer-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->folder = folder_open(place->path, FOLDER_WRITE, &error);
    assert_non_null(place->folder);
    place->committer = committer_new(place->path, &error);
    assert_non_null(place->committer);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    committer_free(place->committer);
    folder_close(place->folder);
    file_remove_tree(place->path, NULL);
    memory_free(place);
    return 0;
}

struct addition {
    const char *key;
    bool fail;       /* after the row was added */
    unsigned *order; /* counted in transactions, which nobody else does at the same time */
    unsigned number;
};

static bool add(void *context, struct statement_cache *db, struct error *error)
{
    struct addition *addition = context;
    sqlite3_stmt *statement = statement_get(db, add_sql, error);
    char text[16];

    if (statement == NULL) {
        return false;
    }
    addition->number = ++*addition->order;
    snprintf(text, sizeof text, "%u", addition->number);
    statement_bind_text(statement, 1, addition->key);
    sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT);
    return statement_run(db, statement, error) &&
           (!addition->fail || error_set_named(error, ERROR_CONFLICT, "Unwanted", "%s is not wanted", addition->key));
}

struct worker {
    struct place *place;
    unsigned number;
    unsigned *order;
    const char *fault;
};

static void *work(void *context)
{
    struct worker *worker = context;
    unsigned last = 0;

    for (unsigned step = 0; step < STEPS; step++) {
        struct error error = {0};
        char key[32];
        struct addition addition = {.key = key, .fail = step % 5 == 4, .order = worker->order};

        snprintf(key, sizeof key, "test-%u-%u", worker->number, step);
        bool good = committer_do(worker->place->committer, add, &addition, &error);

        if (good == addition.fail || (!good && (error.name == NULL || strstr(error.message, key) == NULL))) {
            worker->fault = "the wrong one failed";
        }
        if (addition.number <= last) {
            worker->fault = "not in the order in which they came";
        }
        last = addition.number;
    }
    return NULL;
}

static void count_documents(const struct place *place, const char *like, int64_t *rows, int64_t *texts)
{
    struct error error = {0};
    struct statement_cache *reader = statement_cache_open(place->path, false, &error);

    assert_non_null(reader);
    sqlite3_stmt *count = statement_get(reader, count_sql, &error);

    statement_bind_text(count, 1, like);
    assert_int_equal(statement_next(reader, count, &error), 1);
    *rows = sqlite3_column_int64(count, 0);
    *texts = sqlite3_column_int64(count, 1);
    statement_cache_close(reader);
}

static void test_one_that_fails_takes_back_only_its_own(void **state)
{
    struct place *place = *state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    unsigned order = 0;
    int64_t rows = 0;
    int64_t texts = 0;

    for (unsigned t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){place, t, &order, NULL};
        pthread_create(&threads[t], NULL, work, &workers[t]);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        if (workers[t].fault != NULL) {
            fail_msg("%s", workers[t].fault);
        }
    }
    count_documents(place, "test-%", &rows, &texts);
    assert_int_equal(rows, THREADS * STEPS * 4 / 5);
    assert_int_equal(texts, rows);
    assert_int_equal(order, THREADS * STEPS);
}

static bool break_transaction(void *context, struct statement_cache *db, struct error *error)
{
    (void)context;
    (void)error;
    sqlite3_exec(statement_cache_db(db), "ROLLBACK", NULL, NULL, NULL);
    return true;
}

static void test_a_transaction_that_ends_by_itself_is_an_error_and_the_next_goes_on(void **state)
{
    struct place *place = *state;
    struct error error = {0};
    unsigned order = 0;
    struct addition addition = {.key = "after", .order = &order};
    int64_t rows = 0;
    int64_t texts = 0;

    assert_false(committer_do(place->committer, break_transaction, NULL, &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_true(committer_do(place->committer, add, &addition, &error));
    count_documents(place, "after", &rows, &texts);
    assert_int_equal(rows, 1);
}

static bool add_much(void *context, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, add_sql, error);
    static char text[100000];

    if (statement == NULL) {
        return false;
    }
    memset(text, 'x', sizeof text - 1);
    statement_bind_text(statement, 1, context);
    statement_bind_text(statement, 2, text);
    return statement_run(db, statement, error);
}

static void test_the_log_begins_anew_and_is_empty_in_the_end(void **state)
{
    struct place *place = *state;
    struct error error = {0};
    char path[100];
    struct stat status;

    snprintf(path, sizeof path, "%s/aisle.db-wal", place->path);
    for (unsigned i = 0; i < 1000; i++) {
        char key[16];

        snprintf(key, sizeof key, "%u", i);
        if (!committer_do(place->committer, add_much, key, &error)) {
            fail_msg("%s", error.message);
        }
    }
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size < 80000000); /* of the 100 million bytes that went through it */
    committer_free(place->committer);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
    place->committer = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_that_fails_takes_back_only_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_transaction_that_ends_by_itself_is_an_error_and_the_next_goes_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_log_begins_anew_and_is_empty_in_the_end, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

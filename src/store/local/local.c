/* Opening and closing the local store, and its connections for reading. */
#include "store/local/local.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/folder_private.h"
#include "store/local/local_private.h"

#define DEFAULT_INLINE_BYTES 65536

static const char begin_sql[] = "BEGIN";
static const char end_sql[] = "COMMIT";

/* Connections that nobody uses at the moment. As many are made as threads read at once. */
struct read_pool {
    pthread_mutex_t lock;
    struct statement_cache **idle;
    size_t idle_count, room;
};

static struct read_pool *pool_new(struct error *error)
{
    struct read_pool *pool = memory_zeroed(sizeof *pool, error);

    if (pool != NULL) {
        pthread_mutex_init(&pool->lock, NULL);
    }
    return pool;
}

static void pool_free(struct read_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->idle_count; i++) {
        statement_cache_close(pool->idle[i]);
    }
    memory_free(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    memory_free(pool);
}

struct statement_cache *local_read_begin(struct local_store *store, struct error *error)
{
    struct read_pool *pool = store->readers;
    struct statement_cache *reader = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count > 0) {
        reader = pool->idle[--pool->idle_count];
    }
    pthread_mutex_unlock(&pool->lock);
    return reader != NULL ? reader : statement_cache_open(store->path, false, error);
}

void local_read_end(struct local_store *store, struct statement_cache *reader)
{
    struct read_pool *pool = store->readers;

    if (reader == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count == pool->room) {
        struct statement_cache **more = memory_resize(pool->idle, 2 * pool->room + 8, sizeof *more, NULL);

        if (more != NULL) {
            pool->idle = more;
            pool->room = 2 * pool->room + 8;
        }
    }
    if (pool->idle_count < pool->room) {
        pool->idle[pool->idle_count++] = reader;
        reader = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    statement_cache_close(reader);
}

bool local_snapshot_begin(struct statement_cache *reader, struct error *error)
{
    sqlite3_stmt *begin = statement_get(reader, begin_sql, error);

    return begin != NULL && statement_run(reader, begin, error);
}

void local_snapshot_end(struct statement_cache *reader)
{
    sqlite3_stmt *end = statement_get(reader, end_sql, NULL);

    if (end == NULL || !statement_run(reader, end, NULL)) {
        sqlite3_exec(statement_cache_db(reader), "ROLLBACK", NULL, NULL, NULL);
    }
}

static bool read_master(struct local_store *store, const char *key_file, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (key_file != NULL) {
        return blob_master_key(key_file, true, store->master, error);
    }
    buffer_append_format(&path, "%s/key", store->path);
    return buffer_text(&path) != NULL ? blob_master_key(path.data, true, store->master, error)
                                      : buffer_check(&path, error);
}

struct local_store *local_open(const struct local_options *options, struct error *error)
{
    struct local_store *store = memory_zeroed(sizeof *store, error);

    if (store == NULL) {
        return NULL;
    }
    store->folder = options->folder;
    store->path = folder_path(options->folder);
    store->inline_bytes = options->inline_bytes != 0 ? options->inline_bytes : DEFAULT_INLINE_BYTES;
    if (!read_master(store, options->key_file, error) || (store->readers = pool_new(error)) == NULL ||
        (store->buckets = bucket_cache_new(error)) == NULL || (store->pins = blob_pins_new(error)) == NULL ||
        !access_keys_open(store, error) || !local_sweep(store, error) ||
        (store->committer = committer_new(store->path, error)) == NULL) {
        local_close(store);
        return NULL;
    }
    return store;
}

void local_close(struct local_store *store)
{
    if (store == NULL) {
        return;
    }
    committer_free(store->committer);
    access_keys_close(store);
    blob_pins_free(store);
    bucket_cache_free(store->buckets);
    pool_free(store->readers);
    explicit_bzero(store->master, sizeof store->master);
    memory_free(store);
}

struct committer *local_committer(struct local_store *store)
{
    return store->committer;
}

void local_unclean(struct local_store *store)
{
    __atomic_store_n(&store->folder->unclean, true, __ATOMIC_RELAXED); /* several threads may */
}

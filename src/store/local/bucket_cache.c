/* Buckets in memory: looked up for each request, read from the database at the first one after a change. */
#include <string.h>

#include "base/memory.h"
#include "store/local/local_private.h"

#define CHAINS 256

static const char bucket_sql[] = "SELECT id, name, owner, created_us, versioning, object_lock FROM bucket "
                                 "WHERE name = ?1";
static const char settings_sql[] = "SELECT setting, json FROM bucket_setting WHERE bucket = ?1";

struct cached {
    struct bucket bucket; /* first: callers hold it */
    struct arena *arena;
    struct cached *next; /* in its chain */
    unsigned users;      /* the chain counts as one; under the lock */
};

struct bucket_cache {
    pthread_mutex_t lock;
    struct cached *chains[CHAINS];
    uint64_t changes; /* of any bucket so far: what was read before one is not kept after it */
    struct bucket_deriver deriver;
};

struct bucket_cache *bucket_cache_new(struct error *error)
{
    struct bucket_cache *cache = memory_zeroed(sizeof *cache, error);

    if (cache != NULL) {
        pthread_mutex_init(&cache->lock, NULL);
    }
    return cache;
}

static void free_cached(struct bucket_cache *cache, struct cached *cached)
{
    if (cached != NULL) {
        if (cached->bucket.derived != NULL) {
            cache->deriver.release(cached->bucket.derived);
        }
        arena_free(cached->arena);
        memory_free(cached);
    }
}

void bucket_cache_free(struct bucket_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t c = 0; c < CHAINS; c++) {
        for (struct cached *cached = cache->chains[c], *next = NULL; cached != NULL; cached = next) {
            next = cached->next;
            free_cached(cache, cached);
        }
    }
    pthread_mutex_destroy(&cache->lock);
    memory_free(cache);
}

void bucket_set_deriver(struct local_store *store, const struct bucket_deriver *deriver)
{
    store->buckets->deriver = *deriver;
}

/* FNV-1a (Fowler, Noll, Vo). */
static struct cached **chain_of(struct bucket_cache *cache, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    return &cache->chains[(hash ^ hash >> 32) % CHAINS];
}

static struct cached **find_in(struct cached **chain, const char *name)
{
    while (*chain != NULL && strcmp((*chain)->bucket.name, name) != 0) {
        chain = &(*chain)->next;
    }
    return chain;
}

/* Takes one use away; what nobody uses is given back to be freed outside of the lock. */
static struct cached *unuse(struct cached *cached)
{
    return --cached->users == 0 ? cached : NULL;
}

void bucket_cache_forget(struct local_store *store, const char *name)
{
    struct bucket_cache *cache = store->buckets;
    struct cached *unused = NULL;

    pthread_mutex_lock(&cache->lock);
    struct cached **at = find_in(chain_of(cache, name), name);
    struct cached *found = *at;

    cache->changes++;
    if (found != NULL) {
        *at = found->next;
        unused = unuse(found);
    }
    pthread_mutex_unlock(&cache->lock);
    free_cached(cache, unused);
}

static bool read_settings(struct statement_cache *reader, struct cached *cached, struct error *error)
{
    sqlite3_stmt *settings = statement_get(reader, settings_sql, error);
    int there = settings != NULL ? 1 : -1;

    if (settings != NULL) {
        sqlite3_bind_int64(settings, 1, cached->bucket.id);
    }
    while (there > 0 && (there = statement_next(reader, settings, error)) > 0) {
        int setting = sqlite3_column_int(settings, 0);
        const char *json = statement_text(settings, 1, cached->arena, error);

        if (json == NULL) {
            statement_done(settings);
            return false;
        }
        if (setting >= 0 && setting < BUCKET_SETTINGS) {
            cached->bucket.settings[setting] = json;
        }
    }
    return there == 0;
}

static bool read_row(struct statement_cache *reader, const char *name, struct cached *cached, struct error *error)
{
    sqlite3_stmt *query = statement_get(reader, bucket_sql, error);

    if (query == NULL) {
        return false;
    }
    statement_bind_text(query, 1, name);
    int there = statement_next(reader, query, error);

    if (there <= 0) {
        return there == 0 && bucket_absent(name, error);
    }
    cached->bucket.id = sqlite3_column_int64(query, 0);
    cached->bucket.name = statement_text(query, 1, cached->arena, error);
    cached->bucket.owner = statement_text(query, 2, cached->arena, error);
    cached->bucket.created_us = sqlite3_column_int64(query, 3);
    cached->bucket.versioning = (enum bucket_versioning)sqlite3_column_int(query, 4);
    cached->bucket.object_lock = sqlite3_column_int(query, 5) != 0;
    statement_done(query);
    return cached->bucket.name != NULL && cached->bucket.owner != NULL;
}

static struct cached *load(struct local_store *store, const char *name, struct error *error)
{
    struct cached *cached = memory_zeroed(sizeof *cached, error);
    struct statement_cache *reader = cached != NULL ? local_read_begin(store, error) : NULL;
    bool good = reader != NULL && (cached->arena = arena_new(0, error)) != NULL && local_snapshot_begin(reader, error);

    if (good) {
        good = read_row(reader, name, cached, error) && read_settings(reader, cached, error);
        local_snapshot_end(reader);
    }
    local_read_end(store, reader);
    if (good && store->buckets->deriver.derive != NULL) {
        struct error failure = {0};

        cached->bucket.derived = store->buckets->deriver.derive(&cached->bucket, &failure);
        good = failure.code == ERROR_NONE;
        if (!good && error != NULL) {
            *error = failure;
        }
    }
    if (!good) {
        free_cached(store->buckets, cached);
        return NULL;
    }
    cached->users = 1;
    return cached;
}

const struct bucket *bucket_find(struct local_store *store, const char *name, struct error *error)
{
    struct bucket_cache *cache = store->buckets;

    pthread_mutex_lock(&cache->lock);
    struct cached *found = *find_in(chain_of(cache, name), name);
    uint64_t changes = cache->changes;

    if (found != NULL) {
        found->users++;
    }
    pthread_mutex_unlock(&cache->lock);
    if (found == NULL) {
        found = load(store, name, error);
        if (found == NULL) {
            return NULL;
        }
        pthread_mutex_lock(&cache->lock);
        struct cached **at = find_in(chain_of(cache, name), name);

        if (cache->changes == changes && *at == NULL) {
            found->users++;
            *at = found;
        }
        pthread_mutex_unlock(&cache->lock);
    }
    return &found->bucket;
}

void bucket_release(struct local_store *store, const struct bucket *bucket)
{
    struct cached *unused = NULL;

    if (bucket == NULL) {
        return;
    }
    pthread_mutex_lock(&store->buckets->lock);
    unused = unuse((struct cached *)(uintptr_t)bucket);
    pthread_mutex_unlock(&store->buckets->lock);
    free_cached(store->buckets, unused);
}

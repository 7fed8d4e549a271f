/* Access keys: rows of the database whose secrets are encrypted under the key file, and those that were asked for
 * before in memory. */
#include "store/local/access_key.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/local/local_private.h"

#define ID_CHARACTERS 20
#define SECRET_CHARACTERS 40
#define TOKEN_BYTES 96
#define CHAINS 256

/* Keys that expired are kept so long, for whoever looks at the list. */
#define KEEP_EXPIRED_US (INT64_C(86400) * 1000000)

#define COLUMNS "id, sealed, name, owner, policy, created_us, expires_us, active"

static const char find_sql[] = "SELECT " COLUMNS " FROM access_key WHERE id = ?1";
static const char list_sql[] = "SELECT " COLUMNS " FROM access_key ORDER BY created_us, id";
static const char insert_sql[] = "INSERT INTO access_key(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
                                 "ON CONFLICT(id) DO NOTHING RETURNING 1";
static const char forget_sql[] = "DELETE FROM access_key WHERE expires_us <> 0 AND expires_us < ?1";
static const char set_active_sql[] = "UPDATE access_key SET active = ?2 WHERE id = ?1 RETURNING 1";
static const char set_policy_sql[] = "UPDATE access_key SET policy = ?2 WHERE id = ?1 RETURNING 1";
static const char remove_sql[] = "DELETE FROM access_key WHERE id = ?1 RETURNING 1";

struct cached {
    struct access_key key; /* first: callers hold it */
    struct arena *arena;
    struct cached *next; /* in its chain */
    unsigned users;      /* the chain counts as one; under the lock */
};

struct key_cache {
    pthread_mutex_t lock;
    struct cached *chains[CHAINS];
    uint64_t changes; /* what was read before a change is not kept after it */
};

bool access_keys_open(struct local_store *store, struct error *error)
{
    store->access_keys = memory_zeroed(sizeof *store->access_keys, error);
    if (store->access_keys == NULL) {
        return false;
    }
    pthread_mutex_init(&store->access_keys->lock, NULL);
    return true;
}

/* The secret does not stay behind in memory that is given back. */
static void free_cached(struct cached *cached)
{
    if (cached == NULL) {
        return;
    }
    if (cached->key.secret != NULL) {
        char *secret = (char *)(uintptr_t)cached->key.secret;

        explicit_bzero(secret, strlen(secret));
    }
    arena_free(cached->arena);
    memory_free(cached);
}

void access_keys_close(struct local_store *store)
{
    struct key_cache *cache = store->access_keys;

    if (cache == NULL) {
        return;
    }
    for (size_t c = 0; c < CHAINS; c++) {
        for (struct cached *cached = cache->chains[c], *next = NULL; cached != NULL; cached = next) {
            next = cached->next;
            free_cached(cached);
        }
    }
    pthread_mutex_destroy(&cache->lock);
    memory_free(cache);
    store->access_keys = NULL;
}

/* FNV-1a (Fowler, Noll, Vo). */
static struct cached **chain_of(struct key_cache *cache, const char *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = id; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    return &cache->chains[(hash ^ hash >> 32) % CHAINS];
}

static struct cached **find_in(struct cached **chain, const char *id)
{
    while (*chain != NULL && strcmp((*chain)->key.id, id) != 0) {
        chain = &(*chain)->next;
    }
    return chain;
}

static struct cached *unuse(struct cached *cached)
{
    return --cached->users == 0 ? cached : NULL;
}

static void forget(struct local_store *store, const char *id)
{
    struct key_cache *cache = store->access_keys;
    struct cached *unused = NULL;

    pthread_mutex_lock(&cache->lock);
    struct cached **at = find_in(chain_of(cache, id), id);
    struct cached *found = *at;

    cache->changes++;
    if (found != NULL) {
        *at = found->next;
        unused = unuse(found);
    }
    pthread_mutex_unlock(&cache->lock);
    free_cached(unused);
}

/* --- what is kept encrypted --- */

static bool seal_key(const struct local_store *store, const struct access_key *key, struct buffer *sealed,
                     struct error *error)
{
    const struct blob_form form = {.key = store->master};
    const char *token = key->session_token != NULL ? key->session_token : "";
    struct blob_writer *writer = blob_create(store->path, &form, UINT32_MAX, error);
    struct blob_stored stored;
    bool good = writer != NULL && blob_write(writer, key->id, strlen(key->id) + 1, error) &&
                blob_write(writer, key->secret, strlen(key->secret) + 1, error) &&
                blob_write(writer, token, strlen(token) + 1, error) && blob_finish(writer, &stored, error);

    if (good) {
        buffer_append(sealed, &stored.size_bytes, sizeof stored.size_bytes);
        buffer_append(sealed, stored.bytes, stored.stored_bytes);
        good = buffer_check(sealed, error);
    }
    blob_writer_free(writer);
    return good;
}

/* The three texts in the arena, the id's first. */
static char *unseal(const struct local_store *store, const uint8_t *sealed, size_t size, size_t *text_bytes,
                    struct arena *arena, struct error *error)
{
    const struct blob_form form = {.key = store->master};
    uint64_t size_bytes = 0;

    if (sealed == NULL || size < sizeof size_bytes) {
        error_set(error, ERROR_CORRUPT, "the row of an access key is damaged; remove the key and make another");
        return NULL;
    }
    memcpy(&size_bytes, sealed, sizeof size_bytes);
    struct blob_reader *reader =
        blob_open_bytes(sealed + sizeof size_bytes, size - sizeof size_bytes, &form, size_bytes, error);
    char *texts = reader != NULL ? arena_take(arena, (size_t)size_bytes + 1, error) : NULL;

    if (texts != NULL && blob_read(reader, texts, (size_t)size_bytes, 0, error) != (ssize_t)size_bytes) {
        texts = NULL;
    }
    if (texts != NULL) {
        texts[size_bytes] = '\0';
        *text_bytes = (size_t)size_bytes;
    }
    blob_reader_free(reader);
    return texts;
}

static bool take_secrets(const struct local_store *store, sqlite3_stmt *row, struct arena *arena,
                         struct access_key *key, struct error *error)
{
    size_t size = 0;
    const char *texts =
        unseal(store, sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1), &size, arena, error);

    if (texts == NULL) {
        return error_prefix(error, "access key %s", key->id);
    }
    const char *secret = texts + strlen(texts) + 1;
    const char *token = secret < texts + size ? secret + strlen(secret) + 1 : NULL;

    if (token == NULL || token >= texts + size || strcmp(texts, key->id) != 0) {
        return error_set(error, ERROR_CORRUPT, "the row of access key %s holds another key's secret", key->id);
    }
    key->secret = secret;
    key->session_token = token[0] != '\0' ? token : NULL;
    return true;
}

static bool read_row(sqlite3_stmt *row, struct arena *arena, struct access_key *key, struct error *error)
{
    *key = (struct access_key){
        .id = statement_text(row, 0, arena, error),
        .name = statement_text(row, 2, arena, error),
        .owner = statement_text(row, 3, arena, error),
        .created_us = sqlite3_column_int64(row, 5),
        .expires_us = sqlite3_column_int64(row, 6),
        .active = sqlite3_column_int(row, 7) != 0,
    };
    if (sqlite3_column_type(row, 4) != SQLITE_NULL) {
        key->policy = statement_text(row, 4, arena, error);
        if (key->policy == NULL) {
            return false;
        }
    }
    return key->id != NULL && key->name != NULL && key->owner != NULL;
}

/* --- finding --- */

static bool unknown(const char *id, struct error *error)
{
    return error_set_named(error, ERROR_DENIED, "InvalidAccessKeyId", "there is no access key \"%.100s\"", id);
}

static bool load(struct local_store *store, const char *id, struct cached *cached, struct error *error)
{
    struct statement_cache *reader = local_read_begin(store, error);
    sqlite3_stmt *find = reader != NULL ? statement_get(reader, find_sql, error) : NULL;
    bool good = false;

    if (find != NULL) {
        statement_bind_text(find, 1, id);
        int there = statement_next(reader, find, error);

        if (there > 0) {
            good = read_row(find, cached->arena, &cached->key, error) &&
                   take_secrets(store, find, cached->arena, &cached->key, error);
            statement_done(find);
        } else if (there == 0) {
            unknown(id, error);
        }
    }
    local_read_end(store, reader);
    return good;
}

/* Reads the key, and keeps it unless keys were changed meanwhile. */
static struct cached *load_new(struct local_store *store, const char *id, struct error *error)
{
    struct key_cache *cache = store->access_keys;
    struct cached *cached = memory_zeroed(sizeof *cached, error);
    struct cached *old = NULL;

    if (cached == NULL) {
        return NULL;
    }
    cached->users = 1;
    cached->arena = arena_new(0, error);
    pthread_mutex_lock(&cache->lock);
    uint64_t changes = cache->changes;

    pthread_mutex_unlock(&cache->lock);
    if (cached->arena == NULL || !load(store, id, cached, error)) {
        free_cached(cached);
        return NULL;
    }
    pthread_mutex_lock(&cache->lock);
    if (cache->changes == changes) {
        struct cached **at = find_in(chain_of(cache, id), id);

        old = *at;
        cached->next = old != NULL ? old->next : NULL;
        *at = cached;
        cached->users++;
        old = old != NULL ? unuse(old) : NULL;
    }
    pthread_mutex_unlock(&cache->lock);
    free_cached(old);
    return cached;
}

const struct access_key *access_key_find(struct local_store *store, const char *id, struct error *error)
{
    struct key_cache *cache = store->access_keys;

    pthread_mutex_lock(&cache->lock);
    struct cached *cached = *find_in(chain_of(cache, id), id);

    if (cached != NULL) {
        cached->users++;
    }
    pthread_mutex_unlock(&cache->lock);
    if (cached == NULL) {
        cached = load_new(store, id, error);
    }
    if (cached == NULL) {
        return NULL;
    }
    bool expired = cached->key.expires_us != 0 && clock_now_us() >= cached->key.expires_us;

    if (cached->key.active && !expired) {
        return &cached->key;
    }
    access_key_release(store, &cached->key);
    if (expired) {
        error_set_named(error, ERROR_DENIED, "ExpiredToken", "the access key \"%.100s\" has expired", id);
    } else {
        unknown(id, error);
    }
    return NULL;
}

void access_key_release(struct local_store *store, const struct access_key *key)
{
    struct key_cache *cache = store->access_keys;
    struct cached *cached = (struct cached *)(uintptr_t)key;

    pthread_mutex_lock(&cache->lock);
    struct cached *unused = unuse(cached);

    pthread_mutex_unlock(&cache->lock);
    free_cached(unused);
}

/* --- changing --- */

/* `length` characters of an alphabet, each as likely as the others. */
static const char *make_up(const char *start, const char *alphabet, size_t length, struct arena *arena,
                           struct error *error)
{
    char *text = arena_take(arena, length + 1, error);
    size_t letters = strlen(alphabet);
    size_t made = strlen(start);

    if (text == NULL) {
        return NULL;
    }
    memcpy(text, start, made);
    while (made < length) {
        uint8_t byte = 0;

        if (!random_bytes(&byte, 1, error)) {
            return NULL;
        }
        if (byte < 256 / letters * letters) {
            text[made++] = alphabet[byte % letters];
        }
    }
    text[length] = '\0';
    return text;
}

static const char *make_token(struct arena *arena, struct error *error)
{
    uint8_t bytes[TOKEN_BYTES];
    char *text = arena_take(arena, TOKEN_BYTES / 3 * 4 + 1, error);

    if (text == NULL || !random_bytes(bytes, sizeof bytes, error)) {
        return NULL;
    }
    digest_base64(bytes, sizeof bytes, text);
    return text;
}

static const char *copy_or(const char *given, const char *otherwise, struct arena *arena, struct error *error)
{
    const char *text = given != NULL ? given : otherwise;

    return arena_text(arena, text, strlen(text), error);
}

static bool check_id(const char *id, struct error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t length = strlen(id);

    return (length >= 3 && length <= 128 && strspn(id, allowed) == length) ||
           error_set_named(error, ERROR_INVALID, "InvalidArgument",
                           "an access key's id must have 3 to 128 letters, digits, \"_\", \"-\" or \".\": \"%.128s\" "
                           "has not",
                           id);
}

static bool fill(const struct access_key *given, bool with_session, struct arena *arena, struct access_key *made,
                 struct error *error)
{
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char any[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    *made = *given;
    made->id = given->id != NULL ? copy_or(given->id, "", arena, error)
                                 : make_up(with_session ? "ASIA" : "AKIA", upper, ID_CHARACTERS, arena, error);
    made->secret = given->secret != NULL ? copy_or(given->secret, "", arena, error)
                                         : make_up("", any, SECRET_CHARACTERS, arena, error);
    made->session_token = NULL;
    made->name = copy_or(given->name, "", arena, error);
    made->owner = copy_or(given->owner, "", arena, error);
    made->policy = given->policy != NULL ? copy_or(given->policy, "", arena, error) : NULL;
    if (made->id == NULL || made->secret == NULL || made->name == NULL || made->owner == NULL ||
        (given->policy != NULL && made->policy == NULL)) {
        return false;
    }
    if (with_session) {
        made->session_token =
            given->session_token != NULL ? copy_or(given->session_token, "", arena, error) : make_token(arena, error);
        if (made->session_token == NULL) {
            return false;
        }
    }
    if (made->created_us == 0) {
        made->created_us = clock_now_us();
    }
    made->active = true;
    return check_id(made->id, error) &&
           (strlen(made->secret) >= 8 ||
            error_set_named(error, ERROR_INVALID, "InvalidArgument", "a secret must have 8 characters or more"));
}

struct add_context {
    const struct access_key *key;
    const struct buffer *sealed;
};

static bool apply_add(void *context, struct statement_cache *db, struct error *error)
{
    const struct add_context *add = context;
    const struct access_key *key = add->key;
    sqlite3_stmt *forget_expired = statement_get(db, forget_sql, error);

    if (forget_expired == NULL) {
        return false;
    }
    sqlite3_bind_int64(forget_expired, 1, clock_now_us() - KEEP_EXPIRED_US);
    sqlite3_stmt *insert = statement_run(db, forget_expired, error) ? statement_get(db, insert_sql, error) : NULL;

    if (insert == NULL) {
        return false;
    }
    statement_bind_text(insert, 1, key->id);
    sqlite3_bind_blob64(insert, 2, add->sealed->data, add->sealed->length, SQLITE_STATIC);
    statement_bind_text(insert, 3, key->name);
    statement_bind_text(insert, 4, key->owner);
    statement_bind_text(insert, 5, key->policy);
    sqlite3_bind_int64(insert, 6, key->created_us);
    sqlite3_bind_int64(insert, 7, key->expires_us);
    sqlite3_bind_int64(insert, 8, key->active);
    int there = statement_next(db, insert, error);

    statement_done(insert);
    return there > 0 || (there == 0 && error_set_named(error, ERROR_CONFLICT, "EntityAlreadyExists",
                                                       "there is an access key \"%s\" already", key->id));
}

bool access_key_add(struct local_store *store, const struct access_key *key, bool with_session, struct arena *arena,
                    struct access_key *made, struct error *error)
{
    struct buffer sealed __attribute__((cleanup(buffer_free))) = {0};
    struct add_context add = {made, &sealed};
    bool good = fill(key, with_session, arena, made, error) && seal_key(store, made, &sealed, error) &&
                committer_do(store->committer, apply_add, &add, error);

    if (good) {
        forget(store, made->id);
    }
    return good;
}

struct change_context {
    const char *sql, *id, *policy;
    bool active;
};

static bool apply_change(void *context, struct statement_cache *db, struct error *error)
{
    const struct change_context *change = context;
    sqlite3_stmt *statement = statement_get(db, change->sql, error);

    if (statement == NULL) {
        return false;
    }
    statement_bind_text(statement, 1, change->id);
    if (change->sql == set_active_sql) {
        sqlite3_bind_int64(statement, 2, change->active);
    } else if (change->sql == set_policy_sql) {
        statement_bind_text(statement, 2, change->policy);
    }
    int there = statement_next(db, statement, error);

    statement_done(statement);
    return there > 0 || (there == 0 && error_set_named(error, ERROR_NOT_FOUND, "NoSuchEntity",
                                                       "there is no access key \"%.100s\"", change->id));
}

static bool change_key(struct local_store *store, struct change_context *change, struct error *error)
{
    bool good = committer_do(store->committer, apply_change, change, error);

    forget(store, change->id);
    return good;
}

bool access_key_set_active(struct local_store *store, const char *id, bool active, struct error *error)
{
    return change_key(store, &(struct change_context){.sql = set_active_sql, .id = id, .active = active}, error);
}

bool access_key_set_policy(struct local_store *store, const char *id, const char *policy, struct error *error)
{
    return change_key(store, &(struct change_context){.sql = set_policy_sql, .id = id, .policy = policy}, error);
}

bool access_key_remove(struct local_store *store, const char *id, struct error *error)
{
    return change_key(store, &(struct change_context){.sql = remove_sql, .id = id}, error);
}

static bool read_keys(struct statement_cache *reader, struct arena *arena, struct access_key **keys, size_t *count,
                      struct error *error)
{
    sqlite3_stmt *list = statement_get(reader, list_sql, error);
    size_t room = 0;
    int there = list != NULL ? 1 : -1;

    while (there > 0 && (there = statement_next(reader, list, error)) > 0) {
        if (*count == room) {
            struct access_key *more = arena_take(arena, (2 * room + 16) * sizeof *more, error);

            if (more != NULL && room > 0) {
                memcpy(more, *keys, room * sizeof *more);
            }
            room = 2 * room + 16;
            *keys = more;
        }
        if (*keys == NULL || !read_row(list, arena, &(*keys)[*count], error)) {
            statement_done(list);
            return false;
        }
        (*count)++;
    }
    return there == 0;
}

bool access_key_list(struct local_store *store, struct arena *arena, struct access_key **keys, size_t *count,
                     struct error *error)
{
    struct statement_cache *reader = local_read_begin(store, error);
    bool good = false;

    *keys = NULL;
    *count = 0;
    good = reader != NULL && read_keys(reader, arena, keys, count, error);
    local_read_end(store, reader);
    return good;
}

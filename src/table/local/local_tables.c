/* Opening the tables, finding an operation, and the definitions in memory. */
#include "table/local/local_private.h"

#include "base/json.h"
#include "base/memory.h"

#define MAX_REQUEST_NAME "the request"

static const char make_tables[] =
    "CREATE TABLE IF NOT EXISTS item_table(name TEXT PRIMARY KEY, space INTEGER NOT NULL, last_space INTEGER NOT NULL,"
    "  definition TEXT NOT NULL) WITHOUT ROWID";
static const char make_items[] =
    "CREATE TABLE IF NOT EXISTS item(space INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    "  PRIMARY KEY(space, key)) WITHOUT ROWID";
static const char make_tokens[] =
    "CREATE TABLE IF NOT EXISTS item_token(token TEXT PRIMARY KEY, made_us INTEGER NOT NULL, digest BLOB NOT NULL)"
    " WITHOUT ROWID";
static const char make_spaces[] =
    "CREATE TABLE IF NOT EXISTS item_space(id INTEGER PRIMARY KEY CHECK(id = 1), last INTEGER NOT NULL)";
static const char all_tables[] = "SELECT name, definition FROM item_table ORDER BY name";

static bool make(void *context, struct statement_cache *db, struct error *error)
{
    static const char *const all[] = {make_tables, make_items, make_tokens, make_spaces};

    (void)context;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sqlite3_stmt *statement = statement_get(db, all[i], error);

        if (statement == NULL || !statement_run(db, statement, error)) {
            return false;
        }
    }
    return true;
}

/* Where the name stands among the definitions, or would. The mutex is held. */
static size_t place_of(const struct local_tables *tables, const char *name, bool *there)
{
    size_t low = 0;
    size_t high = tables->definition_count;

    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(tables->definitions[middle]->name, name);

        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct table_definition *definition_find(struct local_tables *tables, const char *name, struct error *error)
{
    struct table_definition *found = NULL;
    bool there;

    pthread_mutex_lock(&tables->mutex);
    size_t place = place_of(tables, name, &there);

    if (there) {
        found = tables->definitions[place];
        found->references++;
    }
    pthread_mutex_unlock(&tables->mutex);
    if (found == NULL) {
        error_set_named(error, ERROR_NOT_FOUND, "ResourceNotFoundException",
                        "Requested resource not found: Table: %s not found", name);
    }
    return found;
}

void definition_release(struct local_tables *tables, struct table_definition *definition)
{
    if (definition == NULL) {
        return;
    }
    pthread_mutex_lock(&tables->mutex);
    bool last = --definition->references == 0;

    pthread_mutex_unlock(&tables->mutex);
    if (last) {
        definition_free(definition);
    }
}

static bool make_room(struct local_tables *tables, struct error *error)
{
    if (tables->definition_count < tables->definition_capacity) {
        return true;
    }
    size_t capacity = tables->definition_capacity * 2 + 16;
    struct table_definition **grown =
        memory_resize(tables->definitions, capacity, sizeof(struct table_definition *), error);

    if (grown != NULL) {
        tables->definitions = grown;
        tables->definition_capacity = capacity;
    }
    return grown != NULL;
}

bool definition_exchange(struct local_tables *tables, const char *name, struct table_definition *definition,
                         struct error *error)
{
    struct table_definition *old = NULL;
    bool there;

    pthread_mutex_lock(&tables->mutex);
    size_t place = place_of(tables, name, &there);
    bool good = there || definition == NULL || make_room(tables, error);

    if (there) {
        old = tables->definitions[place];
    }
    if (good && definition != NULL) {
        if (!there) {
            memmove(tables->definitions + place + 1, tables->definitions + place,
                    (tables->definition_count++ - place) * sizeof(struct table_definition *));
        }
        tables->definitions[place] = definition;
    } else if (good && there) {
        memmove(tables->definitions + place, tables->definitions + place + 1,
                (--tables->definition_count - place) * sizeof(struct table_definition *));
    }
    pthread_mutex_unlock(&tables->mutex);
    definition_release(tables, good ? old : definition);
    return good;
}

static bool load_row(struct local_tables *tables, const char *name, const char *text, struct error *error)
{
    json_t *stored = json_read(text, strlen(text), name, error);
    struct table_definition *definition = stored != NULL ? definition_load(stored, error) : NULL;

    json_decref(stored);
    return definition != NULL && definition_exchange(tables, name, definition, error);
}

static bool load_all(struct local_tables *tables, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, all_tables, error);
    struct arena *arena = statement != NULL ? arena_new(0, error) : NULL;
    int row = -1;

    while (arena != NULL && (row = statement_next(db, statement, error)) == 1) {
        const char *name = statement_text(statement, 0, arena, error);
        const char *text = statement_text(statement, 1, arena, error);

        if (name == NULL || text == NULL || !load_row(tables, name, text, error)) {
            statement_done(statement);
            row = -1;
            break;
        }
    }
    arena_free(arena);
    return row == 0;
}

static void free_tables(struct tables *port)
{
    struct local_tables *tables = (struct local_tables *)port;

    for (size_t i = 0; i < tables->definition_count; i++) {
        definition_free(tables->definitions[i]);
    }
    memory_free(tables->definitions);
    memory_free(tables->region);
    memory_free(tables->account);
    pthread_mutex_destroy(&tables->mutex);
    pthread_rwlock_destroy(&tables->altering);
    memory_free(tables);
}

static const struct operation *find_operation(const char *name)
{
    static const struct operation *const lists[] = {table_operations, item_operations, read_operations,
                                                    batch_operations, transaction_operations};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct operation *at = lists[i]; at->name != NULL; at++) {
            if (strcmp(at->name, name) == 0) {
                return at;
            }
        }
    }
    return NULL;
}

static bool run(struct call *call, const struct operation *operation, struct str text, struct error *error)
{
    struct error why = {0};
    json_t *request = json_read_data(text.data, text.length, MAX_REQUEST_NAME, &why);

    if (!json_is_object(request)) {
        json_decref(request);
        return error_set_named(error, ERROR_INVALID, "SerializationException", "%s",
                               why.code != ERROR_NONE ? why.message : "The request is no JSON object");
    }
    call->request = request;
    bool good = operation->run(call, error) && buffer_check(call->response, error);

    json_decref(request);
    return good;
}

static bool call_operation(struct tables *port, const char *name, struct str request, struct buffer *response,
                           struct error *error)
{
    const struct operation *operation = find_operation(name);
    struct call call = {.tables = (struct local_tables *)port, .response = response};

    if (operation == NULL) {
        return error_set_named(error, ERROR_USAGE, "UnknownOperationException", "There is no operation %s", name);
    }
    call.arena = arena_new(0, error);
    if (operation->writes) {
        pthread_rwlock_rdlock(&call.tables->altering);
    }
    bool good = call.arena != NULL && run(&call, operation, request, error);

    if (operation->writes) {
        pthread_rwlock_unlock(&call.tables->altering);
    }

    arena_free(call.arena);
    return good;
}

static const struct tables_verbs verbs = {.call = call_operation, .free = free_tables};

struct tables *local_tables_open(const struct local_tables_options *options, struct error *error)
{
    struct local_tables *tables = memory_zeroed(sizeof *tables, error);
    struct statement_cache *db;
    pthread_rwlockattr_t attributes;

    if (tables == NULL) {
        return NULL;
    }
    pthread_mutex_init(&tables->mutex, NULL);
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&tables->altering, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    tables->tables.verbs = &verbs;
    tables->store = options->store;
    tables->committer = local_committer(options->store);
    tables->region = memory_copy_text(options->region, strlen(options->region), error);
    tables->account = memory_copy_text(options->account, strlen(options->account), error);
    bool good = tables->region != NULL && tables->account != NULL &&
                committer_do(tables->committer, make, NULL, error) &&
                (db = local_read_begin(tables->store, error)) != NULL;

    if (good) {
        good = load_all(tables, db, error);
        local_read_end(tables->store, db);
    }
    if (!good) {
        free_tables(&tables->tables);
        return NULL;
    }
    return &tables->tables;
}

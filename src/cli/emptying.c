#include "cli/emptying.h"

#include <string.h>

#include "base/thread.h"

#define AT_ONCE 8
#define BATCH 1000

struct emptying {
    struct store *store;
    const char *bucket;
    struct team *team;
    struct arena *arena; /* of the keys */
    const char *keys[BATCH];
    size_t count;
};

static bool delete_one(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct emptying *emptying = context;
    return store_delete(emptying->store, emptying->bucket, emptying->keys[index], error);
}

static bool delete_batch(struct emptying *emptying, struct error *error)
{
    bool good = team_run(emptying->team, emptying->count, delete_one, emptying, error);
    emptying->count = 0;
    arena_reset(emptying->arena);
    return good;
}

static bool gather(void *context, const struct store_object *object, bool is_prefix, struct error *error)
{
    (void)is_prefix;
    struct emptying *emptying = context;
    const char *key = arena_text(emptying->arena, object->key, strlen(object->key), error);
    if (!key) return false;
    emptying->keys[emptying->count++] = key;
    return emptying->count < BATCH || delete_batch(emptying, error);
}

bool emptying_run(struct store *store, const char *bucket, const char *prefix, struct error *error)
{
    struct emptying emptying = {.store = store, .bucket = bucket, .arena = arena_new(0, error)};
    struct store_listing listing = {.prefix = prefix, .delimiter = "", .start_after = ""};
    if (emptying.arena) emptying.team = team_new(AT_ONCE, error);
    bool good = emptying.team && store_list(store, bucket, &listing, gather, &emptying, error) &&
                delete_batch(&emptying, error);
    if (emptying.team) team_free(emptying.team);
    if (emptying.arena) arena_free(emptying.arena);
    return good;
}

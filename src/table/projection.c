/* Projections: parts of items. */
#include "table/expression_parse.h"

#define MAX_PATHS 400

bool projection_parse(struct expression_scope *scope, struct str text, struct arena *arena,
                      struct projection *projection, struct error *error)
{
    struct parser parser = {.scope = scope, .arena = arena, .error = error};
    struct path *paths = arena_take(arena, MAX_PATHS * sizeof *paths, error);
    size_t count = 0;

    if (paths == NULL || !parser_begin(&parser, text, "ProjectionExpression")) {
        return false;
    }
    do {
        if (count == MAX_PATHS) {
            return parser_fail(&parser, "The expression contains too many document paths");
        }
        if ((count > 0 && !parser_next(&parser)) || !parser_path(&parser, &paths[count])) {
            return false;
        }
        count++;
    } while (parser_is_sign(&parser, ","));
    if (parser.token.kind != TOKEN_END) {
        return parser_syntax(&parser);
    }
    *projection = (struct projection){paths, count};
    return paths_check(&parser, paths, count);
}

/* The paths that are still of interest at one place of the item: they agree in their first `depth` steps. */
struct narrowed {
    const struct path **paths;
    size_t count, depth;
    struct arena *arena;
    struct error *error;
};

/* Those of the paths whose next step is this name or index. */
static bool narrow(const struct narrowed *from, const struct path_step *step, struct narrowed *to)
{
    *to = *from;
    to->depth++;
    to->count = 0;
    to->paths = arena_take(from->arena, (from->count + 1) * sizeof *to->paths, from->error);
    for (size_t i = 0; to->paths != NULL && i < from->count; i++) {
        const struct path_step *own = &from->paths[i]->steps[from->depth];
        bool same = step->name.data != NULL ? own->name.data != NULL && str_equal(own->name, step->name)
                                            : own->name.data == NULL && own->index == step->index;

        if (same) {
            to->paths[to->count++] = from->paths[i];
        }
    }
    return to->paths != NULL;
}

static bool take(const struct narrowed *narrowed, const struct attribute *value, struct attribute *taken, bool *any);

static bool take_map(const struct narrowed *narrowed, const struct attribute *value, struct attribute *taken, bool *any)
{
    size_t count = value->as.map.count;
    struct attribute_member *members = arena_take(narrowed->arena, (count + 1) * sizeof *members, narrowed->error);
    size_t kept = 0;

    for (size_t i = 0; members != NULL && i < count; i++) {
        struct path_step step = {.name = value->as.map.members[i].name};
        struct narrowed inner;
        bool found = false;

        if (!narrow(narrowed, &step, &inner) ||
            (inner.count > 0 && !take(&inner, &value->as.map.members[i].value, &members[kept].value, &found))) {
            return false;
        }
        if (found) {
            members[kept++].name = step.name;
        }
    }
    *any = kept > 0 || narrowed->depth == 0;
    *taken = (struct attribute){.type = ATTRIBUTE_MAP, .as.map = {members, kept}};
    return members != NULL;
}

/* Elements that are not named fall out, and the others close up. */
static bool take_list(const struct narrowed *narrowed, const struct attribute *value, struct attribute *taken,
                      bool *any)
{
    size_t count = value->as.list.count;
    struct attribute *items = arena_take(narrowed->arena, (count + 1) * sizeof *items, narrowed->error);
    size_t kept = 0;

    for (size_t i = 0; items != NULL && i < count; i++) {
        struct path_step step = {.index = (uint32_t)i};
        struct narrowed inner;
        bool found = false;

        if (!narrow(narrowed, &step, &inner) ||
            (inner.count > 0 && !take(&inner, &value->as.list.items[i], &items[kept], &found))) {
            return false;
        }
        kept += found;
    }
    *any = kept > 0;
    *taken = (struct attribute){.type = ATTRIBUTE_LIST, .as.list = {items, kept}};
    return items != NULL;
}

static bool take(const struct narrowed *narrowed, const struct attribute *value, struct attribute *taken, bool *any)
{
    *any = false;
    for (size_t i = 0; i < narrowed->count; i++) {
        if (narrowed->paths[i]->count == narrowed->depth) {
            *taken = *value;
            *any = true;
            return true;
        }
    }
    if (value->type == ATTRIBUTE_MAP) {
        return take_map(narrowed, value, taken, any);
    }
    return value->type != ATTRIBUTE_LIST || take_list(narrowed, value, taken, any);
}

bool projection_take(const struct projection *projection, const struct attribute *item, struct arena *arena,
                     struct attribute *taken, struct error *error)
{
    struct narrowed all = {.arena = arena, .error = error, .count = projection->count};
    bool any;

    all.paths = arena_take(arena, (projection->count + 1) * sizeof *all.paths, error);
    for (size_t i = 0; all.paths != NULL && i < projection->count; i++) {
        all.paths[i] = &projection->paths[i];
    }
    return all.paths != NULL && take_map(&all, item, taken, &any);
}

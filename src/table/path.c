/* Document paths: finding what they name, and telling which of them get in each other's way. */
#include <stdio.h>

#include "base/buffer.h"
#include "table/expression_parse.h"

const struct attribute *path_find(const struct path *path, const struct attribute *item)
{
    const struct attribute *at = item;

    for (size_t i = 0; i < path->count && at != NULL; i++) {
        const struct path_step *step = &path->steps[i];

        if (step->name.data != NULL) {
            at = at->type == ATTRIBUTE_MAP ? attribute_find(at, step->name) : NULL;
        } else {
            at = at->type == ATTRIBUTE_LIST && step->index < at->as.list.count ? &at->as.list.items[step->index] : NULL;
        }
    }
    return at;
}

const char *path_text(const struct path *path, struct arena *arena)
{
    char text[512];
    size_t length = 0;

    text[length++] = '[';
    for (size_t i = 0; i < path->count && length < sizeof text - 32; i++) {
        const struct path_step *step = &path->steps[i];
        const char *between = i > 0 ? ", " : "";
        int room = (int)(sizeof text - 8 - length);
        int written = step->name.data != NULL
                          ? snprintf(text + length, (size_t)room, "%s%.*s", between, STR_ARGS(step->name))
                          : snprintf(text + length, (size_t)room, "%s[%u]", between, step->index);

        length += (size_t)(written < room ? written : room - 1);
    }
    text[length++] = ']';
    const char *kept = arena_text(arena, text, length, NULL);

    return kept != NULL ? kept : "[…]";
}

static bool step_equal(const struct path_step *a, const struct path_step *b)
{
    if ((a->name.data != NULL) != (b->name.data != NULL)) {
        return false;
    }
    return a->name.data != NULL ? str_equal(a->name, b->name) : a->index == b->index;
}

bool path_equal(const struct path *a, const struct path *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!step_equal(&a->steps[i], &b->steps[i])) {
            return false;
        }
    }
    return true;
}

bool paths_check(struct parser *parser, const struct path *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            size_t shorter = paths[i].count < paths[j].count ? paths[i].count : paths[j].count;
            size_t same = 0;

            while (same < shorter && step_equal(&paths[i].steps[same], &paths[j].steps[same])) {
                same++;
            }
            bool overlap = same == shorter;
            bool conflict =
                !overlap && (paths[i].steps[same].name.data != NULL) != (paths[j].steps[same].name.data != NULL);

            if (overlap || conflict) {
                return parser_fail(parser,
                                   "Two document paths %s with each other; must remove or rewrite one of these paths; "
                                   "path one: %s, path two: %s",
                                   overlap ? "overlap" : "conflict", path_text(&paths[i], parser->arena),
                                   path_text(&paths[j], parser->arena));
            }
        }
    }
    return true;
}

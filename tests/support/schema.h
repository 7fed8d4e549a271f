/* Schemas from JSON in a test's source, where a single quote stands for a double one. */
#ifndef AISLE_TESTS_SUPPORT_SCHEMA_H
#define AISLE_TESTS_SUPPORT_SCHEMA_H

#include "base/json.h"
#include "support/unit.h"
#include "tabular/schema.h"

/* The arena of one test, for cmocka_unit_test_setup_teardown with these two. */
static struct arena *arena;

static inline int begin_arena(void **state)
{
    struct error error = {0};
    (void)state;
    arena = arena_new(0, &error);
    return arena ? 0 : -1;
}

static inline int end_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Compiles; NULL with the reason in `error`. schema_free it before the arena ends. */
static inline struct schema *schema_of(struct arena *into, const char *text, struct error *error)
{
    struct buffer json __attribute__((cleanup(buffer_free))) = {0};
    for (; *text; text++) buffer_append_char(&json, *text == '\'' ? '"' : *text);
    if (!buffer_check(&json, error)) return NULL;
    json_t *tree = json_read(json.data, json.length, "test.json", error);
    if (!tree) return NULL;
    struct schema *schema = schema_compile(into, tree, "test.json", error);
    json_decref(tree);
    return schema;
}

/* The same, and fails the test when it cannot. */
static inline struct schema *schema_must(struct arena *into, const char *text)
{
    struct error error = {0};
    struct schema *schema = schema_of(into, text, &error);
    if (!schema) fail_msg("%s: %s", text, error.message);
    return schema;
}

#endif

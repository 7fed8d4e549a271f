/* DynamoDB's expressions: conditions and filters, projections, key conditions, updates.
 *
 * An expression is parsed once for a request, with its placeholders (#name, :value) put in, and then judged on or
 * applied to items. Errors are ValidationExceptions in DynamoDB's words. Source: Amazon DynamoDB Developer Guide,
 * "Using expressions in DynamoDB", and API Reference.
 */
#ifndef AISLE_TABLE_EXPRESSION_H
#define AISLE_TABLE_EXPRESSION_H

#include "table/attribute.h"

#define EXPRESSION_MAX_BYTES 4096
#define EXPRESSION_MAX_OPERATORS 300

/* What the placeholders of a request's expressions stand for, and which of them were used. */
struct expression_scope {
    const json_t *names;            /* {"#n": "name"}; NULL: none given */
    const struct attribute *values; /* a map with names ":v"; NULL: none given */
    bool *name_used;                /* one for each, in the order of iteration; made by scope_begin */
    bool *value_used;
};
bool expression_scope_begin(struct expression_scope *scope, struct arena *arena, struct error *error);
/* Fails when a placeholder that was given is used by no expression. */
bool expression_scope_end(const struct expression_scope *scope, struct error *error);

/* A place in an item: "a.b[3].c". */
struct path_step {
    struct str name; /* of a map's member; data NULL: an element of a list */
    uint32_t index;
};
struct path {
    const struct path_step *steps;
    size_t count;
};
/* What stands there in the item, NULL when nothing does. */
const struct attribute *path_find(const struct path *path, const struct attribute *item);

enum operand_kind {
    OPERAND_PATH,
    OPERAND_VALUE,
    OPERAND_SIZE,        /* size(path or value) */
    OPERAND_IF_ABSENT,   /* if_not_exists(path, operand); updates only */
    OPERAND_LIST_APPEND, /* list_append(operand, operand); updates only */
    OPERAND_PLUS,        /* updates only */
    OPERAND_MINUS,
};
struct operand {
    enum operand_kind kind;
    struct path path;
    const struct attribute *value;
    const struct operand *first, *second;
};

enum condition_kind {
    CONDITION_AND,
    CONDITION_OR,
    CONDITION_NOT,
    CONDITION_EQUAL,
    CONDITION_NOT_EQUAL,
    CONDITION_LESS,
    CONDITION_LESS_OR_EQUAL,
    CONDITION_GREATER,
    CONDITION_GREATER_OR_EQUAL,
    CONDITION_BETWEEN,
    CONDITION_IN,
    CONDITION_EXISTS,     /* attribute_exists */
    CONDITION_NOT_EXISTS, /* attribute_not_exists */
    CONDITION_TYPE,       /* attribute_type */
    CONDITION_BEGINS_WITH,
    CONDITION_CONTAINS,
};
struct condition {
    enum condition_kind kind;
    const struct condition *first, *second; /* AND, OR; NOT has one */
    const struct operand *operands;         /* of the others, in the order they are written */
    size_t operand_count;
};

/* `what` is the parameter's name for errors: "ConditionExpression", "FilterExpression", "KeyConditionExpression". */
const struct condition *expression_condition(struct expression_scope *scope, struct str text, const char *what,
                                             struct arena *arena, struct error *error);
/* Whether an item (an empty map: there is none) meets the condition. */
bool expression_holds(const struct condition *condition, const struct attribute *item);
/* Whether the condition speaks of a top-level attribute (filters may not speak of the key). */
bool expression_mentions(const struct condition *condition, struct str name);

/* Which items a query reads: one partition key, and a range of sort keys. */
enum key_range {
    KEY_ALL,
    KEY_EQUAL,
    KEY_LESS,
    KEY_LESS_OR_EQUAL,
    KEY_GREATER,
    KEY_GREATER_OR_EQUAL,
    KEY_BETWEEN,
    KEY_BEGINS_WITH
};
struct key_condition {
    const struct attribute *partition;
    enum key_range range;
    const struct attribute *low, *high; /* of a range with one bound: low */
};
/* `sort` has no data for a table without one. Types are compared with `partition_type` and `sort_type`. */
struct key_schema {
    struct str partition, sort;
    enum attribute_type partition_type, sort_type;
};
bool key_condition_of(const struct condition *condition, const struct key_schema *schema, struct key_condition *key,
                      struct error *error);

struct projection {
    const struct path *paths;
    size_t count;
};
bool projection_parse(struct expression_scope *scope, struct str text, struct arena *arena,
                      struct projection *projection, struct error *error);
/* The parts of the item that the paths name, in the shape that they have there. */
bool projection_take(const struct projection *projection, const struct attribute *item, struct arena *arena,
                     struct attribute *taken, struct error *error);

enum update_verb { UPDATE_SET, UPDATE_REMOVE, UPDATE_ADD, UPDATE_DELETE };
struct update_action {
    enum update_verb verb;
    struct path path;
    struct operand operand; /* SET; of ADD and DELETE a value */
};
struct update {
    const struct update_action *actions;
    size_t count;
};
bool update_parse(struct expression_scope *scope, struct str text, struct arena *arena, struct update *update,
                  struct error *error);
/* The item after the update: every operand is taken from the item as it was. */
bool update_apply(const struct update *update, const struct attribute *item, struct arena *arena,
                  struct attribute *changed, struct error *error);

#endif

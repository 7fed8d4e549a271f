/* What policies are made of, for the files of policy only: patterns and conditions. */
#ifndef AISLE_AWS_POLICY_PARTS_H
#define AISLE_AWS_POLICY_PARTS_H

#include <jansson.h>

#include "aws/policy.h"
#include "base/arena.h"

/* A text with wildcards and variables, taken apart: each unit is a byte, a wildcard or a variable. */
struct pattern_variable {
    const char *name;
    const char *fallback; /* ${name, 'fallback'}; NULL: none */
};

struct pattern {
    uint16_t *units;
    size_t count;
    struct pattern_variable *variables;
    size_t variable_count;
    bool has_wildcards;
};

enum pattern_flags {
    PATTERN_WILDCARDS = 1, /* * and ? stand for others */
    PATTERN_VARIABLES = 2, /* ${aws:username} is put in; of Version 2012-10-17 */
    PATTERN_FOLD = 4,      /* for pattern_matches: without regard to case */
    PATTERN_ARN = 8,       /* for pattern_matches: each of an ARN's six parts by itself */
};

/* False with MalformedPolicy when a variable has no end. Lives in the arena. */
bool pattern_compile(const char *text, unsigned flags, struct arena *arena, struct pattern *pattern,
                     struct error *error);

/* A pattern with a variable that the context has no (or no single) value for matches nothing. Fails for want of
 * memory. */
bool pattern_matches(const struct pattern *pattern, struct str text, unsigned flags,
                     const struct policy_request *request, bool *matches, struct error *error);

struct condition;

/* Compiles a statement's "Condition"; NULL conditions for an empty one. `place` names the statement in errors. */
bool condition_compile(json_t *json, bool with_variables, const char *place, struct arena *arena,
                       struct condition **conditions, struct error *error);
bool condition_holds(const struct condition *conditions, const struct policy_request *request, bool *holds,
                     struct error *error);
/* Whether one of them holds only for fixed sources, accounts or organisations. */
bool condition_narrows(const struct condition *conditions);
/* Whether a key or variable begins with that. */
bool condition_mentions(const struct condition *conditions, const char *key_prefix);

/* The next value of a key after `*at` (0 at first), in the context; false when there is none. */
bool policy_context_next(const struct policy_request *request, const char *key, size_t *at, struct str *value);

/* Fills in "MalformedPolicy". Returns false. */
bool policy_malformed(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A value that may stand alone or in a list: how many there are, and each; NULL when it is no text (numbers and
 * booleans are given as their text). */
size_t policy_list_size(json_t *json);
const char *policy_list_text(json_t *json, size_t index, struct arena *arena, struct error *error);

#endif

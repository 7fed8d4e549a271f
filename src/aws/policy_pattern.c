#include <string.h>

#include "aws/policy_parts.h"
#include "base/memory.h"

enum { ANY = 256, ONE = 257, FIRST_VARIABLE = 512 };
enum { MAXIMUM_VARIABLES = 64, ARN_PARTS = 6 };

/* Reads "name" or "name, 'fallback'" between the braces. */
static bool read_variable(struct str inside, struct arena *arena, struct pattern *pattern, struct error *error)
{
    const char *comma = memchr(inside.data, ',', inside.length);
    struct str name = str_trim(str_slice(inside.data, comma == NULL ? inside.length : (size_t)(comma - inside.data)));
    struct pattern_variable *variable = &pattern->variables[pattern->variable_count];

    if (name.length == 0 || pattern->variable_count == MAXIMUM_VARIABLES) {
        return policy_malformed(error, "a text has too many variables, or one without a name");
    }
    variable->name = arena_text(arena, name.data, name.length, error);
    variable->fallback = NULL;
    if (comma != NULL) {
        size_t after = (size_t)(comma - inside.data) + 1;
        struct str fallback = str_trim(str_slice(inside.data + after, inside.length - after));

        if (fallback.length < 2 || fallback.data[0] != '\'' || fallback.data[fallback.length - 1] != '\'') {
            return policy_malformed(error, "the default of the variable ${%s} must stand in single quotes",
                                    variable->name);
        }
        variable->fallback = arena_text(arena, fallback.data + 1, fallback.length - 2, error);
        if (variable->fallback == NULL) {
            return false;
        }
    }
    pattern->units[pattern->count++] = (uint16_t)(FIRST_VARIABLE + pattern->variable_count++);
    return variable->name != NULL;
}

bool pattern_compile(const char *text, unsigned flags, struct arena *arena, struct pattern *pattern,
                     struct error *error)
{
    size_t length = strlen(text);
    bool with_variables = (flags & PATTERN_VARIABLES) != 0 && strstr(text, "${") != NULL;

    memset(pattern, 0, sizeof *pattern);
    pattern->units = arena_take(arena, (length + 1) * sizeof *pattern->units, error);
    if (pattern->units == NULL) {
        return false;
    }
    if (with_variables) {
        pattern->variables = arena_take(arena, MAXIMUM_VARIABLES * sizeof *pattern->variables, error);
        if (pattern->variables == NULL) {
            return false;
        }
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (with_variables && at[0] == '$' && at[1] == '{') {
            const char *end = strchr(at, '}');
            struct str inside = str_slice(at + 2, end == NULL ? 0 : (size_t)(end - at) - 2);

            if (end == NULL) {
                return policy_malformed(error, "the variable in \"%s\" has no closing brace", text);
            }
            if (inside.length == 1 && strchr("*?$", inside.data[0]) != NULL) {
                pattern->units[pattern->count++] = (unsigned char)inside.data[0];
            } else if (!read_variable(inside, arena, pattern, error)) {
                return false;
            }
            at = end;
        } else if ((flags & PATTERN_WILDCARDS) != 0 && (*at == '*' || *at == '?')) {
            pattern->units[pattern->count++] = *at == '*' ? ANY : ONE;
            pattern->has_wildcards = true;
        } else {
            pattern->units[pattern->count++] = (unsigned char)*at;
        }
    }
    return true;
}

static unsigned lower(unsigned c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_unit(uint16_t unit, char c, bool fold)
{
    unsigned byte = (unsigned char)c;

    return unit == ONE || unit == byte || (fold && lower(unit) == lower(byte));
}

/* Goes back only to the last star: a shorter stretch under an earlier one can find nothing that this does not. */
static bool glob(const uint16_t *units, size_t count, struct str text, bool fold)
{
    size_t unit = 0;
    size_t star = SIZE_MAX;
    size_t under_star = 0;

    for (size_t at = 0; at < text.length;) {
        if (unit < count && units[unit] == ANY) {
            star = unit++;
            under_star = at;
        } else if (unit < count && is_unit(units[unit], text.data[at], fold)) {
            unit++;
            at++;
        } else if (star != SIZE_MAX) {
            unit = star + 1;
            at = ++under_star;
        } else {
            return false;
        }
    }
    while (unit < count && units[unit] == ANY) {
        unit++;
    }
    return unit == count;
}

static size_t count_colons(const uint16_t *units, size_t count)
{
    size_t colons = 0;

    for (size_t i = 0; i < count; i++) {
        colons += units[i] == ':';
    }
    return colons;
}

/* An ARN's first five parts end at colons; the last may hold more of them. A pattern of fewer parts is no ARN's, but a
 * lone star. */
static bool glob_arn(const uint16_t *units, size_t count, struct str text, bool fold)
{
    if (count_colons(units, count) < ARN_PARTS - 1) {
        return count == 1 && units[0] == ANY;
    }
    for (int part = 0; part < ARN_PARTS - 1; part++) {
        const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
        size_t end = 0;

        if (colon == NULL) {
            return false;
        }
        while (units[end] != ':') {
            end++;
        }
        size_t length = (size_t)(colon - text.data);

        if (!glob(units, end, str_slice(text.data, length), fold)) {
            return false;
        }
        units += end + 1;
        count -= end + 1;
        text = str_slice(colon + 1, text.length - length - 1);
    }
    return glob(units, count, text, fold);
}

/* The one value of a variable. */
static bool resolve(const struct pattern_variable *variable, const struct policy_request *request, struct str *value)
{
    struct str second;
    size_t at = 0;

    if (policy_context_next(request, variable->name, &at, value)) {
        return !policy_context_next(request, variable->name, &at, &second);
    }
    *value = variable->fallback == NULL ? str_slice(NULL, 0) : str_of(variable->fallback);
    return variable->fallback != NULL;
}

/* The units with what the variables stand for, byte by byte: a star in a value is only a star. NULL without an error
 * set (`known` is false): a variable has no value. */
static uint16_t *expand(const struct pattern *pattern, const struct policy_request *request, size_t *count, bool *known,
                        struct error *error)
{
    size_t total = pattern->count;
    struct str value;

    *known = true;
    for (size_t i = 0; i < pattern->variable_count; i++) {
        if (!resolve(&pattern->variables[i], request, &value)) {
            *known = false;
            return NULL;
        }
        total += value.length;
    }
    uint16_t *units = memory_array(total + 1, sizeof *units, error);

    *count = 0;
    for (size_t i = 0; units != NULL && i < pattern->count; i++) {
        if (pattern->units[i] < FIRST_VARIABLE) {
            units[(*count)++] = pattern->units[i];
            continue;
        }
        resolve(&pattern->variables[pattern->units[i] - FIRST_VARIABLE], request, &value);
        for (size_t j = 0; j < value.length; j++) {
            units[(*count)++] = (unsigned char)value.data[j];
        }
    }
    return units;
}

bool pattern_matches(const struct pattern *pattern, struct str text, unsigned flags,
                     const struct policy_request *request, bool *matches, struct error *error)
{
    bool fold = (flags & PATTERN_FOLD) != 0;
    bool (*match)(const uint16_t *, size_t, struct str, bool) = (flags & PATTERN_ARN) != 0 ? glob_arn : glob;

    if (pattern->variable_count == 0) {
        *matches = match(pattern->units, pattern->count, text, fold);
        return true;
    }
    size_t count = 0;
    bool known = false;
    uint16_t *units = expand(pattern, request, &count, &known, error);

    *matches = units != NULL && match(units, count, text, fold);
    memory_free(units);
    return units != NULL || !known;
}

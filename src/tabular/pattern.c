#define PCRE2_CODE_UNIT_WIDTH 8

#include "tabular/pattern.h"

#include <pcre2.h>

#include "base/memory.h"

/* Steps of one match: far more than any sensible pattern takes on a cell, far less than a second. */
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 4096

struct pattern {
    pcre2_general_context *memory;
    pcre2_match_context *limits;
    pcre2_code *code;
    char *expression;
};

static void *take_memory(size_t size, void *context)
{
    (void)context;
    return memory_array(size, 1, NULL);
}

static void give_memory(void *pointer, void *context)
{
    (void)context;
    memory_free(pointer);
}

static bool compile(struct pattern *pattern, const char *expression, struct error *error)
{
    pattern->memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_compile_context *options = pcre2_compile_context_create(pattern->memory);
    pattern->limits = pcre2_match_context_create(pattern->memory);
    if (!pattern->memory || !options || !pattern->limits) {
        pcre2_compile_context_free(options);
        return error_set(error, ERROR_MEMORY, "no memory for the pattern %s", expression);
    }
    pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
    int code;
    PCRE2_SIZE at;
    pattern->code =
        pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, options);
    pcre2_compile_context_free(options);
    if (pattern->code) return true;
    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return error_set(error, ERROR_MEMORY, "no memory for the pattern %s", expression);
    PCRE2_UCHAR reason[256];
    pcre2_get_error_message(code, reason, sizeof reason);
    return error_set(error, ERROR_INVALID, "the pattern %s is wrong at character %zu: %s", expression, at + 1,
                     (const char *)reason);
}

struct pattern *pattern_new(const char *expression, struct error *error)
{
    struct pattern *pattern = memory_zeroed(sizeof *pattern, error);
    if (!pattern) return NULL;
    pattern->expression = memory_copy_text(expression, strlen(expression), error);
    if (!pattern->expression || !compile(pattern, expression, error)) {
        pattern_free(pattern);
        return NULL;
    }
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern) return;
    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    pcre2_general_context_free(pattern->memory);
    memory_free(pattern->expression);
    memory_free(pattern);
}

const char *pattern_expression(const struct pattern *pattern)
{
    return pattern->expression;
}

enum pattern_result pattern_match(const struct pattern *pattern, struct str text)
{
    pcre2_match_data *match = pcre2_match_data_create(1, pattern->memory);
    if (!match) return PATTERN_FAILED;
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.length > 0 ? text.data : "");
    int result = pcre2_match(pattern->code, subject, text.length, 0, 0, match, pattern->limits);
    pcre2_match_data_free(match);
    if (result == PCRE2_ERROR_NOMEMORY) return PATTERN_FAILED;
    return result >= 0 ? PATTERN_MATCH : PATTERN_NO_MATCH;
}

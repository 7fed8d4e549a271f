/* Regular expressions of schemas: Perl-compatible (PCRE2), matched against the whole text, with limits on the work one
 * match may do, so that no pattern and no value can hang a run. */
#ifndef AISLE_TABULAR_PATTERN_H
#define AISLE_TABULAR_PATTERN_H

#include "base/error.h"
#include "base/str.h"

struct pattern;

/* Compiles; the error says where in the expression it is wrong. Free with pattern_free. A pattern is immutable and
 * may be matched from many threads at once. */
struct pattern *pattern_new(const char *expression, struct error *error);
void pattern_free(struct pattern *pattern);

/* The expression as it was given. */
const char *pattern_expression(const struct pattern *pattern);

enum pattern_result {
    PATTERN_MATCH,
    PATTERN_NO_MATCH, /* also when the match limit was reached, or the text is not UTF-8 */
    PATTERN_FAILED,   /* no memory */
};

/* Whether the whole of `text` (UTF-8) matches. */
enum pattern_result pattern_match(const struct pattern *pattern, struct str text);

#endif

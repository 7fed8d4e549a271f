/* A view of bytes that somebody else owns. Not NUL-terminated. */
#ifndef AISLE_BASE_STR_H
#define AISLE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data;
    size_t length;
};

/* printf("%.*s", STR_ARGS(view)) */
#define STR_ARGS(view) (int)(view).length, (view).data

static inline struct str str_of(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline struct str str_slice(const char *data, size_t length)
{
    return (struct str){data, length};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_equal(a, str_of(text));
}

/* Without the spaces and tabs at both ends. */
struct str str_trim(struct str view);
bool str_starts_with(struct str view, const char *prefix);
bool str_ends_with(struct str view, const char *suffix);

/* Orders by bytes; runs of digits by their number, so that "part2" comes before "part10". Negative, 0 or
 * positive, as strcmp; equal numbers with different leading zeros order by bytes. */
int str_compare_natural(struct str a, struct str b);

/* Whether the bytes are well-formed UTF-8 (RFC 3629). On false `*offset` is the first wrong byte. */
bool str_is_utf8(struct str view, size_t *offset);

/* How many bytes must be changed, added or taken away to make `b` of `a` (Levenshtein, 1966), for "did you
 * mean". SIZE_MAX when either is longer than 63 bytes. */
size_t str_distance(struct str a, struct str b);

#endif

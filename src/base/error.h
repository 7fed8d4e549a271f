/* One error value for one failed operation.
 *
 * A function that can fail returns `bool` (true is success) or a pointer (NULL is failure) and takes a
 * `struct error *` as its last parameter. Whoever detects a failure fills it with a code and a sentence
 * that says what happened, where, and what to do; whoever only forwards it leaves it alone.
 */
#ifndef AISLE_BASE_ERROR_H
#define AISLE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_USAGE,     /* the caller's words are off: exit status 2, HTTP 400 */
    ERROR_INVALID,   /* the data is wrong: HTTP 400 */
    ERROR_DENIED,    /* not allowed: HTTP 403 */
    ERROR_NOT_FOUND, /* HTTP 404 */
    ERROR_CONFLICT,  /* somebody else holds it, or it changed meanwhile: HTTP 409 */
    ERROR_LIMIT,     /* a stated ceiling was reached: HTTP 413 or 429 */
    ERROR_IO,        /* the operating system refused a read or a write: HTTP 500 */
    ERROR_MEMORY,    /* an allocation failed: HTTP 500 */
    ERROR_CORRUPT,   /* stored bytes do not say what they must: HTTP 500 */
    ERROR_INTERNAL,  /* an invariant does not hold: HTTP 500 */
};

struct error {
    enum error_code code;
    const char *name;   /* what a protocol calls it, such as "NoSuchKey": a text that stays; NULL: nothing of its own */
    char message[1000]; /* UTF-8, NUL-terminated, cut when longer */
};

/* Fills `error` (which may be NULL) and returns false, so that a caller can `return error_set(...)`. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with the name that the field's protocols give this failure ("NoSuchBucket", "PreconditionFailed"). */
bool error_set_named(struct error *error, enum error_code code, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As error_set, and appends ": " and the text of errno. A full disk becomes ERROR_LIMIT, a missing file
 * ERROR_NOT_FOUND, a refused one ERROR_DENIED, want of memory ERROR_MEMORY, any other ERROR_IO. */
bool error_set_errno(struct error *error, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message that is there. Returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code's stable lower-case name, such as "not_found". */
const char *error_code_name(enum error_code code);

#endif

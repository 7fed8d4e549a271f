/* Reading declared JSON files with errors that name the place, on top of jansson. */
#ifndef AISLE_BASE_JSON_H
#define AISLE_BASE_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

/* Parses a file strictly (RFC 8259, duplicate keys refused, numbers kept as text where they are not 64-bit
 * integers is not needed: reals are doubles). The error names file, line and column. Free with json_decref. */
json_t *json_read_file(const char *path, struct error *error);

/* Parses bytes; `name` stands for the file in the error. */
json_t *json_read(const char *data, size_t size, const char *name, struct error *error);

/* As json_read, for data of others: strings may hold U+0000 (json_string_length tells). */
json_t *json_read_data(const char *data, size_t size, const char *name, struct error *error);

/* A member that must be there and of that type; the error says "NAME: \"KEY\" must be a string", where
 * `name` is the path of the object for the reader. NULL on failure. Borrowed. */
json_t *json_need(json_t *object, const char *key, json_type type, const char *name, struct error *error);

/* A string member, or `fallback` when it is absent; NULL with an error when it is of another type. */
const char *json_text_or(json_t *object, const char *key, const char *fallback, const char *name, struct error *error);

/* Fails when the object has a member that is not in `known` (ended by NULL); names it and the nearest. */
bool json_only(json_t *object, const char *const *known, const char *name, struct error *error);

/* How many of jansson's allocations on this thread have failed so far. Values are built by many calls, each of which
 * may fail and is safe to be given NULL; taking this number before and asking json_built after checks them all. */
uint64_t json_failures(void);

/* False with ERROR_MEMORY when an allocation of jansson failed since json_failures gave `before`. */
bool json_built(uint64_t before, struct error *error);

/* Appends `value` as JSON text, in the form that jansson's `flags` ask for (JSON_COMPACT, JSON_INDENT(2), …). */
void json_append(struct buffer *buffer, const json_t *value, size_t flags);

/* Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_append_string(struct buffer *buffer, struct str text);

/* Appends a further member of an object: `, "key": "text"`, null for NULL. */
void json_append_member(struct buffer *buffer, const char *key, const char *text);

#endif

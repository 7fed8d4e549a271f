/* Growing bytes with a ceiling. Once an append fails the buffer stays failed, so that a long chain of
 * appends needs one check at its end. */
#ifndef AISLE_BASE_BUFFER_H
#define AISLE_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t ceiling;    /* 0: none */
    bool failed;       /* an append did not fit; `data` is whole up to `length` */
    bool over_ceiling; /* it was the ceiling that it did not fit under */
};

/* A zeroed buffer is one without a ceiling. */
void buffer_init(struct buffer *buffer, size_t ceiling_bytes);
void buffer_free(struct buffer *buffer);  /* also right on a zeroed or freed one */
void buffer_clear(struct buffer *buffer); /* keeps the memory, forgets the failure */

/* Makes room for `size` more bytes and returns where they go (buffer_advance then counts them), or NULL. */
char *buffer_room(struct buffer *buffer, size_t size);
void buffer_advance(struct buffer *buffer, size_t size);

void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_str(struct buffer *buffer, struct str text);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A NUL after the last byte (not counted in length) and the bytes; NULL when the buffer failed. */
const char *buffer_text(struct buffer *buffer);

/* False with ERROR_MEMORY or ERROR_LIMIT when an append failed. */
bool buffer_check(const struct buffer *buffer, struct error *error);

#endif

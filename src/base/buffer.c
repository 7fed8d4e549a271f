#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 256 };

void buffer_init(struct buffer *buffer, size_t ceiling_bytes)
{
    *buffer = (struct buffer){.ceiling = ceiling_bytes};
}

void buffer_free(struct buffer *buffer)
{
    memory_free(buffer->data);
    *buffer = (struct buffer){.ceiling = buffer->ceiling};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    buffer->over_ceiling = false;
}

static bool fail(struct buffer *buffer, bool over_ceiling)
{
    buffer->failed = true;
    buffer->over_ceiling = over_ceiling;
    return false;
}

/* Grows the memory to hold `wanted` bytes, at least doubling it. The ceiling is on what is appended, so the
 * NUL that buffer_text adds may go over it. */
static bool grow(struct buffer *buffer, size_t wanted)
{
    size_t capacity = buffer->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buffer->capacity;

    while (capacity < wanted) {
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    }
    char *data = memory_resize(buffer->data, capacity, 1, NULL);

    if (data == NULL) {
        return fail(buffer, false);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

char *buffer_room(struct buffer *buffer, size_t size)
{
    size_t wanted = 0;

    if (buffer->failed) {
        return NULL;
    }
    if (__builtin_add_overflow(buffer->length, size, &wanted) || (buffer->ceiling > 0 && wanted > buffer->ceiling)) {
        fail(buffer, true);
        return NULL;
    }
    if ((wanted > buffer->capacity || buffer->data == NULL) && !grow(buffer, wanted)) {
        return NULL;
    }
    return buffer->data + buffer->length;
}

void buffer_advance(struct buffer *buffer, size_t size)
{
    buffer->length += size;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    char *room = buffer_room(buffer, size);

    if (room != NULL && size > 0) {
        memcpy(room, data, size);
        buffer->length += size;
    }
}

void buffer_append_str(struct buffer *buffer, struct str text)
{
    buffer_append(buffer, text.data, text.length);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    char small[256];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fail(buffer, false);
    } else if ((size_t)length < sizeof small) {
        buffer_append(buffer, small, (size_t)length);
    } else if (buffer_room(buffer, (size_t)length) != NULL && (buffer->length + (size_t)length < buffer->capacity ||
                                                               grow(buffer, buffer->length + (size_t)length + 1))) {
        va_start(arguments, format);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
        buffer->length += (size_t)length;
    }
}

const char *buffer_text(struct buffer *buffer)
{
    if (buffer->failed || (buffer->length >= buffer->capacity && !grow(buffer, buffer->length + 1))) {
        return NULL;
    }
    buffer->data[buffer->length] = '\0';
    return buffer->data;
}

bool buffer_check(const struct buffer *buffer, struct error *error)
{
    if (!buffer->failed) {
        return true;
    }
    if (buffer->over_ceiling) {
        return error_set(error, ERROR_LIMIT, "a text grew past its limit of %zu bytes", buffer->ceiling);
    }
    return error_set(error, ERROR_MEMORY, "out of memory: a text of %zu bytes could not grow", buffer->length);
}

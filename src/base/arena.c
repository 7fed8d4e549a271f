#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { ALIGNMENT = 16, FIRST_BLOCK_BYTES = 16 * 1024, LARGEST_BLOCK_BYTES = 1024 * 1024 };

/* Blocks form a list in the order of use. After a reset the later ones wait to be used again. */
struct block {
    struct block *next;
    size_t capacity;
    size_t used;
    _Alignas(ALIGNMENT) char bytes[];
};

struct arena {
    struct block *first;
    struct block *current;
    size_t ceiling;
    size_t used;
    size_t next_capacity;
};

struct arena *arena_new(size_t ceiling_bytes, struct error *error)
{
    struct arena *arena = memory_zeroed(sizeof *arena, error);

    if (arena != NULL) {
        arena->ceiling = ceiling_bytes;
        arena->next_capacity = FIRST_BLOCK_BYTES;
    }
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->first; block != NULL;) {
        struct block *next = block->next;

        memory_free(block);
        block = next;
    }
    memory_free(arena);
}

void arena_reset(struct arena *arena)
{
    for (struct block *block = arena->first; block != NULL; block = block->next) {
        block->used = 0;
    }
    arena->current = arena->first;
    arena->used = 0;
}

/* Puts a new block of at least `size` bytes after the current one and makes it current. */
static struct block *add_block(struct arena *arena, size_t size, struct error *error)
{
    size_t capacity = size > arena->next_capacity ? size : arena->next_capacity;
    struct block *block = memory_array(1, sizeof *block + capacity, error);

    if (block == NULL) {
        return NULL;
    }
    block->capacity = capacity;
    block->used = 0;
    if (arena->current == NULL) {
        block->next = arena->first;
        arena->first = block;
    } else {
        block->next = arena->current->next;
        arena->current->next = block;
    }
    arena->current = block;
    if (arena->next_capacity < LARGEST_BLOCK_BYTES) {
        arena->next_capacity *= 2;
    }
    return block;
}

/* The block that the next `size` bytes go to: the current one, a later one kept by a reset, or a new one. */
static struct block *block_with_room(struct arena *arena, size_t size, struct error *error)
{
    struct block *block = arena->current;

    while (block != NULL && block->capacity - block->used < size) {
        block = block->next;
    }
    if (block != NULL) {
        arena->current = block;
        return block;
    }
    return add_block(arena, size, error);
}

void *arena_take(struct arena *arena, size_t size, struct error *error)
{
    if (size > SIZE_MAX / 2 || (arena->ceiling > 0 && size > arena->ceiling - arena->used)) {
        error_set(error, ERROR_LIMIT, "%zu more bytes do not fit in the %zu bytes allowed for this work", size,
                  arena->ceiling);
        return NULL;
    }
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = block_with_room(arena, rounded, error);

    if (block == NULL) {
        return NULL;
    }
    void *bytes = block->bytes + block->used;

    block->used += rounded;
    arena->used += size;
    return bytes;
}

void *arena_zeroed(struct arena *arena, size_t size, struct error *error)
{
    void *bytes = arena_take(arena, size, error);

    if (bytes != NULL) {
        memset(bytes, 0, size);
    }
    return bytes;
}

char *arena_text(struct arena *arena, const char *text, size_t length, struct error *error)
{
    char *copy = arena_take(arena, length + 1, error);

    if (copy != NULL) {
        if (length > 0) {
            memcpy(copy, text, length);
        }
        copy[length] = '\0';
    }
    return copy;
}

char *arena_format(struct arena *arena, struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        error_set(error, ERROR_INTERNAL, "the text format \"%s\" cannot be written", format);
        return NULL;
    }
    char *text = arena_take(arena, (size_t)length + 1, error);

    if (text != NULL) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

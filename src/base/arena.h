/* Memory for one unit of work: a request, a task, a batch. Everything taken from an arena is freed with it. */
#ifndef AISLE_BASE_ARENA_H
#define AISLE_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"

struct arena;

/* An empty arena that will never hold more than `ceiling_bytes` (0: no ceiling). */
struct arena *arena_new(size_t ceiling_bytes, struct error *error);
void arena_free(struct arena *arena);

/* Forgets all that was taken, and keeps the memory for the next use. */
void arena_reset(struct arena *arena);

/* `size` uninitialised bytes aligned to 16. NULL with ERROR_MEMORY or ERROR_LIMIT. */
void *arena_take(struct arena *arena, size_t size, struct error *error);

/* As arena_take, zeroed. */
void *arena_zeroed(struct arena *arena, size_t size, struct error *error);

/* A NUL-terminated copy of `length` bytes. */
char *arena_text(struct arena *arena, const char *text, size_t length, struct error *error);

/* A formatted text. */
char *arena_format(struct arena *arena, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes taken so far. */
size_t arena_used(const struct arena *arena);

#endif

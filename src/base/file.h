/* Files: whole reads and writes that either happen or say why, and the syncs that make them durable.
 *
 * Debug builds shorten reads and writes at random when AISLE_SHORT_IO is set, for the torture suite.
 */
#ifndef AISLE_BASE_FILE_H
#define AISLE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* Reads up to `size` bytes at `offset`; fewer only at the end of the file. -1 on failure. */
ssize_t file_read_at(int fd, void *data, size_t size, uint64_t offset, const char *path, struct error *error);

/* Writes all of `size` bytes at the descriptor's place. */
bool file_write(int fd, const void *data, size_t size, const char *path, struct error *error);

/* As file_write, at `offset`, wherever the descriptor's place is. */
bool file_write_at(int fd, const void *data, size_t size, uint64_t offset, const char *path, struct error *error);

/* Appends the whole file to `into`, whose ceiling is the limit: a longer file is ERROR_LIMIT. */
bool file_load(const char *path, struct buffer *into, struct error *error);

/* Writes a file that is either absent or whole: a temporary name beside it, sync, rename, sync of the
 * folder. An existing file is replaced. */
bool file_store(const char *path, const void *data, size_t size, struct error *error);

/* mkdir -p. */
bool file_make_folders(const char *path, struct error *error);

/* fsync of an open file, and of a folder's entries. */
bool file_sync(int fd, const char *path, struct error *error);
bool file_sync_folder(const char *path, struct error *error);

/* A file without a name in `folder`, for reading and writing, that ends with its descriptor. -1 on failure. */
int file_open_nameless(const char *folder, struct error *error);

/* unlink; an absent file is success. */
bool file_remove(const char *path, struct error *error);

/* Removes a folder and all in it; an absent one is success. Does not follow links. */
bool file_remove_tree(const char *path, struct error *error);

/* The names in a folder, sorted in natural order (str_compare_natural), without "." and "..". `visit` may
 * stop the walk by returning false with `error` set. */
bool file_list(const char *folder, bool (*visit)(void *context, const char *name, struct error *error), void *context,
               struct error *error);

#endif

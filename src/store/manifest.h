/* What a backup holds: a file of JSON lines, one a file, in order, that says when it is cut or changed itself.
 *
 *   {"aisle_backup": 1, "id": "01JX…", "created": "2025-07-01T12:00:00.000Z", "database": "aisle-01JX….db"}
 *   {"path": "blobs/3F/01JX…", "size_bytes": 100000, "sha256": "…"}
 *   {"path": "blobs/3F/01JY…", "missing": "… cannot be opened: No such file or directory"}
 *   {"files": 2, "sha256": "…"}                          of all lines before
 */
#ifndef AISLE_STORE_MANIFEST_H
#define AISLE_STORE_MANIFEST_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define MANIFEST_FILE "manifest.jsonl"

struct manifest_entry {
    const char *path; /* relative to the backup */
    uint64_t size_bytes;
    char sha256[65];
    const char *missing; /* why it could not be copied; NULL: it is there */
};

/* Order of entries: the database, the key, the engine's files by path, blobs by name. */
int manifest_compare(const char *path, const char *other);

struct manifest_writer;
/* Writes PATH.new. */
struct manifest_writer *manifest_create(const char *path, const char *id, const char *database, struct error *error);
bool manifest_add(struct manifest_writer *writer, const struct manifest_entry *entry, struct error *error);
/* Ends the file, syncs it and puts it in its place. */
bool manifest_finish(struct manifest_writer *writer, struct error *error);
void manifest_writer_free(struct manifest_writer *writer);

struct manifest_reader;
/* ERROR_NOT_FOUND when there is none, ERROR_CORRUPT when it begins wrongly. */
struct manifest_reader *manifest_open(const char *path, struct error *error);
const char *manifest_id(const struct manifest_reader *reader);
const char *manifest_created(const struct manifest_reader *reader);
const char *manifest_database(const struct manifest_reader *reader);
/* 1: the next entry, whose texts live until the next call; 0: the end, and all of it is right; -1: failure,
 * ERROR_CORRUPT when it is damaged. */
int manifest_next(struct manifest_reader *reader, struct manifest_entry *entry, struct error *error);
void manifest_reader_free(struct manifest_reader *reader);

#endif

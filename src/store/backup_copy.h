/* Copying one file of a backup, with its checksum. For the files of this room only. */
#ifndef AISLE_STORE_BACKUP_COPY_H
#define AISLE_STORE_BACKUP_COPY_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* The SHA-256 and the length of a file. */
bool copy_hash(const char *path, uint64_t *size_bytes, char sha256[65], struct error *error);

/* Copies a file to another place of that name and mode, with its time of modification, folders included; there is
 * nothing or all of it there. What is written is not synced: copy_sync does that for all. */
bool copy_file(const char *from, const char *to, mode_t mode, uint64_t *size_bytes, char sha256[65],
               struct error *error);

/* Makes all that was written to the file system of a folder lasting. */
bool copy_sync(const char *folder, struct error *error);

/* "FOLDER/NAME" in `into`; NULL on failure. */
const char *copy_path(const char *folder, const char *name, struct buffer *into, struct error *error);

#endif

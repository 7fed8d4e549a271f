/* Copies of a data folder: made while its owner runs, of one point in time, and taken back.
 *
 * A backup is a folder:
 *
 *   manifest.jsonl   what it holds, each file with its size and SHA-256 (store/manifest.h)
 *   aisle-ID.db      the database as it stood at that moment
 *   key              the key file, when it lies in the data folder
 *   blobs/ …         the files that the database names, at their places
 *
 * The manifest is put in its place last: a backup that was stopped leaves the one before as it was. Made again into the
 * same folder, only what is new is copied, and then what is not needed any more is removed.
 */
#ifndef AISLE_STORE_BACKUP_H
#define AISLE_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct backup_counts {
    uint64_t files, size_bytes;          /* that the backup holds */
    uint64_t copied_files, copied_bytes; /* of these, copied now */
    uint64_t removed_files;              /* of the backup before */
    uint64_t problems;                   /* told one by one */
};

struct backup_options {
    const char *data;   /* the data folder */
    const char *backup; /* the backup's folder */
    bool without_key;
    bool verify;  /* read the whole backup again, and compare */
    bool partial; /* restore what is whole, though some of it is not */
    void *context;
    void (*problem)(void *context, const char *path, const char *what); /* a file that is missing or damaged */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
};

/* Failpoints: backup.copied (all files are there), backup.named (the manifest is, too). */
bool backup_make(const struct backup_options *options, struct backup_counts *counts, struct error *error);

/* Into `data`, which must be absent or empty; it appears when all of it is there. */
bool backup_restore(const struct backup_options *options, struct backup_counts *counts, struct error *error);

#endif

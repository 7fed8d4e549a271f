/* A CSV file as plain UTF-8 bytes that can be read at any place, whatever it is on disk.
 *
 * Compressed files (gzip RFC 1952, zstd RFC 8878, known by their first bytes) and files declared as Latin-1 or
 * UTF-16 are unpacked once into an unnamed temporary file; a byte order mark is skipped, and decides over what is
 * declared. What changes while it is read is an error that says so: size and modification time are compared at the
 * end (csv_source_finish).
 */
#ifndef AISLE_TABULAR_CSV_SOURCE_H
#define AISLE_TABULAR_CSV_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum csv_encoding { CSV_UTF8, CSV_LATIN1, CSV_UTF16 /* byte order mark, else little endian */ };

struct csv_source {
    const char *path; /* as given; owned by the caller */
    int fd;
    uint64_t start;       /* first byte after a byte order mark */
    uint64_t size;        /* bytes from 0, of the unpacked form */
    uint64_t stored_size; /* bytes on disk */
    char sha256[65];      /* of the bytes on disk, lower-case hexadecimal; empty unless asked for */
    int64_t modified_ns;
    bool unpacked; /* fd is a temporary */
    bool nameless; /* opened by descriptor */
};

struct csv_source_options {
    enum csv_encoding encoding;
    bool hash;                    /* fill sha256 (reads the file once) */
    const char *temporary_folder; /* for the unpacked form; NULL: $TMPDIR, else /tmp */
    uint64_t unpacked_ceiling;    /* bytes; 0: 1 TiB. Over it: ERROR_LIMIT (a decompression bomb) */
};

/* Only regular files. ERROR_INVALID for anything else, and for compressed or UTF-16 bytes that are cut or damaged, with
 * their offset. On failure nothing is left open. */
bool csv_source_open(struct csv_source *source, const char *path, const struct csv_source_options *options,
                     struct error *error);

/* As csv_source_open, of an open file that no path leads to; `name` stands for it in messages. The source takes a
 * descriptor of its own. Nobody else can change such a file, so csv_source_finish finds nothing. */
bool csv_source_open_nameless(struct csv_source *source, const char *name, int fd,
                              const struct csv_source_options *options, struct error *error);

/* Fails with ERROR_CONFLICT when the file on disk is not what it was at the start, or gone. */
bool csv_source_finish(struct csv_source *source, struct error *error);

/* Closing again, or after a failed open, does nothing. */
void csv_source_close(struct csv_source *source);

#endif

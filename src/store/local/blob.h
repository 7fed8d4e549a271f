/* The bytes of bodies: written once, streamed, then immutable; in memory while small, else a file.
 *
 * A blob may be compressed (zstd, in independent frames with a table of their places, so that a range is read without
 * what comes before) and encrypted (AES-256-GCM, NIST SP 800-38D, in segments of 64 KiB, each with its own nonce and
 * tag bound to its place and to the blob's length, so that a range is read alone, and a cut or exchanged segment is
 * found). blob_format.c describes the bytes.
 */
#ifndef AISLE_STORE_LOCAL_BLOB_H
#define AISLE_STORE_LOCAL_BLOB_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define BLOB_ID_CHARACTERS 26

struct blob_form {
    bool compressed;
    const uint8_t *key; /* 32 bytes: encrypted with it; NULL: not */
};

struct blob_writer;
/* `folder` is the data folder's path. Up to `inline_bytes` stay in memory; past that a file under tmp/ is begun. */
struct blob_writer *blob_create(const char *folder, const struct blob_form *form, uint32_t inline_bytes,
                                struct error *error);
bool blob_write(struct blob_writer *writer, const void *data, size_t size, struct error *error);

/* What became of it: `id` names a file under blobs/ that is there, synced, its folder too; or it is empty and the bytes
 * (as they are to be stored) are in memory, which live as long as the writer.
 * Failpoints: blob.written, blob.synced, blob.named. */
struct blob_stored {
    char id[BLOB_ID_CHARACTERS + 1];
    const void *bytes;
    uint64_t stored_bytes; /* on disk, or of `bytes` */
    uint64_t size_bytes;   /* of what was written */
};
bool blob_finish(struct blob_writer *writer, struct blob_stored *stored, struct error *error);
/* Frees; before finish it removes the file, after finish it leaves it. */
void blob_writer_free(struct blob_writer *writer);

struct blob_reader;
/* Opens a file by id, or bytes that were stored elsewhere (which must outlive the reader). ERROR_CORRUPT when they do
 * not hold what they must; the wrong key is ERROR_DENIED; no such file is ERROR_NOT_FOUND. */
struct blob_reader *blob_open(const char *folder, const char *id, const struct blob_form *form, uint64_t size_bytes,
                              struct error *error);
struct blob_reader *blob_open_bytes(const void *bytes, size_t stored_bytes, const struct blob_form *form,
                                    uint64_t size_bytes, struct error *error);
/* Fewer bytes only at the end; -1 on failure. */
ssize_t blob_read(struct blob_reader *reader, void *data, size_t size, uint64_t offset, struct error *error);
int blob_reader_file(const struct blob_reader *reader);          /* plain file, offset 0; -1: not */
const void *blob_reader_bytes(const struct blob_reader *reader); /* plain bytes in memory; NULL: not */
void blob_reader_free(struct blob_reader *reader);

/* Makes a blob of a file that is there: a hard link to it, so that nothing is copied, or where that is not possible, or
 * `copy` is set, a copy (by reference where the file system can). `stored->bytes` is NULL; `*linked` says which. */
bool blob_adopt(const char *folder, const char *path, bool copy, struct blob_stored *stored, bool *linked,
                struct error *error);

bool blob_remove(const char *folder, const char *id, struct error *error);
/* "blobs/ab/ID" under the folder. */
void blob_path(const char *folder, const char *id, char *path, size_t size);

/* Keys: 32 random bytes in a file (made, mode 0600, when absent and `make`), and keys of blobs wrapped with it
 * (AES-256-GCM): 12 bytes nonce, 32 of key, 16 of tag. `bound` (the blob's id or the object's) is authenticated. */
#define BLOB_WRAPPED_KEY_BYTES 60
bool blob_master_key(const char *path, bool make, uint8_t key[32], struct error *error);
bool blob_key_wrap(const uint8_t master[32], const uint8_t key[32], const char *bound,
                   uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES], struct error *error);
bool blob_key_unwrap(const uint8_t master[32], const uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES], const char *bound,
                     uint8_t key[32], struct error *error);

#endif

/* Checksums of bytes as they stream by: those that object stores exchange. */
#ifndef AISLE_BASE_DIGEST_H
#define AISLE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum digest_kind {
    DIGEST_MD5,       /* RFC 1321 */
    DIGEST_SHA1,      /* FIPS 180-4 */
    DIGEST_SHA256,    /* FIPS 180-4 */
    DIGEST_CRC32,     /* ISO-HDLC, as zlib's; 4 bytes, big-endian, as S3 sends it */
    DIGEST_CRC32C,    /* Castagnoli (RFC 3720), 4 bytes big-endian */
    DIGEST_CRC64NVME, /* NVM Express, 8 bytes big-endian */
    DIGEST_KINDS
};

#define DIGEST_MAX_BYTES 32

/* Several checksums over the same bytes. */
struct digest;

/* `kinds`: a bit (1 << kind) for each that is wanted. */
struct digest *digest_new(unsigned kinds, struct error *error);
void digest_free(struct digest *digest);
bool digest_add(struct digest *digest, const void *data, size_t size, struct error *error);

/* The value over all bytes added so far, which may go on being added to. Gives its length in bytes. */
bool digest_value(struct digest *digest, enum digest_kind kind, uint8_t value[DIGEST_MAX_BYTES], struct error *error);
size_t digest_bytes(enum digest_kind kind);

/* The checksum of two runs of bytes from the checksums of each (the three CRCs only): `second_bytes` is how long the
 * second run is. For a full-object checksum of an object that came in parts. */
bool digest_join(enum digest_kind kind, const uint8_t *first, const uint8_t *second, uint64_t second_bytes,
                 uint8_t joined[8], struct error *error);

/* One call over bytes in memory. */
bool digest_once(enum digest_kind kind, const void *data, size_t size, uint8_t value[DIGEST_MAX_BYTES],
                 struct error *error);

/* SHA-256 of bytes, as 64 lower-case hexadecimal digits and a NUL. */
bool digest_sha256_hex(const void *data, size_t size, char hex[65], struct error *error);

/* HMAC with SHA-256 (RFC 2104). */
bool digest_hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t size, uint8_t value[32],
                        struct error *error);

/* Lower-case hexadecimal, 2 * size digits and a NUL; and back: false when it is not 2 * size such digits (either case).
 */
void digest_hex(const uint8_t *bytes, size_t size, char *hex);
bool digest_from_hex(const char *hex, uint8_t *bytes, size_t size);

/* Base 64 (RFC 4648, padded), 4 * ceil(size / 3) characters and a NUL; and back: false when it does not hold exactly
 * `size` bytes. */
void digest_base64(const uint8_t *bytes, size_t size, char *text);
bool digest_from_base64(const char *text, uint8_t *bytes, size_t size);

/* Compares in a time that does not depend on where they differ. */
bool digest_equal(const void *a, const void *b, size_t size);

#endif

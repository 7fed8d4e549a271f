/* The body of a request: framing, checksums and lengths, whatever it is for. */
#ifndef AISLE_HTTP_S3_BODY_H
#define AISLE_HTTP_S3_BODY_H

#include "http/s3/request.h"

/* The kinds of x-amz-checksum-…: CRC32, CRC32C, CRC64NVME, SHA1, SHA256. */
const char *s3_checksum_name(enum digest_kind kind);             /* "CRC32C" */
const char *s3_checksum_header(enum digest_kind kind);           /* "x-amz-checksum-crc32c" */
bool s3_checksum_kind(const char *name, enum digest_kind *kind); /* by name, in any case */

/* Reads from the headers what the body must be: length, payload hash, Content-MD5, checksum. Sets up the taking off of
 * chunks. Fails with S3's names: MissingContentLength, InvalidDigest, InvalidRequest, EntityTooLarge, … */
bool s3_body_begin(struct s3_request *request, struct error *error);
/* Of that, the checksums alone: Content-MD5 and x-amz-checksum-…. */
bool s3_body_checksums(struct s3_request *request, struct error *error);
/* Bits of enum digest_kind that the expected checksum needs. */
unsigned s3_body_digests(const struct s3_request *request);
/* Checks a checksum value's form: base 64 of as many bytes as its kind has. */
bool s3_checksum_valid(enum digest_kind kind, const char *base64);

bool s3_body_add(struct s3_request *request, const void *data, size_t size, struct error *error);
/* The body is complete: last chunk and trailers; a document's digests are compared. */
bool s3_body_end(struct s3_request *request, struct error *error);
void s3_body_free(struct s3_request *request);

#endif

/* What answers of the S3 service have in common. */
#ifndef AISLE_HTTP_S3_ANSWER_H
#define AISLE_HTTP_S3_ANSWER_H

#include "aws/xml.h"
#include "http/s3/request.h"

/* Starts an XML answer with its root element; the rest is written into what it returns. */
struct buffer *s3_xml_begin(struct s3_request *request, const char *root, struct error *error);
/* Closes the root, and checks that all was written. */
bool s3_xml_end(struct s3_request *request, const char *root, struct error *error);

/* The headers that every answer has. */
bool s3_answer_common(struct s3_request *request, struct error *error);

bool s3_answer_etag(struct s3_request *request, const char *etag, struct error *error);
/* x-amz-version-id, where the bucket has or had versioning. */
bool s3_answer_version(struct s3_request *request, const struct bucket *bucket, const char *version_id,
                       struct error *error);
/* x-amz-server-side-encryption and its -customer headers. */
bool s3_answer_encryption(struct s3_request *request, enum object_encryption encryption, const char *customer_key_md5,
                          struct error *error);
/* x-amz-checksum-… and x-amz-checksum-type. */
bool s3_answer_checksum(struct s3_request *request, const struct object_checksum *checksum, struct error *error);

/* <Owner>, or another element of the same form. */
void s3_xml_owner(struct buffer *out, const char *element, const char *account);
/* <ETag>&quot;…&quot;</ETag> */
void s3_xml_etag(struct buffer *out, const char *etag);
/* <ChecksumCRC32>…, and with it <ChecksumType>. */
void s3_xml_checksum_value(struct buffer *out, const struct object_checksum *checksum);
void s3_xml_checksum(struct buffer *out, const struct object_checksum *checksum);

/* Appends a key as listings give it: percent-encoded when `url` (encoding-type=url), else as it is. */
void s3_xml_key(struct buffer *out, const char *element, const char *key, bool url);

#endif

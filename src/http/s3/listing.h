/* What listings have in common: their parameters, and the elements of an object. */
#ifndef AISLE_HTTP_S3_LISTING_H
#define AISLE_HTTP_S3_LISTING_H

#include "http/s3/answer.h"

enum { S3_MOST_LISTED = 1000 };

struct s3_listing {
    struct object_listing options;
    bool url; /* encoding-type=url */
};

/* prefix, delimiter, max-keys and encoding-type. */
bool s3_listing_read(struct s3_request *request, struct s3_listing *listing, struct error *error);
/* encoding-type; InvalidArgument. */
bool s3_listing_encoding(struct s3_request *request, bool *url, struct error *error);

/* MaxKeys, Delimiter, EncodingType and IsTruncated. */
void s3_listing_rest(struct buffer *out, const struct s3_listing *listing, bool truncated);

/* LastModified, ETag, ChecksumAlgorithm, Size and StorageClass. */
void s3_listing_facts(struct buffer *out, const struct object *object);

/* A continuation token: the key that the next page begins after, in base 64. Back: NULL when it is none. */
const char *s3_token(struct s3_request *request, const char *key, struct error *error);
const char *s3_token_read(struct s3_request *request, const char *token);

#endif

/* What listings have in common: their parameters, and the elements of an object. */
#ifndef AISLE_HTTP_S3_LISTING_H
#define AISLE_HTTP_S3_LISTING_H

#include "http/s3/answer.h"

enum { S3_MOST_LISTED = 1000 };

struct s3_listing {
    struct object_listing options;
    bool url;          /* encoding-type=url */
    int64_t second;    /* the second that `time` is of */
    char time[32];     /* as listings show it; "" at first */
    const char *owner; /* the account that `owner_id` is of; NULL at first */
    char owner_id[65];
};

/* prefix, delimiter, max-keys and encoding-type. */
bool s3_listing_read(struct s3_request *request, struct s3_listing *listing, struct error *error);
/* encoding-type; InvalidArgument. */
bool s3_listing_encoding(struct s3_request *request, bool *url, struct error *error);

/* MaxKeys, Delimiter, EncodingType and IsTruncated. */
void s3_listing_rest(struct buffer *out, const struct s3_listing *listing, bool truncated);

/* LastModified, ETag, ChecksumAlgorithm, Size and StorageClass. */
void s3_listing_facts(struct buffer *out, struct s3_listing *listing, const struct object *object);

/* <Owner>; most objects of a page have the one of the object before. */
void s3_listing_owner(struct buffer *out, struct s3_listing *listing, const char *account);

/* A continuation token: the key that the next page begins after, in base 64. Back: NULL when it is none. */
const char *s3_token(struct s3_request *request, const char *key, struct error *error);
const char *s3_token_read(struct s3_request *request, const char *token);

#endif

/* What the headers of a request say of an object that it makes (PutObject, CopyObject, CreateMultipartUpload), and the
 * fields of a form likewise. */
#ifndef AISLE_HTTP_S3_PUT_HEADERS_H
#define AISLE_HTTP_S3_PUT_HEADERS_H

#include "http/s3/request.h"

/* Fills request->put with all that the headers say: content headers, metadata, tags, storage class, encryption, lock,
 * ACL, conditions. Its texts live as long as the exchange. Asks for the rights that tags, ACLs and locks need. */
bool s3_put_from_headers(struct s3_request *request, struct error *error);

/* If-Match and If-None-Match of what writes; NotImplemented for what S3 takes only on reading. */
bool s3_put_conditions(struct s3_request *request, struct object_conditions *conditions, struct error *error);

/* The parts of it, for what takes some from elsewhere. */
bool s3_put_content_headers(struct s3_request *request, struct error *error);
bool s3_put_metadata(struct s3_request *request, struct error *error);
/* Tags as in a query: "a=1&b=2". InvalidArgument, InvalidTag. */
bool s3_tags_from_text(struct s3_request *request, const char *text, struct store_field **tags, size_t *count,
                       struct error *error);
/* Keys and values within S3's bounds, no key twice; at most `most`. InvalidTag, BadRequest. */
bool s3_tags_check(struct s3_request *request, const struct store_field *tags, size_t count, size_t most,
                   struct error *error);

/* A key of SSE-C from the three headers that begin with `prefix` ("x-amz-server-side-encryption-customer-"); `*given`
 * says whether they are there. */
bool s3_customer_key(struct s3_request *request, const char *prefix, uint8_t key[32], bool *given, struct error *error);

#endif

/* Access control lists: of headers, of documents, and the default. Stored as the JSON of BUCKET_ACL. */
#ifndef AISLE_HTTP_S3_ACL_H
#define AISLE_HTTP_S3_ACL_H

#include "http/s3/request.h"

/* The ACL that a canned name (x-amz-acl, or a form's field) stands for; `owner` and `bucket_owner` are account ids.
 * NULL with InvalidArgument. */
const char *s3_acl_canned(struct s3_request *request, const char *name, const char *owner, const char *bucket_owner,
                          struct error *error);

/* The ACL that the headers give (x-amz-acl or x-amz-grant-…) of something that `owner` owns; `*json` NULL: they give
 * none. */
bool s3_acl_from_headers(struct s3_request *request, const char *owner, const char **json, struct error *error);

/* Fills request->put.acl from the headers, checked against the bucket's ownership. */
bool s3_put_acl(struct s3_request *request, struct error *error);
/* The same for an ACL by its canned name. */
bool s3_put_acl_named(struct s3_request *request, const char *name, struct error *error);

#endif

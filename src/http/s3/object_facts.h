/* Finding an object for a request, and telling what is known of it in headers: GetObject, HeadObject and all others
 * that read one. */
#ifndef AISLE_HTTP_S3_OBJECT_FACTS_H
#define AISLE_HTTP_S3_OBJECT_FACTS_H

#include "http/s3/answer.h"

/* If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since, or with `prefix` ("x-amz-copy-source-") those of
 * a copy's source. A date that is none counts as not given. */
void s3_conditions_read(const struct s3_request *request, const char *prefix, struct object_conditions *conditions);

/* Looks the request's object up. What is missing is told as S3 does: with the headers of a delete marker, and as
 * AccessDenied to who may not list the bucket. */
bool s3_object_find(struct s3_request *request, struct object *object, struct error *error);
/* The same, open for reading under the request's customer key. */
struct object_reader *s3_object_open(struct s3_request *request, struct object *object, struct error *error);

/* Checks that a customer's key was given exactly when the object needs one, and that it is the right one. */
bool s3_object_check_key(struct s3_request *request, const struct object *object, struct error *error);

/* Every header but Content-Length, Content-Range and checksums. */
bool s3_object_facts(struct s3_request *request, const struct object *object, struct error *error);

#endif

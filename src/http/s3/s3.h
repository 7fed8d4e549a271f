/* The S3 protocol over the local store.
 *
 *   s3.c          the service: routes a request to its operation, checks who asks, answers failures
 *   operation.h   what an operation is; operations.c names them all
 *   *_object.c, *_bucket.c, …   the operations by what they are about
 */
#ifndef AISLE_HTTP_S3_S3_H
#define AISLE_HTTP_S3_S3_H

#include "http/exchange.h"
#include "store/local/local.h"

struct s3_options {
    struct local_store *store;
    const char *region;        /* "us-east-1" */
    const char *domain;        /* virtual hosts are BUCKET.DOMAIN; NULL: localhost and s3.localhost */
    const char *account;       /* the account id of this server's owner */
    uint64_t max_object_bytes; /* 0: 5 TiB */
};

struct s3;
struct s3 *s3_new(const struct s3_options *options, struct error *error);
void s3_free(struct s3 *s3);
const struct service *s3_service(struct s3 *s3);

#endif

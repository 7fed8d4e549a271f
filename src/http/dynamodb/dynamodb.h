/* The DynamoDB protocol (API version 2012-08-10, AWS JSON 1.0) over the tables port. */
#ifndef AISLE_HTTP_DYNAMODB_DYNAMODB_H
#define AISLE_HTTP_DYNAMODB_DYNAMODB_H

#include "http/s3/access.h"
#include "table/tables.h"

struct dynamodb_options {
    struct tables *tables;
    struct access *access; /* whose service is "dynamodb" */
    const char *region, *account;
};

struct dynamodb;
struct dynamodb *dynamodb_new(const struct dynamodb_options *options, struct error *error);
void dynamodb_free(struct dynamodb *dynamodb);
const struct service *dynamodb_service(struct dynamodb *dynamodb);

/* Whether a request is one of this protocol: by its X-Amz-Target. */
bool dynamodb_takes(const struct exchange *exchange);

#endif

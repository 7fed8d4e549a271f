/* The source of a copy: what x-amz-copy-source names, found and allowed. */
#ifndef AISLE_HTTP_S3_COPY_SOURCE_H
#define AISLE_HTTP_S3_COPY_SOURCE_H

#include "http/s3/request.h"

struct copy_source {
    struct object_place place;
    const struct bucket *bucket; /* counted: copy_source_free */
    struct object object;
    struct object_conditions conditions;
    const uint8_t *customer_key; /* NULL: none was given */
};

/* Reads the headers, asks for the right to read the source, and looks it up. */
bool copy_source_find(struct s3_request *request, struct copy_source *source, struct error *error);
/* A condition that does not hold of a copy's source is PreconditionFailed, whichever it is. Returns false. */
bool copy_source_judged(struct error *error);
void copy_source_free(struct s3_request *request, struct copy_source *source);

#endif

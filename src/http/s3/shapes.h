/* The shapes of every document of settings that S3 exchanges (shapes.c). */
#ifndef AISLE_HTTP_S3_SHAPES_H
#define AISLE_HTTP_S3_SHAPES_H

#include "http/s3/shape.h"

extern const struct shape shape_versioning, shape_lifecycle, shape_encryption, shape_public_access, shape_cors,
    shape_tagging, shape_ownership, shape_acl, shape_notification, shape_object_lock, shape_logging, shape_retention,
    shape_legal_hold, shape_create_bucket;

/* All of them, ended by NULL. */
extern const struct shape *const shape_all[];

#endif

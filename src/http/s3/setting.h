/* Settings of buckets: getting, putting and taking them away is the same for all but for what is said here. */
#ifndef AISLE_HTTP_S3_SETTING_H
#define AISLE_HTTP_S3_SETTING_H

#include <jansson.h>

#include "http/s3/operation.h"
#include "http/s3/shapes.h"

struct setting {
    enum bucket_setting kind;
    const struct shape *shape;
    const char *missing;  /* the error when it was not set; NULL: `fallback` is given instead */
    const char *message;  /* what the error says */
    const char *fallback; /* JSON of what holds when it was not set */
    /* Whether it may be put; may fill in what was left out. NULL: any that has the shape. */
    bool (*check)(struct s3_request *request, json_t *value, struct error *error);
    unsigned put_status; /* 0: 200 */
};

extern const struct setting setting_versioning, setting_lifecycle, setting_encryption, setting_public_access,
    setting_cors, setting_tags, setting_ownership, setting_notification, setting_object_lock, setting_logging;

/* Reads the request's document by a shape. Free with json_decref. */
json_t *setting_document(struct s3_request *request, const struct shape *shape, struct error *error);
/* A setting's JSON as a tree; corrupt JSON of the store's is an error. Free with json_decref. */
json_t *setting_value(const struct bucket *bucket, enum bucket_setting kind, struct error *error);
/* JSON as a text in the request's arena. */
const char *setting_text(struct s3_request *request, const json_t *value, struct error *error);

/* Checks (setting_checks.c). */
bool setting_check_versioning(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_lifecycle(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_encryption(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_cors(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_tags(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_ownership(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_notification(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_object_lock(struct s3_request *request, json_t *value, struct error *error);
bool setting_check_logging(struct s3_request *request, json_t *value, struct error *error);

/* Tags of a Tagging document as fields whose texts live in the arena; and back. */
bool setting_tags_read(struct s3_request *request, const json_t *value, struct store_field **tags, size_t *count,
                       struct error *error);

#endif

#include "http/s3/setting.h"

#include <string.h>

#include "base/json.h"
#include "http/s3/answer.h"

const struct setting setting_versioning = {
    .kind = BUCKET_VERSIONING,
    .shape = &shape_versioning,
    .fallback = "{}",
    .check = setting_check_versioning,
};
const struct setting setting_lifecycle = {
    .kind = BUCKET_LIFECYCLE,
    .shape = &shape_lifecycle,
    .missing = "NoSuchLifecycleConfiguration",
    .check = setting_check_lifecycle,
};
const struct setting setting_encryption = {
    .kind = BUCKET_ENCRYPTION,
    .shape = &shape_encryption,
    .missing = "ServerSideEncryptionConfigurationNotFoundError",
    .check = setting_check_encryption,
};
const struct setting setting_public_access = {
    .kind = BUCKET_PUBLIC_ACCESS,
    .shape = &shape_public_access,
    .fallback = "{\"BlockPublicAcls\":true,\"IgnorePublicAcls\":true,\"BlockPublicPolicy\":true,"
                "\"RestrictPublicBuckets\":true}",
};
const struct setting setting_cors = {
    .kind = BUCKET_CORS,
    .shape = &shape_cors,
    .missing = "NoSuchCORSConfiguration",
    .check = setting_check_cors,
};
const struct setting setting_tags = {
    .kind = BUCKET_TAGS,
    .shape = &shape_tagging,
    .missing = "NoSuchTagSet",
    .check = setting_check_tags,
    .put_status = 204,
};
const struct setting setting_ownership = {
    .kind = BUCKET_OWNERSHIP,
    .shape = &shape_ownership,
    .fallback = "{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]}",
    .check = setting_check_ownership,
};
const struct setting setting_notification = {
    .kind = BUCKET_NOTIFICATION,
    .shape = &shape_notification,
    .fallback = "{}",
    .check = setting_check_notification,
};
const struct setting setting_object_lock = {
    .kind = BUCKET_OBJECT_LOCK,
    .shape = &shape_object_lock,
    .missing = "ObjectLockConfigurationNotFoundError",
    .check = setting_check_object_lock,
};
const struct setting setting_logging = {
    .kind = BUCKET_LOGGING,
    .shape = &shape_logging,
    .fallback = "{}",
    .check = setting_check_logging,
};

json_t *setting_document(struct s3_request *request, const struct shape *shape, struct error *error)
{
    const struct buffer *document = &request->body.document;

    if (document->length == 0) {
        error_set_named(error, ERROR_INVALID, "MissingRequestBodyError", "the request has no body");
        return NULL;
    }
    return shape_from_xml(shape, document->data, document->length, request->arena, error);
}

json_t *setting_value(const struct bucket *bucket, enum bucket_setting kind, struct error *error)
{
    const char *text = bucket->settings[kind];

    return json_read(text, strlen(text), "a bucket's setting", error);
}

const char *setting_text(struct s3_request *request, const json_t *value, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    json_append(&text, value, JSON_COMPACT);
    return buffer_check(&text, error) ? arena_text(request->arena, text.data, text.length, error) : NULL;
}

static bool write(struct s3_request *request, const struct setting *setting, const char *json, struct error *error)
{
    json_t *value = json_read(json, strlen(json), "a bucket's setting", error);
    struct buffer *out = answer_body(request->exchange);

    if (value == NULL) {
        return false;
    }
    shape_to_xml(setting->shape, value, out);
    json_decref(value);
    return buffer_check(out, error) && answer_header(request->exchange, "Content-Type", "application/xml", error);
}

bool s3_get_setting(struct s3_request *request, struct error *error)
{
    const struct setting *setting = request->operation->setting;
    const char *json = request->bucket->settings[setting->kind];

    /* A public access block that was taken away is kept as an empty one, since absence means that all is blocked. */
    if (setting == &setting_public_access && json != NULL && strcmp(json, "{}") == 0) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchPublicAccessBlockConfiguration", "it was taken away");
    }
    if (json == NULL && setting->missing != NULL) {
        return error_set_named(error, ERROR_NOT_FOUND, setting->missing, "it is not set");
    }
    return write(request, setting, json != NULL ? json : setting->fallback, error);
}

bool s3_put_setting(struct s3_request *request, struct error *error)
{
    const struct setting *setting = request->operation->setting;
    json_t *value = setting_document(request, setting->shape, error);

    if (value == NULL) {
        return false;
    }
    bool good = setting->check == NULL || setting->check(request, value, error);
    const char *text = good ? setting_text(request, value, error) : NULL;

    json_decref(value);
    if (text == NULL || !bucket_set(request->store, request->bucket_name, setting->kind, text, error)) {
        return false;
    }
    if (setting->put_status != 0) {
        answer_status(request->exchange, setting->put_status);
    }
    return true;
}

bool s3_delete_setting(struct s3_request *request, struct error *error)
{
    const struct setting *setting = request->operation->setting;

    answer_status(request->exchange, 204);
    return bucket_set(request->store, request->bucket_name, setting->kind,
                      setting == &setting_public_access ? "{}" : NULL, error);
}

bool s3_get_bucket_policy(struct s3_request *request, struct error *error)
{
    const char *json = request->bucket->settings[BUCKET_POLICY];
    struct buffer *out = answer_body(request->exchange);

    if (json == NULL) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchBucketPolicy", "it is not set");
    }
    buffer_append_text(out, json);
    return buffer_check(out, error) && answer_header(request->exchange, "Content-Type", "application/json", error);
}

bool s3_put_bucket_policy(struct s3_request *request, struct error *error)
{
    enum { MOST_POLICY_BYTES = 20480 };
    struct buffer *document = &request->body.document;
    const char *json = buffer_text(document);

    if (json == NULL) {
        return buffer_check(document, error);
    }
    if (document->length > MOST_POLICY_BYTES) {
        return error_set_named(error, ERROR_INVALID, "MalformedPolicy", "Policies may have at most %d bytes.",
                               MOST_POLICY_BYTES);
    }
    if (!access_check_policy(request->bucket, request->bucket->derived, json, document->length, error)) {
        return false;
    }
    answer_status(request->exchange, 204);
    return bucket_set(request->store, request->bucket_name, BUCKET_POLICY, json, error);
}

bool s3_delete_bucket_policy(struct s3_request *request, struct error *error)
{
    answer_status(request->exchange, 204);
    return bucket_set(request->store, request->bucket_name, BUCKET_POLICY, NULL, error);
}

bool s3_get_bucket_policy_status(struct s3_request *request, struct error *error)
{
    struct buffer *out = NULL;

    if (request->bucket->settings[BUCKET_POLICY] == NULL) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchBucketPolicy", "it is not set");
    }
    out = s3_xml_begin(request, "PolicyStatus", error);
    if (out == NULL) {
        return false;
    }
    xml_leaf_bool(out, "IsPublic", access_rights_policy_is_public(request->bucket->derived));
    return s3_xml_end(request, "PolicyStatus", error);
}

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "http/s3/acl.h"
#include "http/s3/listing.h"
#include "http/s3/operation.h"
#include "http/s3/setting.h"

bool s3_list_buckets(struct s3_request *request, struct error *error)
{
    struct bucket *buckets = NULL;
    size_t count = 0;
    const char *prefix = s3_query(request, "prefix"), *token = s3_query(request, "continuation-token");
    const char *after = token != NULL ? s3_token_read(request, token) : "", *last = NULL;
    unsigned most = 0, given = 0;

    if (after == NULL) {
        return s3_bad_argument(request, "continuation-token", token, "The continuation token provided is incorrect",
                               error);
    }
    if (request->caller.account == NULL) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Anonymous users may not list buckets.");
    }
    if (!s3_query_number(request, "max-buckets", 10000, 10000, &most, error) ||
        !bucket_list(request->store, request->arena, request->caller.account, &buckets, &count, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "ListAllMyBucketsResult", error);

    if (out == NULL) {
        return false;
    }
    s3_xml_owner(out, "Owner", request->caller.account);
    xml_open(out, "Buckets");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(buckets[i].name, after) <= 0 ||
            (prefix != NULL && !str_starts_with(str_of(buckets[i].name), prefix))) {
            continue;
        }
        if (given == most) {
            xml_close(out, "Buckets");
            xml_leaf_text(out, "ContinuationToken", s3_token(request, last, error));
            return s3_xml_end(request, "ListAllMyBucketsResult", error);
        }
        last = buckets[i].name;
        given++;
        xml_open(out, "Bucket");
        xml_leaf_text(out, "Name", buckets[i].name);
        xml_leaf_time(out, "CreationDate", buckets[i].created_us);
        xml_leaf_text(out, "BucketRegion", request->s3->options.region);
        xml_close(out, "Bucket");
    }
    xml_close(out, "Buckets");
    if (prefix != NULL) {
        xml_leaf_text(out, "Prefix", prefix);
    }
    return s3_xml_end(request, "ListAllMyBucketsResult", error);
}

/* What a CreateBucketConfiguration asks for: this server's region, and tags (as the setting; NULL: none). */
static bool read_configuration(struct s3_request *request, const char **tags, struct error *error)
{
    if (request->body.document.length == 0) {
        return true;
    }
    json_t *value = setting_document(request, &shape_create_bucket, error);
    const char *location = json_string_value(json_object_get(value, "LocationConstraint"));
    json_t *set = json_object_get(value, "Tags");
    bool good = value != NULL;

    if (good && location != NULL && location[0] != '\0' && strcmp(location, request->s3->options.region) != 0) {
        good = error_set_named(error, ERROR_INVALID, "InvalidLocationConstraint", "this server's region is %s",
                               request->s3->options.region);
    }
    if (good && json_array_size(set) > 0) {
        uint64_t failures = json_failures();
        json_t *tagging = json_pack("{s:O}", "TagSet", set);

        good = json_built(failures, error) && setting_check_tags(request, tagging, error);
        *tags = good ? setting_text(request, tagging, error) : NULL;
        good = *tags != NULL;
        json_decref(tagging);
    }
    json_decref(value);
    return good;
}

static bool read_ownership(struct s3_request *request, const char **json, struct error *error)
{
    const char *given = s3_header(request, "x-amz-object-ownership");

    if (given == NULL) {
        return true;
    }
    if (strcmp(given, "BucketOwnerEnforced") != 0 && strcmp(given, "BucketOwnerPreferred") != 0 &&
        strcmp(given, "ObjectWriter") != 0) {
        return s3_bad_argument(request, "x-amz-object-ownership", given, "Invalid x-amz-object-ownership header",
                               error);
    }
    *json = arena_format(request->arena, error, "{\"Rules\":[{\"ObjectOwnership\":\"%s\"}]}", given);
    return *json != NULL;
}

/* An ACL in the headers needs an ownership that allows ACLs. */
static bool read_acl(struct s3_request *request, const struct bucket_create *create, const char **acl,
                     struct error *error)
{
    const char *name = s3_header(request, "x-amz-acl");
    const char *ownership = s3_header(request, "x-amz-object-ownership");

    if (!s3_acl_from_headers(request, create->owner, acl, error)) {
        return false;
    }
    if (*acl == NULL || (ownership != NULL && strcmp(ownership, "BucketOwnerEnforced") != 0)) {
        return true;
    }
    *acl = NULL;
    return (name != NULL && strcmp(name, "private") == 0) ||
           error_set_named(error, ERROR_INVALID, "InvalidBucketAclWithObjectOwnership",
                           "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
}

/* What comes with a bucket besides its row. */
static bool set_up(struct s3_request *request, const char *tags, const char *acl, struct error *error)
{
    if (acl != NULL) {
        const struct bucket *bucket = bucket_find(request->store, request->bucket_name, error);
        bool good = bucket != NULL && access_check_acl(bucket, bucket->derived, acl, error);

        if (bucket != NULL) {
            bucket_release(request->store, bucket);
        }
        if (!good || !bucket_set(request->store, request->bucket_name, BUCKET_ACL, acl, error)) {
            return false;
        }
    }
    return tags == NULL || bucket_set(request->store, request->bucket_name, BUCKET_TAGS, tags, error);
}

bool s3_create_bucket(struct s3_request *request, struct error *error)
{
    const char *lock = s3_header(request, "x-amz-bucket-object-lock-enabled"), *tags = NULL, *acl = NULL;
    struct bucket_create create = {
        .name = request->bucket_name,
        .owner = request->caller.account,
        .object_lock = lock != NULL && strcasecmp(lock, "true") == 0,
    };

    if (create.owner == NULL) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Anonymous users may not create buckets.");
    }
    if (!read_configuration(request, &tags, error) || !read_ownership(request, &create.ownership, error) ||
        !read_acl(request, &create, &acl, error) || !bucket_create(request->store, &create, error)) {
        return false;
    }
    if (!set_up(request, tags, acl, error)) {
        bucket_remove(request->store, request->bucket_name, NULL);
        return false;
    }
    return answer_header_format(request->exchange, error, "Location", "/%s", request->bucket_name) &&
           answer_header_format(request->exchange, error, "x-amz-bucket-arn", "arn:aws:s3:::%s", request->bucket_name);
}

bool s3_head_bucket(struct s3_request *request, struct error *error)
{
    return answer_header(request->exchange, "x-amz-bucket-region", request->s3->options.region, error) &&
           answer_header_format(request->exchange, error, "x-amz-bucket-arn", "arn:aws:s3:::%s",
                                request->bucket_name) &&
           answer_header(request->exchange, "x-amz-access-point-alias", "false", error);
}

bool s3_delete_bucket(struct s3_request *request, struct error *error)
{
    answer_status(request->exchange, 204);
    return bucket_remove(request->store, request->bucket_name, error);
}

bool s3_get_bucket_location(struct s3_request *request, struct error *error)
{
    const char *region = request->s3->options.region;
    struct buffer *out = answer_body(request->exchange);

    if (!answer_header(request->exchange, "Content-Type", "application/xml", error)) {
        return false;
    }
    /* The first region has no name here. */
    xml_declare(out);
    xml_open_root(out, "LocationConstraint");
    if (strcmp(region, "us-east-1") != 0) {
        buffer_append_text(out, region);
    }
    return s3_xml_end(request, "LocationConstraint", error);
}

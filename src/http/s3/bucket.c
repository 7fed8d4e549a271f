#include <string.h>

#include "http/s3/answer.h"
#include "http/s3/listing.h"
#include "http/s3/operation.h"

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

/* The region that a CreateBucketConfiguration asks for must be this server's. */
static bool check_location(struct s3_request *request, struct error *error)
{
    const struct buffer *document = &request->body.document;

    if (document->length == 0) {
        return true;
    }
    const struct xml_element *root = xml_read(document->data, document->length, request->arena, error);

    if (root == NULL) {
        return false;
    }
    if (strcmp(root->name, "CreateBucketConfiguration") != 0) {
        return error_set_named(error, ERROR_INVALID, "MalformedXML",
                               "the document is a %s, not a CreateBucketConfiguration", root->name);
    }
    const char *location = xml_text(root, "LocationConstraint", request->s3->options.region);

    return location[0] == '\0' || strcmp(location, request->s3->options.region) == 0 ||
           error_set_named(error, ERROR_INVALID, "InvalidLocationConstraint", "this server's region is %s",
                           request->s3->options.region);
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

bool s3_create_bucket(struct s3_request *request, struct error *error)
{
    const char *lock = s3_header(request, "x-amz-bucket-object-lock-enabled");
    struct bucket_create create = {
        .name = request->bucket_name,
        .owner = request->caller.account,
        .object_lock = lock != NULL && strcmp(lock, "true") == 0,
    };

    if (create.owner == NULL) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied", "Anonymous users may not create buckets.");
    }
    return check_location(request, error) && read_ownership(request, &create.ownership, error) &&
           bucket_create(request->store, &create, error) &&
           answer_header_format(request->exchange, error, "Location", "/%s", request->bucket_name);
}

bool s3_head_bucket(struct s3_request *request, struct error *error)
{
    return answer_header(request->exchange, "x-amz-bucket-region", request->s3->options.region, error) &&
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

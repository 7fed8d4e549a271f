#include <string.h>

#include "http/s3/answer.h"
#include "http/s3/body.h"
#include "http/s3/copy_source.h"
#include "http/s3/operation.h"
#include "http/s3/put_headers.h"

/* COPY, which is the default, or REPLACE. */
static bool read_directive(struct s3_request *request, const char *header, bool *replace, struct error *error)
{
    const char *text = s3_header(request, header);

    *replace = text != NULL && strcmp(text, "REPLACE") == 0;
    return text == NULL || *replace || strcmp(text, "COPY") == 0 ||
           s3_bad_argument(request, header, text, "Unknown metadata directive.", error);
}

/* The source's headers, but for its redirect, and its metadata. */
static bool copy_headers(struct s3_request *request, const struct object *source, struct error *error)
{
    struct store_field *headers = arena_take(request->arena, (source->header_count + 1) * sizeof *headers, error);
    const char *redirect = s3_header(request, "x-amz-website-redirect-location");
    size_t count = 0;

    if (headers == NULL) {
        return false;
    }
    for (size_t i = 0; i < source->header_count; i++) {
        if (strcmp(source->headers[i].name, "x-amz-website-redirect-location") != 0) {
            headers[count++] = source->headers[i];
        }
    }
    if (redirect != NULL) {
        headers[count++] = (struct store_field){"x-amz-website-redirect-location", redirect};
    }
    request->put.headers = headers;
    request->put.header_count = count;
    request->put.metadata = source->metadata;
    request->put.metadata_count = source->metadata_count;
    return true;
}

static bool copy_tags(struct s3_request *request, const struct copy_source *source, struct error *error)
{
    struct store_field *tags = NULL;
    const char *action = source->place.version_id != NULL ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging";

    if (source->object.tag_count == 0) {
        return true;
    }
    if (!s3_allow(request, action, source->bucket, &source->place, error) ||
        !object_tags(request->store, &source->place, request->arena, &tags, &request->put.tag_count, error)) {
        return false;
    }
    request->put.tags = tags;
    return true;
}

/* A copy onto itself must change something. */
static bool check_change(const struct s3_request *request, const struct copy_source *source, bool replace,
                         struct error *error)
{
    bool same = strcmp(source->place.bucket, request->bucket_name) == 0 &&
                strcmp(source->place.key, request->key) == 0 &&
                (source->place.version_id == NULL || source->object.latest);

    return !same || replace || request->put.storage_class != NULL || request->put.encryption != ENCRYPTION_NONE ||
           s3_header(request, "x-amz-website-redirect-location") != NULL ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "This copy request is illegal because it is trying to copy an object to itself without "
                           "changing the object's metadata, storage class, website redirect location or encryption "
                           "attributes.");
}

/* The checksum that the copy is to have; without a word the source's goes along. */
static bool read_algorithm(struct s3_request *request, struct error *error)
{
    const char *name = s3_header(request, "x-amz-checksum-algorithm");
    enum digest_kind kind = DIGEST_MD5;

    if (name == NULL) {
        return true;
    }
    if (!s3_checksum_kind(name, &kind)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Checksum algorithm provided is unsupported. Please try again with any of the valid "
                               "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    }
    request->put.digests = 1U << kind;
    return true;
}

static bool prepare(struct s3_request *request, const struct copy_source *source, struct error *error)
{
    bool replace = false, replace_tags = false;

    if (!read_directive(request, "x-amz-metadata-directive", &replace, error) ||
        !read_directive(request, "x-amz-tagging-directive", &replace_tags, error) ||
        !s3_put_from_headers(request, error) || !read_algorithm(request, error)) {
        return false;
    }
    request->put.event = "ObjectCreated:Copy";
    if (!replace_tags) {
        request->put.tags = NULL;
        request->put.tag_count = 0;
    }
    return (replace || copy_headers(request, &source->object, error)) &&
           (replace_tags || copy_tags(request, source, error)) && check_change(request, source, replace, error);
}

static bool write_result(struct s3_request *request, const struct copy_source *source, const struct object *object,
                         struct error *error)
{
    if (!s3_answer_version(request, request->bucket, object->version_id, error) ||
        !s3_answer_encryption(request, object->encryption, object->customer_key_md5, error) ||
        (source->bucket->versioning != VERSIONING_NEVER &&
         !answer_header(request->exchange, "x-amz-copy-source-version-id", source->object.version_id, error))) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "CopyObjectResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_time(out, "LastModified", object->modified_us);
    s3_xml_etag(out, object->etag);
    s3_xml_checksum(out, &object->checksum);
    return s3_xml_end(request, "CopyObjectResult", error);
}

static bool copy(struct s3_request *request, struct copy_source *source, struct error *error)
{
    struct object object = {0};

    return copy_source_find(request, source, error) && prepare(request, source, error) &&
           (object_copy(request->store, &source->place, source->customer_key, &source->conditions, &request->put,
                        request->arena, &object, error) ||
            copy_source_judged(error)) &&
           write_result(request, source, &object, error);
}

bool s3_copy_object(struct s3_request *request, struct error *error)
{
    struct copy_source source = {0};
    bool good = copy(request, &source, error);

    copy_source_free(request, &source);
    return good;
}

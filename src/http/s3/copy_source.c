#include "http/s3/copy_source.h"

#include <string.h>

#include "http/s3/object_facts.h"
#include "http/s3/put_headers.h"

static bool not_a_source(struct s3_request *request, const char *text, struct error *error)
{
    return s3_bad_argument(request, "x-amz-copy-source", text,
                           "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", error);
}

/* "/bucket/key?versionId=id", percent-encoded but for the question mark. */
static bool read_place(struct s3_request *request, struct object_place *place, struct error *error)
{
    const char *text = s3_header(request, "x-amz-copy-source");
    const char *question = strstr(text, "?versionId=");
    struct str name = question != NULL ? str_slice(text, (size_t)(question - text)) : str_of(text);

    if (question != NULL) {
        place->version_id = sign_decode(str_of(question + 11), request->arena, error);
        if (place->version_id == NULL) {
            return not_a_source(request, text, error);
        }
    }
    const char *path = sign_decode(name, request->arena, error);

    if (path == NULL) {
        return not_a_source(request, text, error);
    }
    path += path[0] == '/';
    size_t length = strcspn(path, "/");

    if (length == 0 || path[length] != '/' || path[length + 1] == '\0' || !str_is_utf8(str_of(path), NULL)) {
        return not_a_source(request, text, error);
    }
    place->bucket = arena_text(request->arena, path, length, error);
    place->key = path + length + 1;
    return place->bucket != NULL;
}

static bool find_object(struct s3_request *request, struct copy_source *source, struct error *error)
{
    const char *action = source->place.version_id != NULL ? "s3:GetObjectVersion" : "s3:GetObject";

    if (!s3_allow(request, action, source->bucket, &source->place, error)) {
        return false;
    }
    if (!object_head(request->store, &source->place, request->arena, &source->object, error)) {
        if (error != NULL && error->name != NULL && strcmp(error->name, "MethodNotAllowed") == 0) {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "The source of a copy request may not specifically refer to a delete marker by "
                                   "version id.");
        }
        return false;
    }
    if (source->bucket->versioning != VERSIONING_NEVER) {
        source->place.version_id = source->object.version_id;
    }
    return true;
}

static bool check_owner(const struct s3_request *request, const struct copy_source *source, struct error *error)
{
    const char *expected = s3_header(request, "x-amz-source-expected-bucket-owner");

    return expected == NULL || strcmp(expected, source->bucket->owner) == 0 ||
           error_set_named(error, ERROR_DENIED, "AccessDenied", "Access Denied");
}

bool copy_source_find(struct s3_request *request, struct copy_source *source, struct error *error)
{
    bool given = false;

    *source = (struct copy_source){0};
    if (!read_place(request, &source->place, error) ||
        !s3_customer_key(request, "x-amz-copy-source-server-side-encryption-customer-", request->source_customer_key,
                         &given, error)) {
        return false;
    }
    source->customer_key = given ? request->source_customer_key : NULL;
    s3_conditions_read(request, "x-amz-copy-source-", &source->conditions);
    source->bucket = bucket_find(request->store, source->place.bucket, error);
    return source->bucket != NULL && check_owner(request, source, error) && find_object(request, source, error);
}

bool copy_source_judged(struct error *error)
{
    return error == NULL || error->name == NULL || strcmp(error->name, "NotModified") != 0
               ? false
               : error_set_named(error, ERROR_CONFLICT, "PreconditionFailed", "the source is not as was asked for");
}

void copy_source_free(struct s3_request *request, struct copy_source *source)
{
    if (source->bucket != NULL) {
        bucket_release(request->store, source->bucket);
        source->bucket = NULL;
    }
}

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/date.h"
#include "http/s3/answer.h"
#include "http/s3/errors.h"
#include "http/s3/operation.h"

enum { MOST_KEYS = 1000 };

/* Whether a lock of kind GOVERNANCE may be passed over: asked for, and allowed. */
static bool read_bypass(struct s3_request *request, const struct object_place *place, bool *bypass, struct error *error)
{
    const char *asked = s3_header(request, "x-amz-bypass-governance-retention");

    *bypass = asked != NULL && strcasecmp(asked, "true") == 0;
    return !*bypass || s3_allow(request, "s3:BypassGovernanceRetention", request->bucket, place, error);
}

static bool read_conditions(struct s3_request *request, struct object_conditions *conditions, struct error *error)
{
    const char *modified = s3_header(request, "x-amz-if-match-last-modified-time");
    const char *size = s3_header(request, "x-amz-if-match-size");
    char *end = NULL;

    conditions->if_match = s3_header(request, "If-Match");
    if (modified != NULL && !http_date_parse(modified, &conditions->if_unmodified_since_us)) {
        return s3_bad_argument(request, "x-amz-if-match-last-modified-time", modified, "The time is not valid", error);
    }
    if (size != NULL) {
        conditions->if_size = strtoll(size, &end, 10);
        conditions->if_size_given = true;
        if (*end != '\0' || size[0] < '0' || size[0] > '9') {
            return s3_bad_argument(request, "x-amz-if-match-size", size, "The size is not a whole number", error);
        }
    }
    return true;
}

static struct object_delete delete_of(const struct s3_request *request)
{
    return (struct object_delete){
        .bucket = request->bucket_name,
        .key = request->key,
        .version_id = request->version_id,
        .owner = request->caller.account,
        .request_id = request->exchange->id,
        .source_ip = request->exchange->client_ip,
    };
}

bool s3_delete_object(struct s3_request *request, struct error *error)
{
    const struct object_place place = s3_place(request);
    struct object_delete delete = delete_of(request);
    struct object_deleted deleted = {0};

    if (!read_bypass(request, &place, &delete.bypass_governance, error) ||
        !read_conditions(request, &delete.conditions, error) ||
        !object_delete(request->store, &delete, 1, request->arena, &deleted, error)) {
        return false;
    }
    if (!deleted.ok) {
        if (error != NULL) {
            *error = deleted.error;
        }
        return false;
    }
    answer_status(request->exchange, 204);
    return s3_answer_version(request, request->bucket, deleted.version_id, error) &&
           (!(deleted.marker_made || deleted.marker_deleted) ||
            answer_header(request->exchange, "x-amz-delete-marker", "true", error));
}

/* The keys that a Delete document names. */
struct deletes {
    struct object_delete *asked;
    struct object_deleted *results;
    bool *refused; /* by rights: not given to the store */
    size_t count;
    bool quiet;
};

static bool malformed(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "MalformedXML",
                           "The XML you provided was not well-formed or did not validate against our published "
                           "schema: %s",
                           what);
}

static bool read_object(struct s3_request *request, const struct xml_element *object, struct object_delete *delete,
                        struct error *error)
{
    const char *modified = xml_text(object, "LastModifiedTime", NULL), *size = xml_text(object, "Size", NULL);
    char *end = NULL;

    *delete = delete_of(request);
    delete->key = xml_text(object, "Key", "");
    delete->version_id = xml_text(object, "VersionId", NULL);
    delete->conditions.if_match = xml_text(object, "ETag", NULL);
    if (delete->version_id != NULL && delete->version_id[0] == '\0') {
        delete->version_id = NULL;
    }
    if (delete->key[0] == '\0') {
        return error_set_named(error, ERROR_INVALID, "UserKeyMustBeSpecified", "an Object has no Key");
    }
    if (strlen(delete->key) > OBJECT_MAX_KEY_BYTES) {
        return malformed("a Key is longer than 1,024 bytes", error);
    }
    if (modified != NULL && !http_date_parse(modified, &delete->conditions.if_unmodified_since_us)) {
        return malformed("a LastModifiedTime is not a time", error);
    }
    if (size != NULL) {
        delete->conditions.if_size = strtoll(size, &end, 10);
        delete->conditions.if_size_given = true;
        if (*end != '\0' || size[0] < '0' || size[0] > '9') {
            return malformed("a Size is not a whole number", error);
        }
    }
    return true;
}

static bool read_document(struct s3_request *request, struct deletes *deletes, struct error *error)
{
    const struct buffer *document = &request->body.document;
    const struct xml_element *root = xml_read(document->data, document->length, request->arena, error);
    size_t count = 0;

    if (root == NULL) {
        return false;
    }
    for (const struct xml_element *object = xml_child(root, "Object"); object != NULL; object = xml_next(object)) {
        count++;
    }
    if (strcmp(root->name, "Delete") != 0 || count == 0 || count > MOST_KEYS) {
        return malformed("a Delete must name 1 to 1,000 objects", error);
    }
    deletes->quiet = strcasecmp(xml_text(root, "Quiet", "false"), "true") == 0;
    deletes->asked = arena_zeroed(request->arena, count * sizeof *deletes->asked, error);
    deletes->results = arena_zeroed(request->arena, count * sizeof *deletes->results, error);
    deletes->refused = arena_zeroed(request->arena, count * sizeof *deletes->refused, error);
    if (deletes->asked == NULL || deletes->results == NULL || deletes->refused == NULL) {
        return false;
    }
    for (const struct xml_element *object = xml_child(root, "Object"); object != NULL; object = xml_next(object)) {
        if (!read_object(request, object, &deletes->asked[deletes->count++], error)) {
            return false;
        }
    }
    return true;
}

/* Asks for the right to delete each. The ones that are refused have their answer already. */
static void ask_for_each(struct s3_request *request, struct deletes *deletes)
{
    for (size_t i = 0; i < deletes->count; i++) {
        struct object_delete *delete = &deletes->asked[i];
        struct object_deleted *result = &deletes->results[i];
        const struct object_place place = {delete->bucket, delete->key, delete->version_id};
        const char *action = delete->version_id != NULL ? "s3:DeleteObjectVersion" : "s3:DeleteObject";

        deletes->refused[i] = !s3_allow(request, action, request->bucket, &place, &result->error) ||
                              !read_bypass(request, &place, &delete->bypass_governance, &result->error);
    }
}

/* Deletes what is allowed, in one commit, and puts the results beside those that were refused. */
static bool delete_allowed(struct s3_request *request, struct deletes *deletes, struct error *error)
{
    struct object_delete *asked = arena_take(request->arena, deletes->count * sizeof *asked, error);
    struct object_deleted *results = arena_zeroed(request->arena, deletes->count * sizeof *results, error);
    size_t count = 0;

    if (asked == NULL || results == NULL) {
        return false;
    }
    for (size_t i = 0; i < deletes->count; i++) {
        if (!deletes->refused[i]) {
            asked[count++] = deletes->asked[i];
        }
    }
    if (count > 0 && !object_delete(request->store, asked, count, request->arena, results, error)) {
        return false;
    }
    for (size_t i = 0, next = 0; i < deletes->count; i++) {
        if (!deletes->refused[i]) {
            deletes->results[i] = results[next++];
        }
    }
    return true;
}

static void write_result(struct buffer *out, const struct object_delete *delete, const struct object_deleted *result,
                         bool quiet)
{
    if (!result->ok) {
        const struct s3_error *kind = s3_error_of(&result->error);

        xml_open(out, "Error");
        xml_leaf_text(out, "Key", delete->key);
        xml_leaf_text(out, "VersionId", delete->version_id);
        xml_leaf_text(out, "Code", kind->name);
        xml_leaf_text(out, "Message", kind->message != NULL ? kind->message : result->error.message);
        xml_close(out, "Error");
    } else if (!quiet) {
        xml_open(out, "Deleted");
        xml_leaf_text(out, "Key", delete->key);
        xml_leaf_text(out, "VersionId", delete->version_id);
        if (result->marker_made || result->marker_deleted) {
            xml_leaf_bool(out, "DeleteMarker", true);
            xml_leaf_text(out, "DeleteMarkerVersionId", result->version_id);
        }
        xml_close(out, "Deleted");
    }
}

bool s3_delete_objects(struct s3_request *request, struct error *error)
{
    struct deletes deletes = {0};

    if (!read_document(request, &deletes, error)) {
        return false;
    }
    ask_for_each(request, &deletes);
    if (!delete_allowed(request, &deletes, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "DeleteResult", error);

    if (out == NULL) {
        return false;
    }
    for (size_t i = 0; i < deletes.count; i++) {
        write_result(out, &deletes.asked[i], &deletes.results[i], deletes.quiet);
    }
    return s3_xml_end(request, "DeleteResult", error);
}

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "http/date.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"
#include "http/s3/range.h"

/* The bytes of an object that an answer gives. */
struct part {
    uint64_t offset, size;
    bool partial;                    /* 206 and Content-Range */
    unsigned number;                 /* of partNumber; 0: none */
    struct object_checksum checksum; /* what x-amz-checksum-mode tells */
};

/* Bytes pulled from a reader, for bodies that lie neither in memory nor plain in a file. */
struct stream {
    struct object_reader *reader;
    const char *id; /* the request's */
    uint64_t offset, size;
};

static ssize_t read_stream(void *owner, uint64_t offset, void *data, size_t size)
{
    const struct stream *stream = owner;
    struct error error = {0};
    uint64_t left = offset < stream->size ? stream->size - offset : 0;
    ssize_t got = object_read(stream->reader, data, size < left ? size : (size_t)left, stream->offset + offset, &error);

    if (got < 0) {
        log_event(LOG_ERROR, "s3_read", "request", "s", stream->id, "problem", "s", error.message, NULL);
    }
    return got;
}

static void release_stream(void *owner)
{
    struct stream *stream = owner;

    object_close(stream->reader);
}

static void release_reader(void *owner)
{
    object_close(owner);
}

/* partNumber, which may not come together with a range; 0: none. */
static bool read_part_number(struct s3_request *request, unsigned *number, struct error *error)
{
    const char *text = s3_query(request, "partNumber");

    *number = 0;
    if (text == NULL) {
        return true;
    }
    if (!s3_query_number(request, "partNumber", 0, UINT32_MAX, number, error)) {
        return false;
    }
    if (*number < 1 || *number > UPLOAD_MAX_PARTS) {
        return s3_bad_argument(request, "partNumber", text,
                               "Part number must be an integer between 1 and 10000, inclusive", error);
    }
    return s3_header(request, "Range") == NULL ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "Cannot specify both Range header and partNumber query parameter");
}

/* The part that partNumber asks for. */
static bool find_part(struct s3_request *request, const struct object *object, struct part *part, struct error *error)
{
    struct object_place place = s3_place(request);

    /* The version that was found, whatever has become the current one meanwhile. */
    if (request->bucket->versioning != VERSIONING_NEVER) {
        place.version_id = object->version_id;
    }
    if (!read_part_number(request, &part->number, error)) {
        return false;
    }
    part->partial = true;
    if (object->part_count == 0 && part->number == 1) {
        return true;
    }
    part->checksum.present = false;
    return object_part_range(request->store, &place, part->number, &part->offset, &part->size, &part->checksum, error);
}

/* If-Range: the range counts only of the object that the client has the rest of. */
static bool range_counts(const struct s3_request *request, const struct object *object)
{
    const char *text = s3_header(request, "If-Range");
    int64_t time_us = 0;

    if (text == NULL) {
        return true;
    }
    if (text[0] == '"') {
        size_t length = strlen(object->etag);

        return strlen(text) == length + 2 && strncmp(text + 1, object->etag, length) == 0;
    }
    return http_date_parse(text, &time_us) && object->modified_us / 1000000 == time_us / 1000000;
}

static bool find_range(struct s3_request *request, const struct object *object, struct part *part, struct error *error)
{
    const char *text = s3_header(request, "Range");

    *part = (struct part){.size = object->size_bytes, .checksum = object->checksum};
    if (s3_query(request, "partNumber") != NULL) {
        return find_part(request, object, part, error);
    }
    if (text == NULL || !range_counts(request, object)) {
        return true;
    }
    switch (range_read(text, object->size_bytes, &part->offset, &part->size)) {
    case RANGE_WHOLE:
        break;
    case RANGE_PART:
        part->partial = true;
        part->checksum.present = false;
        break;
    case RANGE_UNSATISFIABLE: {
        const char *size = arena_format(request->arena, error, "%llu", (unsigned long long)object->size_bytes);

        s3_extra(request, "ActualObjectSize", size);
        s3_extra(request, "RangeRequested", text);
        return error_set_named(error, ERROR_INVALID, "InvalidRange", "the range is outside of the object");
    }
    }
    return true;
}

static bool answer_part(struct s3_request *request, const struct object *object, const struct part *part,
                        struct error *error)
{
    const char *mode = s3_header(request, "x-amz-checksum-mode");

    if (mode != NULL && strcasecmp(mode, "ENABLED") == 0 && !s3_answer_checksum(request, &part->checksum, error)) {
        return false;
    }
    if (part->number > 0 && object->part_count > 0 &&
        !answer_header_format(request->exchange, error, "x-amz-mp-parts-count", "%u", object->part_count)) {
        return false;
    }
    answer_status(request->exchange, part->partial ? 206 : 200);
    return !part->partial || part->size == 0 ||
           answer_header_format(request->exchange, error, "Content-Range", "bytes %llu-%llu/%llu",
                                (unsigned long long)part->offset, (unsigned long long)(part->offset + part->size - 1),
                                (unsigned long long)object->size_bytes);
}

/* Judges the conditions. `*changed` false: an answer of 304 is all that is wanted. */
static bool judge(struct s3_request *request, const struct object *object, bool *changed, struct error *error)
{
    struct object_conditions conditions;
    struct error verdict = {0};
    char modified[30];

    s3_conditions_read(request, "", &conditions);
    *changed = true;
    if (object_conditions_hold(object, &conditions, &verdict)) {
        return true;
    }
    if (verdict.name == NULL || strcmp(verdict.name, "NotModified") != 0) {
        s3_extra(request, "Condition", conditions.if_match != NULL ? "If-Match" : "If-Unmodified-Since");
        if (error != NULL) {
            *error = verdict;
        }
        return false;
    }
    *changed = false;
    http_date_format(object->modified_us, modified);
    answer_status(request->exchange, 304);
    return answer_header(request->exchange, "Last-Modified", modified, error) &&
           s3_answer_etag(request, object->etag, error) &&
           s3_answer_version(request, request->bucket, object->version_id, error);
}

/* Gives the reader to the answer, which closes it. */
static bool give(struct s3_request *request, struct object_reader *reader, const struct part *part, struct error *error)
{
    uint64_t start = 0;
    const char *bytes = object_reader_bytes(reader);
    int fd = bytes == NULL && part->size > 0 ? object_reader_file(reader, &start) : -1;

    if (bytes != NULL || part->size == 0) {
        answer_bytes(request->exchange, bytes != NULL ? bytes + part->offset : "", (size_t)part->size, release_reader,
                     reader);
        return true;
    }
    if (fd >= 0) {
        answer_file(request->exchange, fd, start + part->offset, part->size, release_reader, reader);
        return true;
    }
    struct stream *stream = arena_take(request->arena, sizeof *stream, error);

    if (stream == NULL) {
        object_close(reader);
        return false;
    }
    *stream = (struct stream){reader, request->exchange->id, part->offset, part->size};
    answer_stream(request->exchange, part->size, read_stream, release_stream, stream);
    return true;
}

bool s3_get_object(struct s3_request *request, struct error *error)
{
    struct object object = {0};
    struct part part;
    bool changed = true;
    unsigned number = 0;
    struct object_reader *reader =
        read_part_number(request, &number, error) ? s3_object_open(request, &object, error) : NULL;

    if (reader == NULL) {
        return false;
    }
    if (!judge(request, &object, &changed, error) ||
        (changed && (!find_range(request, &object, &part, error) || !s3_object_facts(request, &object, error) ||
                     !answer_part(request, &object, &part, error)))) {
        object_close(reader);
        return false;
    }
    if (!changed) {
        object_close(reader);
        return true;
    }
    return give(request, reader, &part, error);
}

bool s3_head_object(struct s3_request *request, struct error *error)
{
    struct object object = {0};
    struct part part;
    bool changed = true;
    unsigned number = 0;

    if (!read_part_number(request, &number, error) || !s3_object_find(request, &object, error) ||
        !s3_object_check_key(request, &object, error) || !judge(request, &object, &changed, error)) {
        return false;
    }
    return !changed ||
           (find_range(request, &object, &part, error) && s3_object_facts(request, &object, error) &&
            answer_part(request, &object, &part, error) &&
            answer_header_format(request->exchange, error, "Content-Length", "%llu", (unsigned long long)part.size));
}

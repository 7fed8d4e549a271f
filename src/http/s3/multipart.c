#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/date.h"
#include "http/s3/answer.h"
#include "http/s3/body.h"
#include "http/s3/copy_source.h"
#include "http/s3/operation.h"
#include "http/s3/put_headers.h"
#include "http/s3/range.h"

/* The checksum of the upload's parts and of the whole: x-amz-checksum-algorithm and x-amz-checksum-type. */
static bool read_checksum(struct s3_request *request, struct object_checksum *checksum, struct error *error)
{
    const char *name = s3_header(request, "x-amz-checksum-algorithm");
    const char *type = s3_header(request, "x-amz-checksum-type");

    if (name == NULL) {
        return type == NULL || error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                               "The x-amz-checksum-type header can only be used with the "
                                               "x-amz-checksum-algorithm header.");
    }
    if (!s3_checksum_kind(name, &checksum->kind)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Checksum algorithm provided is unsupported. Please try again with any of the valid "
                               "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    }
    bool sha = checksum->kind == DIGEST_SHA1 || checksum->kind == DIGEST_SHA256;

    checksum->present = true;
    checksum->composite = type != NULL ? strcmp(type, "COMPOSITE") == 0 : checksum->kind != DIGEST_CRC64NVME;
    if (type != NULL && !checksum->composite && strcmp(type, "FULL_OBJECT") != 0) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "Value for x-amz-checksum-type header is invalid.");
    }
    if ((sha && !checksum->composite) || (checksum->kind == DIGEST_CRC64NVME && checksum->composite)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "The %s checksum type cannot be used with the %s checksum algorithm.",
                               checksum->composite ? "COMPOSITE" : "FULL_OBJECT", s3_checksum_name(checksum->kind));
    }
    return true;
}

bool s3_create_multipart_upload(struct s3_request *request, struct error *error)
{
    struct object_checksum checksum = {0};

    if (!s3_put_from_headers(request, error) || !read_checksum(request, &checksum, error)) {
        return false;
    }
    request->put.event = "ObjectCreated:CompleteMultipartUpload";
    const char *id = upload_create(request->store, &request->put, &checksum, request->arena, error);

    if (id == NULL ||
        !s3_answer_encryption(request, request->put.encryption,
                              s3_header(request, "x-amz-server-side-encryption-customer-key-MD5"), error)) {
        return false;
    }
    if (checksum.present &&
        (!answer_header(request->exchange, "x-amz-checksum-algorithm", s3_checksum_name(checksum.kind), error) ||
         !answer_header(request->exchange, "x-amz-checksum-type", checksum.composite ? "COMPOSITE" : "FULL_OBJECT",
                        error))) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "InitiateMultipartUploadResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "Bucket", request->bucket_name);
    xml_leaf_text(out, "Key", request->key);
    xml_leaf_text(out, "UploadId", id);
    return s3_xml_end(request, "InitiateMultipartUploadResult", error);
}

static bool read_number(struct s3_request *request, unsigned *number, struct error *error)
{
    const char *text = s3_query(request, "partNumber");

    if (!s3_query_number(request, "partNumber", 0, UPLOAD_MAX_PARTS + 1, number, error)) {
        return false;
    }
    return (*number >= 1 && *number <= UPLOAD_MAX_PARTS) ||
           s3_bad_argument(request, "partNumber", text, "Part number must be an integer between 1 and 10000, inclusive",
                           error);
}

/* Whether the part's checksum is of the kind that the upload was begun with; one that was not given is computed. */
static bool match_checksum(struct s3_request *request, const struct upload *upload, struct error *error)
{
    struct put_expected *expected = &request->body.expected;

    if (!upload->checksum_given) {
        return true;
    }
    if (!expected->checksum_given) {
        expected->checksum_given = true;
        expected->checksum_kind = upload->checksum_kind;
    }
    return expected->checksum_kind == upload->checksum_kind ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
                           s3_checksum_name(upload->checksum_kind), s3_checksum_name(expected->checksum_kind));
}

/* Begins to put the part that the request names. */
static struct put *begin_part(struct s3_request *request, struct upload *upload, struct error *error)
{
    const char *id = s3_query(request, "uploadId");
    unsigned number = 0;
    bool given = false;

    if (!read_number(request, &number, error) ||
        !upload_head(request->store, request->bucket_name, request->key, id, request->arena, upload, error) ||
        !s3_customer_key(request, "x-amz-server-side-encryption-customer-", request->customer_key, &given, error) ||
        !match_checksum(request, upload, error)) {
        return NULL;
    }
    return upload_part_begin(request->store, request->bucket_name, request->key, id, number,
                             given ? request->customer_key : NULL, s3_body_digests(request), error);
}

bool s3_upload_part_begin(struct s3_request *request, struct error *error)
{
    struct upload upload = {0};

    request->body.put = begin_part(request, &upload, error);
    request->put.encryption = upload.encryption;
    return request->body.put != NULL;
}

bool s3_upload_part(struct s3_request *request, struct error *error)
{
    struct upload_part part = {0};

    return upload_part_finish(request->body.put, &request->body.expected, request->arena, &part, error) &&
           s3_answer_etag(request, part.etag, error) &&
           s3_answer_encryption(request, request->put.encryption,
                                s3_header(request, "x-amz-server-side-encryption-customer-key-MD5"), error) &&
           (!part.checksum.present ||
            answer_header(request->exchange, s3_checksum_header(part.checksum.kind), part.checksum.value, error));
}

static bool read_copy(struct s3_request *request, const struct copy_source *source, struct upload_copy *copy,
                      struct error *error)
{
    const char *range = s3_header(request, "x-amz-copy-source-range");

    *copy = (struct upload_copy){
        .from = source->place,
        .from_customer_key = source->customer_key,
        .conditions = source->conditions,
        .size_bytes = source->object.size_bytes,
    };
    return range == NULL || range_read_copy(range, source->object.size_bytes, &copy->offset, &copy->size_bytes) ||
           s3_bad_argument(request, "x-amz-copy-source-range", range,
                           "Range specified is not valid for the source object; it must be of the form "
                           "bytes=first-last and inside of the source.",
                           error);
}

static bool write_copied(struct s3_request *request, const struct copy_source *source, const struct upload_part *part,
                         struct error *error)
{
    if ((source->bucket->versioning != VERSIONING_NEVER &&
         !answer_header(request->exchange, "x-amz-copy-source-version-id", source->object.version_id, error)) ||
        !s3_answer_encryption(request, request->put.encryption,
                              s3_header(request, "x-amz-server-side-encryption-customer-key-MD5"), error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "CopyPartResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_time(out, "LastModified", part->modified_us);
    s3_xml_etag(out, part->etag);
    s3_xml_checksum(out, &part->checksum);
    return s3_xml_end(request, "CopyPartResult", error);
}

static bool copy_part(struct s3_request *request, struct copy_source *source, struct error *error)
{
    struct upload upload = {0};
    struct upload_copy copy = {0};
    struct upload_part part = {0};

    if (!copy_source_find(request, source, error) || !read_copy(request, source, &copy, error)) {
        return false;
    }
    request->body.put = begin_part(request, &upload, error);
    request->put.encryption = upload.encryption;
    return request->body.put != NULL &&
           (upload_part_copy(request->body.put, &copy, request->arena, &part, error) || copy_source_judged(error)) &&
           write_copied(request, source, &part, error);
}

bool s3_upload_part_copy(struct s3_request *request, struct error *error)
{
    struct copy_source source = {0};
    bool good = copy_part(request, &source, error);

    copy_source_free(request, &source);
    return good;
}

static const char *unquoted(struct s3_request *request, const char *etag, struct error *error)
{
    size_t length = strlen(etag);

    return length >= 2 && etag[0] == '"' && etag[length - 1] == '"'
               ? arena_text(request->arena, etag + 1, length - 2, error)
               : etag;
}

static bool malformed(const char *what, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "MalformedXML",
                           "The XML you provided was not well-formed or did not validate against our published schema: "
                           "%s",
                           what);
}

static bool read_part(struct s3_request *request, const struct xml_element *element, struct upload_named *part,
                      struct error *error)
{
    static const enum digest_kind kinds[] = {DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME, DIGEST_SHA1, DIGEST_SHA256};
    static const char *const elements[] = {"ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1",
                                           "ChecksumSHA256"};
    const char *number = xml_text(element, "PartNumber", ""), *etag = xml_text(element, "ETag", NULL);
    char *end = NULL;
    unsigned long value = strtoul(number, &end, 10);

    if (etag == NULL || number[0] < '0' || number[0] > '9' || *end != '\0') {
        return malformed("a Part has a PartNumber and an ETag", error);
    }
    if (value < 1 || value > UPLOAD_MAX_PARTS) {
        return s3_bad_argument(request, "partNumber", number,
                               "Part number must be an integer between 1 and 10000, inclusive", error);
    }
    *part = (struct upload_named){.number = (unsigned)value, .etag = unquoted(request, etag, error)};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *checksum = xml_text(element, elements[i], NULL);

        if (checksum != NULL && !s3_checksum_valid(kinds[i], checksum)) {
            return malformed("a part's checksum is not base 64 of its kind", error);
        }
        part->checksum_base64 = checksum != NULL ? checksum : part->checksum_base64;
    }
    return part->etag != NULL;
}

static bool read_parts(struct s3_request *request, struct upload_complete *complete, struct error *error)
{
    const struct buffer *document = &request->body.document;
    const struct xml_element *root =
        xml_read(document->data != NULL ? document->data : "", document->length, request->arena, error);
    size_t count = 0;

    if (root == NULL) {
        return false;
    }
    for (const struct xml_element *part = xml_child(root, "Part"); part != NULL; part = xml_next(part)) {
        count++;
    }
    if (strcmp(root->name, "CompleteMultipartUpload") != 0 || count == 0) {
        return malformed("a CompleteMultipartUpload names at least one Part", error);
    }
    struct upload_named *parts = arena_take(request->arena, count * sizeof *parts, error);

    if (parts == NULL) {
        return false;
    }
    complete->parts = parts;
    for (const struct xml_element *part = xml_child(root, "Part"); part != NULL; part = xml_next(part)) {
        if (!read_part(request, part, &parts[complete->part_count++], error)) {
            return false;
        }
    }
    return true;
}

/* The checksum that the whole object must have, of the type that the upload was begun with. */
static bool read_whole(struct s3_request *request, struct upload_complete *complete, struct error *error)
{
    const char *type = s3_header(request, "x-amz-checksum-type");

    for (unsigned i = 0; i < DIGEST_KINDS; i++) {
        const char *header = s3_checksum_header((enum digest_kind)i);
        const char *value = header != NULL ? s3_header(request, header) : NULL;

        if (value != NULL && complete->checksum_base64 != NULL) {
            return error_set_named(
                error, ERROR_INVALID, "InvalidRequest",
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
        }
        complete->checksum_base64 = value != NULL ? value : complete->checksum_base64;
    }
    if (type == NULL) {
        return true;
    }
    struct upload upload = {0};

    /* One that is completed already gives its answer again. */
    if (!upload_head(request->store, complete->bucket, complete->key, complete->id, request->arena, &upload, NULL) ||
        !upload.checksum_given) {
        return true;
    }
    return strcmp(type, upload.checksum_composite ? "COMPOSITE" : "FULL_OBJECT") == 0 ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "The upload was created using the %s checksum mode. The complete request must use the same "
                           "checksum mode.",
                           upload.checksum_composite ? "COMPOSITE" : "FULL_OBJECT");
}

static bool read_complete(struct s3_request *request, struct upload_complete *complete, struct error *error)
{
    const char *size = s3_header(request, "x-amz-mp-object-size");
    char *end = NULL;

    *complete = (struct upload_complete){
        .bucket = request->bucket_name,
        .key = request->key,
        .id = s3_query(request, "uploadId"),
        .request_id = request->exchange->id,
        .source_ip = request->exchange->client_ip,
    };
    if (size != NULL) {
        complete->size_bytes = strtoull(size, &end, 10);
        complete->size_given = true;
        if (*end != '\0' || size[0] < '0' || size[0] > '9') {
            return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "Value for x-amz-mp-object-size header is invalid.");
        }
    }
    return s3_put_conditions(request, &complete->conditions, error) && read_whole(request, complete, error) &&
           read_parts(request, complete, error);
}

/* The URL of the object, as the client reached the server. */
static const char *location(struct s3_request *request, struct error *error)
{
    const char *host = exchange_header(request->exchange, "Host");

    return arena_format(request->arena, error, "%s://%s%.*s", request->exchange->tls ? "https" : "http",
                        host != NULL ? host : "", STR_ARGS(request->exchange->request.path));
}

bool s3_complete_multipart_upload(struct s3_request *request, struct error *error)
{
    struct upload_complete complete;
    struct object object = {0};
    const char *url = location(request, error);

    if (url == NULL || !read_complete(request, &complete, error) ||
        !upload_complete(request->store, &complete, request->arena, &object, error) ||
        !s3_answer_version(request, request->bucket, object.version_id, error) ||
        !s3_answer_encryption(request, object.encryption, object.customer_key_md5, error)) {
        return false;
    }
    struct buffer *out = s3_xml_begin(request, "CompleteMultipartUploadResult", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "Location", url);
    xml_leaf_text(out, "Bucket", request->bucket_name);
    xml_leaf_text(out, "Key", request->key);
    s3_xml_etag(out, object.etag);
    s3_xml_checksum(out, &object.checksum);
    return s3_xml_end(request, "CompleteMultipartUploadResult", error);
}

/* x-amz-if-match-initiated-time, to the second; S3 passes over a time that is still to come. */
static bool check_started(struct s3_request *request, struct error *error)
{
    const char *text = s3_header(request, "x-amz-if-match-initiated-time");
    struct upload upload = {0};
    int64_t time_us = 0;

    if (text == NULL) {
        return true;
    }
    if (!http_date_parse(text, &time_us)) {
        return s3_bad_argument(request, "x-amz-if-match-initiated-time", text, "The time is not valid", error);
    }
    return upload_head(request->store, request->bucket_name, request->key, s3_query(request, "uploadId"),
                       request->arena, &upload, error) &&
           (upload.started_us / 1000000 == time_us / 1000000 || time_us > clock_now_us() ||
            error_set_named(error, ERROR_CONFLICT, "PreconditionFailed", "the upload was begun at another time"));
}

bool s3_abort_multipart_upload(struct s3_request *request, struct error *error)
{
    if (!check_started(request, error)) {
        return false;
    }
    answer_status(request->exchange, 204);
    return upload_abort(request->store, request->bucket_name, request->key, s3_query(request, "uploadId"), error);
}

#include "http/s3/errors.h"

#include <string.h>

#include "base/log.h"
#include "http/date.h"
#include "http/s3/answer.h"
#include "http/s3/operation.h"

/* Source: Amazon S3 API Reference, "Error responses", and the answers of the service itself. By name. */
const struct s3_error s3_error_table[] = {
    {"AccessControlListNotSupported", 400, 0, "The bucket does not allow ACLs"},
    {"AccessDenied", 403, 0, NULL},
    {"AccessForbidden", 403, S3_ERROR_METHOD, NULL},
    {"AuthorizationHeaderMalformed", 400, S3_ERROR_REGION, NULL},
    {"AuthorizationQueryParametersError", 400, 0, NULL},
    {"BadDigest", 400, 0, NULL},
    {"BadRequest", 400, 0, NULL},
    {"BucketAlreadyExists", 409, S3_ERROR_BUCKET,
     "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please "
     "select a different name and try again."},
    {"BucketAlreadyOwnedByYou", 409, S3_ERROR_BUCKET,
     "Your previous request to create the named bucket succeeded and you already own it."},
    {"BucketNotEmpty", 409, S3_ERROR_BUCKET, "The bucket you tried to delete is not empty"},
    {"EntityTooLarge", 400, 0, "Your proposed upload exceeds the maximum allowed size"},
    {"EntityTooSmall", 400, 0, "Your proposed upload is smaller than the minimum allowed size"},
    {"ExpiredToken", 400, 0, "The provided token has expired."},
    {"IllegalVersioningConfigurationException", 400, 0, NULL},
    {"IncompleteBody", 400, 0, NULL},
    {"IncorrectNumberOfFilesInPostRequest", 400, 0, "POST requires exactly one file upload per request."},
    {"InternalError", 500, 0, "We encountered an internal error. Please try again."},
    {"InvalidAccessKeyId", 403, S3_ERROR_KEY_ID, "The AWS Access Key Id you provided does not exist in our records."},
    {"InvalidArgument", 400, 0, NULL},
    {"InvalidBucketAclWithObjectOwnership", 400, 0, NULL},
    {"InvalidBucketName", 400, S3_ERROR_BUCKET, "The specified bucket is not valid."},
    {"InvalidBucketState", 409, S3_ERROR_BUCKET, NULL},
    {"InvalidDigest", 400, 0, NULL},
    {"InvalidEncryptionAlgorithmError", 400, 0,
     "The encryption request you specified is not valid. The valid value is AES256."},
    {"InvalidLocationConstraint", 400, 0, "The specified location-constraint is not valid"},
    {"InvalidObjectState", 403, 0, NULL},
    {"InvalidPart", 400, S3_ERROR_UPLOAD,
     "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
     "entity tag may not match the part's entity tag."},
    {"InvalidPartNumber", 416, 0, "The requested partnumber is not satisfiable"},
    {"InvalidPartOrder", 400, S3_ERROR_UPLOAD,
     "The list of parts was not in ascending order. Parts must be ordered by part number."},
    {"InvalidPolicyDocument", 400, 0, NULL},
    {"InvalidRange", 416, 0, "The requested range is not satisfiable"},
    {"InvalidRedirectLocation", 400, 0, NULL},
    {"InvalidRequest", 400, 0, NULL},
    {"InvalidRetentionPeriod", 400, 0, NULL},
    {"InvalidStorageClass", 400, 0, "The storage class you specified is not valid"},
    {"InvalidTag", 400, 0, NULL},
    {"InvalidToken", 400, 0, "The provided token is malformed or otherwise invalid."},
    {"InvalidURI", 400, 0, NULL},
    {"KeyTooLongError", 400, S3_ERROR_KEY, "Your key is too long"},
    {"MalformedACLError", 400, 0,
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {"MalformedPOSTRequest", 400, 0, NULL},
    {"MalformedPolicy", 400, 0, NULL},
    {"MalformedTrailerError", 400, 0, NULL},
    {"MalformedXML", 400, 0, NULL},
    {"MaxMessageLengthExceeded", 400, 0, "Your request was too big."},
    {"MaxPostPreDataLengthExceededError", 400, 0, "Your POST request fields preceding the upload file were too large."},
    {"MetadataTooLarge", 400, 0, "Your metadata headers exceed the maximum allowed metadata size"},
    {"MethodNotAllowed", 405, S3_ERROR_METHOD, "The specified method is not allowed against this resource."},
    {"MissingContentLength", 411, 0, "You must provide the Content-Length HTTP header."},
    {"MissingRequestBodyError", 400, 0, "Request Body is empty"},
    {"MissingSecurityHeader", 400, 0, NULL},
    {"NoSuchBucket", 404, S3_ERROR_BUCKET, "The specified bucket does not exist"},
    {"NoSuchBucketPolicy", 404, S3_ERROR_BUCKET, "The bucket policy does not exist"},
    {"NoSuchCORSConfiguration", 404, S3_ERROR_BUCKET, "The CORS configuration does not exist"},
    {"NoSuchConfiguration", 404, S3_ERROR_BUCKET, "The specified configuration does not exist."},
    {"NoSuchKey", 404, S3_ERROR_KEY, "The specified key does not exist."},
    {"NoSuchLifecycleConfiguration", 404, S3_ERROR_BUCKET, "The lifecycle configuration does not exist"},
    {"NoSuchObjectLockConfiguration", 404, S3_ERROR_BUCKET,
     "The specified object does not have a ObjectLock configuration"},
    {"NoSuchPublicAccessBlockConfiguration", 404, S3_ERROR_BUCKET,
     "The public access block configuration was not found"},
    {"NoSuchTagSet", 404, S3_ERROR_BUCKET, "The TagSet does not exist"},
    {"NoSuchUpload", 404, S3_ERROR_UPLOAD,
     "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
     "completed."},
    {"NoSuchVersion", 404, S3_ERROR_KEY | S3_ERROR_VERSION, "The specified version does not exist."},
    {"NoSuchWebsiteConfiguration", 404, S3_ERROR_BUCKET, "The specified bucket does not have a website configuration"},
    {"NotImplemented", 501, 0, NULL},
    {"NotModified", 304, 0, "Not Modified"},
    {"ObjectLockConfigurationNotFoundError", 404, S3_ERROR_BUCKET,
     "Object Lock configuration does not exist for this bucket"},
    {"OperationAborted", 409, 0, NULL},
    {"PreconditionFailed", 412, 0, "At least one of the pre-conditions you specified did not hold"},
    {"ReplicationConfigurationNotFoundError", 404, S3_ERROR_BUCKET, "The replication configuration was not found"},
    {"RequestIsNotMultiPartContent", 412, 0, "Bucket POST must be of the enclosure-type multipart/form-data."},
    {"RequestTimeTooSkewed", 403, 0, "The difference between the request time and the server's time is too large."},
    {"ServerSideEncryptionConfigurationNotFoundError", 404, S3_ERROR_BUCKET,
     "The server side encryption configuration was not found"},
    {"SignatureDoesNotMatch", 403, S3_ERROR_KEY_ID, NULL},
    {"UnexpectedContent", 400, 0, NULL},
    {"UnresolvableGrantByEmailAddress", 400, 0, NULL},
    {"UserKeyMustBeSpecified", 400, 0,
     "The bucket POST must contain the specified field name. If it is specified, please check the order of the "
     "fields."},
    {"XAmzContentSHA256Mismatch", 400, 0,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    {NULL, 0, 0, NULL},
};

static const struct s3_error *named(const char *name)
{
    const struct s3_error *found = s3_error_table;

    while (found->name != NULL && strcmp(found->name, name) != 0) {
        found++;
    }
    return found;
}

/* What has no name of its own is told by its code. */
static const char *name_of_code(enum error_code code)
{
    switch (code) {
    case ERROR_USAGE:
    case ERROR_INVALID:
        return "InvalidRequest";
    case ERROR_DENIED:
        return "AccessDenied";
    case ERROR_NOT_FOUND:
        return "NoSuchKey";
    case ERROR_CONFLICT:
        return "OperationAborted";
    case ERROR_NONE:
    case ERROR_LIMIT:
    case ERROR_IO:
    case ERROR_MEMORY:
    case ERROR_CORRUPT:
    case ERROR_INTERNAL:
        break;
    }
    return "InternalError";
}

const struct s3_error *s3_error_of(const struct error *error)
{
    const struct s3_error *found = named(error->name != NULL ? error->name : name_of_code(error->code));

    return found->name != NULL ? found : named(name_of_code(error->code));
}

static void write_elements(struct buffer *out, const struct s3_request *request, unsigned elements)
{
    if ((elements & S3_ERROR_BUCKET) != 0) {
        xml_leaf_text(out, "BucketName", request->bucket_name);
    }
    if ((elements & S3_ERROR_KEY) != 0) {
        xml_leaf_text(out, "Key", request->key);
    }
    if ((elements & S3_ERROR_VERSION) != 0) {
        xml_leaf_text(out, "VersionId", request->version_id);
    }
    if ((elements & S3_ERROR_UPLOAD) != 0) {
        xml_leaf_text(out, "UploadId", s3_query(request, "uploadId"));
    }
    if ((elements & S3_ERROR_METHOD) != 0) {
        xml_leaf(out, "Method", request->exchange->request.method);
        xml_leaf_text(out, "ResourceType",
                      request->key[0] != '\0'           ? "OBJECT"
                      : request->bucket_name[0] != '\0' ? "BUCKET"
                                                        : "SERVICE");
    }
    if ((elements & S3_ERROR_KEY_ID) != 0) {
        xml_leaf_text(out, "AWSAccessKeyId", request->caller.claim.access_key_id);
    }
    if ((elements & S3_ERROR_REGION) != 0) {
        xml_leaf_text(out, "Region", request->s3->options.region);
    }
    for (size_t i = 0; i < request->extra_count; i++) {
        xml_leaf_text(out, request->extras[i].name, request->extras[i].value);
    }
}

static void write_xml(struct s3_request *request, const struct s3_error *kind, const char *message)
{
    struct exchange *exchange = request->exchange;
    struct buffer *out = answer_body(exchange);

    buffer_clear(out);
    xml_declare(out);
    xml_open(out, "Error");
    xml_leaf_text(out, "Code", kind->name);
    xml_leaf_text(out, "Message", message);
    write_elements(out, request, kind->elements);
    xml_leaf_text(out, "Resource", exchange->path != NULL ? exchange->path : "");
    xml_leaf_text(out, "RequestId", exchange->id);
    xml_leaf_text(out, "HostId", request->s3->host_id);
    xml_close(out, "Error");
}

/* What was found is a delete marker. */
static void answer_marker(struct s3_request *request)
{
    char modified[30];

    http_date_format(request->marker_modified_us, modified);
    answer_header(request->exchange, "x-amz-delete-marker", "true", NULL);
    answer_header(request->exchange, "x-amz-version-id", request->marker_version, NULL);
    answer_header(request->exchange, "Last-Modified", modified, NULL);
}

void s3_error_answer(struct s3_request *request, const struct error *error)
{
    const struct s3_error *kind = s3_error_of(error);
    struct exchange *exchange = request->exchange;
    const char *message = kind->message != NULL ? kind->message : error->message;

    exchange->log_error = kind->name;
    if (kind->status >= 500 && kind->status != 501) {
        log_event(LOG_ERROR, "s3_failure", "request", "s", exchange->id, "operation", "s",
                  request->operation != NULL ? request->operation->name : "", "problem", "s", error->message, NULL);
    }
    answer_status(exchange, kind->status);
    /* What does not fit any more into a header or the body is left out: the status says most. */
    s3_answer_common(request, NULL);
    if (request->marker_version != NULL) {
        answer_marker(request);
    }
    if (kind->status == 405) {
        answer_header(exchange, "Allow", request->marker_version != NULL ? "DELETE" : "GET, HEAD, PUT, POST, DELETE",
                      NULL);
    }
    if (kind->status == 304 || str_is(exchange->request.method, "HEAD")) {
        return;
    }
    answer_header(exchange, "Content-Type", "application/xml", NULL);
    write_xml(request, kind, message);
}

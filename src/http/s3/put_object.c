#include "http/s3/answer.h"
#include "http/s3/body.h"
#include "http/s3/operation.h"
#include "http/s3/put_headers.h"

bool s3_put_object_begin(struct s3_request *request, struct error *error)
{
    if (!s3_put_from_headers(request, error)) {
        return false;
    }
    request->put.event = "ObjectCreated:Put";
    request->put.digests = s3_body_digests(request);
    request->body.put = object_put_begin(request->store, &request->put, error);
    return request->body.put != NULL;
}

bool s3_put_object(struct s3_request *request, struct error *error)
{
    struct object object = {0};

    return object_put_finish(request->body.put, &request->body.expected, request->arena, &object, error) &&
           s3_answer_etag(request, object.etag, error) &&
           s3_answer_version(request, request->bucket, object.version_id, error) &&
           s3_answer_encryption(request, object.encryption, object.customer_key_md5, error) &&
           s3_answer_checksum(request, &object.checksum, error);
}

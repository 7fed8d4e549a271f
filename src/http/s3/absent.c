/* What S3 has and this server has not: the answers that S3 gives where it is not configured, never a wrong success. */
#include <string.h>

#include "http/s3/object_facts.h"
#include "http/s3/operation.h"

/* Always the operation's own error. */
bool s3_absent(struct s3_request *request, struct error *error)
{
    const char *name = request->operation->absent;

    return error_set_named(error, ERROR_NOT_FOUND, name,
                           strcmp(name, "NotImplemented") == 0
                               ? "%s is not implemented: a header or parameter you provided implies functionality that "
                                 "this server does not have."
                               : "%s: there is none.",
                           request->operation->name);
}

/* One configuration by its id is not there; the list of them is empty. */
bool s3_absent_id(struct s3_request *request, struct error *error)
{
    if (s3_query(request, "id") != NULL) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchConfiguration", "there is none");
    }
    struct buffer *out = s3_xml_begin(request, request->operation->absent, error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_bool(out, "IsTruncated", false);
    return s3_xml_end(request, request->operation->absent, error);
}

bool s3_empty_document(struct s3_request *request, struct error *error)
{
    return s3_xml_begin(request, request->operation->absent, error) != NULL &&
           s3_xml_end(request, request->operation->absent, error);
}

/* Taking away what is not there is done. */
bool s3_delete_absent(struct s3_request *request, struct error *error)
{
    (void)error;
    answer_status(request->exchange, 204);
    return true;
}

bool s3_get_request_payment(struct s3_request *request, struct error *error)
{
    struct buffer *out = s3_xml_begin(request, "RequestPaymentConfiguration", error);

    if (out == NULL) {
        return false;
    }
    xml_leaf_text(out, "Payer", "BucketOwner");
    return s3_xml_end(request, "RequestPaymentConfiguration", error);
}

bool s3_put_request_payment(struct s3_request *request, struct error *error)
{
    const struct buffer *document = &request->body.document;
    const struct xml_element *root =
        xml_read(document->data != NULL ? document->data : "", document->length, request->arena, error);

    return root != NULL &&
           (strcmp(xml_text(root, "Payer", ""), "BucketOwner") == 0 ||
            error_set_named(error, ERROR_INVALID, "NotImplemented", "Nobody pays for requests to this server."));
}

/* Objects of every class can be read at once here, so none is to be restored. */
bool s3_restore_object(struct s3_request *request, struct error *error)
{
    struct object object = {0};

    return s3_object_find(request, &object, error) &&
           error_set_named(error, ERROR_DENIED, "InvalidObjectState",
                           "Restore is not allowed for the object's current storage class");
}

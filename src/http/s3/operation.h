/* What an operation of S3 is, and the table of all that are known (operations.c). */
#ifndef AISLE_HTTP_S3_OPERATION_H
#define AISLE_HTTP_S3_OPERATION_H

#include "http/s3/request.h"

enum s3_level { S3_SERVICE, S3_BUCKET, S3_OBJECT };

enum s3_body_kind {
    S3_NO_BODY,  /* what comes is passed over */
    S3_DOCUMENT, /* gathered, checked, then given to `finish` */
    S3_BYTES,    /* streamed into `body.put`, which `begin` sets up */
    S3_FORM,     /* a browser's form */
};

enum s3_operation_flags {
    S3_QUICK = 1,          /* `finish` waits for nothing: it runs on the connection's loop */
    S3_WITHOUT_BUCKET = 2, /* the bucket need not exist */
    S3_OPEN = 4,           /* nobody is asked who they are, or the operation does */
    S3_OWN_ACCESS = 8,     /* the operation asks for the rights that it needs by itself */
    S3_OWN_CHECKSUM = 16,  /* the checksum in the headers is not the body's */
};

struct setting;

struct operation {
    const char *method;
    enum s3_level level;
    const char *query;  /* the parameter that selects it, "NAME" or "NAME=VALUE"; NULL: none */
    const char *name;   /* "PutObject" */
    const char *action; /* the right that it needs */
    bool (*finish)(struct s3_request *request, struct error *error);
    unsigned flags;
    enum s3_body_kind body;
    const char *header;         /* that must be there, too; NULL: none */
    const char *version_action; /* the right when a version is named; NULL: the same */
    bool (*begin)(struct s3_request *request, struct error *error); /* before the body; may be NULL */
    const struct setting *setting;                                  /* what it gets, puts or takes away */
    const char *absent; /* of what is not here: the error's name, or the root of the empty document */
};

/* The operation that takes a request; NULL with MethodNotAllowed. */
const struct operation *operation_find(const struct s3_request *request, struct error *error);
/* All of them, ended by one without a name. */
extern const struct operation operation_table[];

/* Every operation, by file. */

/* absent.c */
bool s3_absent(struct s3_request *request, struct error *error);
bool s3_restore_object(struct s3_request *request, struct error *error);
bool s3_absent_id(struct s3_request *request, struct error *error);
bool s3_empty_document(struct s3_request *request, struct error *error);
bool s3_delete_absent(struct s3_request *request, struct error *error);
bool s3_get_request_payment(struct s3_request *request, struct error *error);
bool s3_put_request_payment(struct s3_request *request, struct error *error);

/* acl.c */
bool s3_get_bucket_acl(struct s3_request *request, struct error *error);
bool s3_put_bucket_acl(struct s3_request *request, struct error *error);
bool s3_get_object_acl(struct s3_request *request, struct error *error);
bool s3_put_object_acl(struct s3_request *request, struct error *error);

/* bucket.c */
bool s3_list_buckets(struct s3_request *request, struct error *error);
bool s3_create_bucket(struct s3_request *request, struct error *error);
bool s3_head_bucket(struct s3_request *request, struct error *error);
bool s3_delete_bucket(struct s3_request *request, struct error *error);
bool s3_get_bucket_location(struct s3_request *request, struct error *error);

/* copy_object.c */
bool s3_copy_object(struct s3_request *request, struct error *error);

/* cors.c */
bool s3_preflight(struct s3_request *request, struct error *error);

/* delete_object.c */
bool s3_delete_object(struct s3_request *request, struct error *error);
bool s3_delete_objects(struct s3_request *request, struct error *error);

/* get_object.c */
bool s3_get_object(struct s3_request *request, struct error *error);
bool s3_head_object(struct s3_request *request, struct error *error);

/* list_objects.c */
bool s3_list_objects(struct s3_request *request, struct error *error);
bool s3_list_objects_v2(struct s3_request *request, struct error *error);

/* list_versions.c */
bool s3_list_object_versions(struct s3_request *request, struct error *error);

/* lock.c */
bool s3_get_object_retention(struct s3_request *request, struct error *error);
bool s3_get_object_legal_hold(struct s3_request *request, struct error *error);
bool s3_put_object_retention(struct s3_request *request, struct error *error);
bool s3_put_object_legal_hold(struct s3_request *request, struct error *error);

/* multipart.c */
bool s3_create_multipart_upload(struct s3_request *request, struct error *error);
bool s3_upload_part_begin(struct s3_request *request, struct error *error);
bool s3_upload_part(struct s3_request *request, struct error *error);
bool s3_upload_part_copy(struct s3_request *request, struct error *error);
bool s3_complete_multipart_upload(struct s3_request *request, struct error *error);
bool s3_abort_multipart_upload(struct s3_request *request, struct error *error);

/* multipart_list.c */
bool s3_list_multipart_uploads(struct s3_request *request, struct error *error);
bool s3_list_parts(struct s3_request *request, struct error *error);

/* object_attributes.c */
bool s3_get_object_attributes(struct s3_request *request, struct error *error);

/* object_tagging.c */
bool s3_get_object_tagging(struct s3_request *request, struct error *error);
bool s3_put_object_tagging(struct s3_request *request, struct error *error);
bool s3_delete_object_tagging(struct s3_request *request, struct error *error);

/* post_object.c */
bool s3_post_object_begin(struct s3_request *request, struct error *error);
bool s3_post_object(struct s3_request *request, struct error *error);

/* put_object.c */
bool s3_put_object_begin(struct s3_request *request, struct error *error);
bool s3_put_object(struct s3_request *request, struct error *error);

/* setting.c */
bool s3_get_setting(struct s3_request *request, struct error *error);
bool s3_put_setting(struct s3_request *request, struct error *error);
bool s3_delete_setting(struct s3_request *request, struct error *error);
bool s3_get_bucket_policy(struct s3_request *request, struct error *error);
bool s3_put_bucket_policy(struct s3_request *request, struct error *error);
bool s3_delete_bucket_policy(struct s3_request *request, struct error *error);
bool s3_get_bucket_policy_status(struct s3_request *request, struct error *error);

#endif

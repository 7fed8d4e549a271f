/* One S3 request on its way through its operation: what all files of the S3 service share. */
#ifndef AISLE_HTTP_S3_REQUEST_H
#define AISLE_HTTP_S3_REQUEST_H

#include "http/s3/access.h"
#include "http/s3/post_policy.h"
#include "http/s3/s3.h"
#include "store/local/object.h"
#include "store/local/upload.h"

struct s3 {
    struct s3_options options;
    struct access *access;
    char host_id[65];  /* x-amz-id-2 of every answer */
    char owner_id[65]; /* the canonical id of the server's account */
    struct service service;
};

/* An element of an error's XML beyond what its name implies. */
struct s3_extra {
    const char *name, *value;
};
enum { S3_MOST_EXTRAS = 6 };

/* What a request's body must be and where it goes (body.c). */
struct s3_body {
    struct sign_chunks *chunks; /* takes the framing off; NULL: there is none */
    struct buffer document;     /* gathered, when it is not an object's */
    struct put *put;            /* an object's or a part's bytes; freed at the end */
    struct form *form;          /* a browser's form */
    uint64_t received_bytes;    /* without framing */
    struct put_expected expected;
    bool checksum_in_trailer;
    const char *trailer; /* the checksum's header name, when it comes after the bytes */
};

struct s3_request {
    struct s3 *s3;
    struct local_store *store;
    struct exchange *exchange;
    struct arena *arena;
    const struct operation *operation; /* NULL: no operation takes this request */
    const char *bucket_name;           /* "": the service itself */
    bool bucket_in_host;               /* the host names the bucket, not the path */
    const char *key;                   /* "": the bucket itself */
    const char *version_id;            /* NULL: the current one */
    const struct bucket *bucket;       /* counted; NULL where the operation needs none */
    struct access_caller caller;
    struct s3_body body;
    const struct store_field *new_tags; /* that a document gives the object: condition keys of its rights */
    size_t new_tag_count;
    struct object_put put;           /* of what creates objects, gathered before the body comes */
    const struct sign_field *fields; /* a form's, which stand for headers; NULL: the request's own headers do */
    size_t field_count;
    struct post_sizes sizes; /* that a form's file may have */
    uint8_t customer_key[32], source_customer_key[32];
    const char *marker_version; /* the delete marker that was found instead of an object; NULL: none */
    int64_t marker_modified_us;
    struct s3_extra extras[S3_MOST_EXTRAS];
    size_t extra_count;
};

/* A header of the request, NULL when it is not there or empty. */
const char *s3_header(const struct s3_request *request, const char *name);
/* All of them, as they came. */
const struct sign_field *s3_headers(const struct s3_request *request, size_t *count);
const char *s3_query(const struct s3_request *request, const char *name);

/* Keeps an element for the error's XML; the texts live as long as the exchange. */
void s3_extra(struct s3_request *request, const char *name, const char *value);

/* InvalidArgument with ArgumentName and ArgumentValue. Returns false. */
bool s3_bad_argument(struct s3_request *request, const char *name, const char *value, const char *message,
                     struct error *error);

/* Whether who asks may do `action` with the bucket (NULL: it does not exist yet, or all of the service), or with an
 * object of it. AccessDenied. */
bool s3_allow(struct s3_request *request, const char *action, const struct bucket *bucket,
              const struct object_place *place, struct error *error);

/* KeyTooLongError, InvalidURI. */
bool s3_check_key(struct s3_request *request, struct error *error);

struct object_place s3_place(const struct s3_request *request);

/* A parameter that is a whole number of 0 … `most`; `fallback` when it is not given. Larger is cut to `most`. */
bool s3_query_number(struct s3_request *request, const char *name, unsigned fallback, unsigned most, unsigned *number,
                     struct error *error);

#endif

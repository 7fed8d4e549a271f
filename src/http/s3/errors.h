/* S3's errors: what each name stands for, and how it is told. */
#ifndef AISLE_HTTP_S3_ERRORS_H
#define AISLE_HTTP_S3_ERRORS_H

#include "base/error.h"

/* The elements that an error's XML has besides Code, Message, Resource, RequestId and HostId. */
enum s3_error_elements {
    S3_ERROR_BUCKET = 1,  /* BucketName */
    S3_ERROR_KEY = 2,     /* Key */
    S3_ERROR_VERSION = 4, /* VersionId */
    S3_ERROR_UPLOAD = 8,  /* UploadId */
    S3_ERROR_METHOD = 16, /* Method, ResourceType */
    S3_ERROR_KEY_ID = 32, /* AWSAccessKeyId */
    S3_ERROR_REGION = 64, /* Region */
};

struct s3_error {
    const char *name;
    unsigned status;
    unsigned elements;
    const char *message; /* S3's sentence; NULL: the sentence of who detected it stands */
};

/* What a failure is in S3: by its name, else by its code. Never NULL. */
const struct s3_error *s3_error_of(const struct error *error);
/* All of them, ended by one without a name. */
extern const struct s3_error s3_error_table[];

struct s3_request;
/* Makes the answer of a failure: status, and XML except where the method or status has no body. */
void s3_error_answer(struct s3_request *request, const struct error *error);

#endif

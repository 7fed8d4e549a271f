/* Object lock: what headers say of it. */
#ifndef AISLE_HTTP_S3_LOCK_H
#define AISLE_HTTP_S3_LOCK_H

#include "http/s3/request.h"

/* Fills the lock of request->put from the x-amz-object-lock- headers. */
bool s3_put_lock(struct s3_request *request, struct error *error);

#endif

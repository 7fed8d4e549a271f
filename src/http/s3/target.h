/* Which bucket and key a request is about: by its path, or by its host (virtual-host style). */
#ifndef AISLE_HTTP_S3_TARGET_H
#define AISLE_HTTP_S3_TARGET_H

#include "http/s3/request.h"

/* Fills bucket_name, key and version_id. A host BUCKET.DOMAIN names the bucket, and the path is the key; on any other
 * host the path is /BUCKET/KEY. */
bool s3_target_find(struct s3_request *request, struct error *error);

#endif

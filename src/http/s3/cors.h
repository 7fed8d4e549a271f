/* Cross-origin requests of browsers: preflights, and the headers of answers. Source: WHATWG Fetch, "CORS protocol", and
 * Amazon S3 User Guide, "How does Amazon S3 evaluate the CORS configuration on a bucket?". */
#ifndef AISLE_HTTP_S3_CORS_H
#define AISLE_HTTP_S3_CORS_H

#include "http/s3/request.h"

/* Adds what the bucket's configuration says to the answer of a request that has an Origin. */
bool cors_answer(struct s3_request *request, struct error *error);

/* Whether `text` is the same as `pattern`, in which one star stands for any characters; without case when `fold`. */
bool cors_matches(const char *pattern, const char *text, size_t length, bool fold);

#endif

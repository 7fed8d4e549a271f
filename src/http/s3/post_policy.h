/* The policy of a browser's form: what its fields may be. Source: Amazon S3 API Reference, "Creating a POST policy". */
#ifndef AISLE_HTTP_S3_POST_POLICY_H
#define AISLE_HTTP_S3_POST_POLICY_H

#include "aws/sign.h"

struct post_sizes {
    uint64_t least_bytes, most_bytes;
};

/* Checks the form's fields (names with "key" as it came, file name put in) against a policy document in base 64. Gives
 * the sizes that the file may have. AccessDenied ("Invalid according to Policy: …"), or InvalidPolicyDocument. */
bool post_policy_check(const char *base64, const struct sign_field *fields, size_t count, const char *bucket,
                       int64_t now_us, struct post_sizes *sizes, struct arena *arena, struct error *error);

#endif

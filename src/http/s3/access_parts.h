/* What the files of access share. */
#ifndef AISLE_HTTP_S3_ACCESS_PARTS_H
#define AISLE_HTTP_S3_ACCESS_PARTS_H

#include "http/s3/access.h"

/* A policy of an access key as it is compiled, counted by those who use it. */
struct access_identity {
    struct policy *policy;
    char *json; /* what it was compiled from */
    _Atomic unsigned uses;
};

struct access_rights {
    struct policy *policy; /* NULL: none */
    bool policy_is_public;
    bool block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets;
    bool acls;       /* they count */
    const char *acl; /* JSON of BUCKET_ACL; NULL: the owner alone. The bucket's */
};

/* Whether an ACL (NULL: of its owner alone) grants the action to the caller. */
bool access_acl_grants(const char *acl, const char *action, bool of_object, const struct access_caller *caller,
                       bool ignore_public, bool *grants, struct error *error);

/* The condition keys of a request, and those that the operation adds, in the exchange's arena. */
bool access_context(const struct exchange *exchange, const struct access_caller *caller, const struct access_ask *ask,
                    struct sign_field **context, size_t *count, struct error *error);

#endif

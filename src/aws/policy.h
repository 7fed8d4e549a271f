/* The policy language: who may do what with which resource, and when.
 *
 * Source: AWS IAM User Guide, "Grammar of the IAM JSON policy language" and "Policy evaluation logic". An explicit deny
 * wins, then any allow, else denied.
 */
#ifndef AISLE_AWS_POLICY_H
#define AISLE_AWS_POLICY_H

#include "aws/sign.h"

enum policy_kind {
    POLICY_OF_RESOURCE, /* names principals: a bucket's policy */
    POLICY_OF_IDENTITY, /* has none: belongs to an access key */
};

struct policy;

/* Compiles a document; the error (name MalformedPolicy) says which statement and member is wrong. `resource_prefix`
 * (such as "arn:aws:s3:::photos") must begin every resource of a policy of a resource; NULL: any. */
struct policy *policy_compile(const char *json, size_t size, enum policy_kind kind, const char *resource_prefix,
                              struct error *error);
void policy_free(struct policy *policy);

/* What is asked. */
struct policy_request {
    const char *principal;            /* ARN "arn:aws:iam::OWNER:user/NAME"; NULL: anonymous */
    const char *account;              /* the principal's account id; NULL: anonymous */
    const char *action;               /* "s3:GetObject" */
    const char *resource;             /* "arn:aws:s3:::photos/2025/a.jpg" */
    const struct sign_field *context; /* condition keys and their values: aws:SourceIp, aws:SecureTransport, s3:prefix,
                                         s3:x-amz-acl, aws:CurrentTime, aws:UserAgent, s3:ExistingObjectTag/…, … ; a
                                         key with several values is given several times; names compare without case */
    size_t context_count;
};

enum policy_verdict { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES };

/* The verdict of one policy. Variables such as ${aws:username} in resources and conditions are put in. Operators:
 * String*, Numeric*, Date*, Bool, IpAddress, NotIpAddress, Arn*, Null, Binary, each with …IfExists, ForAnyValue: and
 * ForAllValues:. A failure (memory) counts as a denial and is in the error. */
enum policy_verdict policy_judge(const struct policy *policy, const struct policy_request *request,
                                 struct error *error);

/* Whether it lets everybody in (for BlockPublicPolicy and RestrictPublicBuckets): an allow to principal "*" that no
 * condition on a fixed source, account or organisation narrows. Source: Amazon S3 User Guide, "The meaning of public".
 */
bool policy_is_public(const struct policy *policy);

/* Whether a condition or variable of the policy speaks of a key that begins with that ("s3:ExistingObjectTag/"), so
 * that it must be in the context. */
bool policy_mentions(const struct policy *policy, const char *key_prefix);

#endif

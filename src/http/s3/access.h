/* Who asks, and whether they may.
 *
 * A caller is who signed a request: an access key, or nobody (anonymous). What a caller may do is worked out as AWS
 * does it (IAM User Guide, "Policy evaluation logic"; Amazon S3 User Guide, "How Amazon S3 authorizes a request"):
 *
 *   1. an explicit deny of the bucket's policy or of the access key's own policy wins;
 *   2. in the account that owns the bucket, an allow of either suffices; an access key without a policy of its own has
 *      all rights of its account;
 *   3. another account's key needs its own policy's allow (or to have none) and the bucket's: by its policy, or by a
 *      grant of an ACL where the bucket's ownership setting allows ACLs;
 *   4. nobody needs the bucket's policy, or a grant to all users, and that public access is not blocked.
 */
#ifndef AISLE_HTTP_S3_ACCESS_H
#define AISLE_HTTP_S3_ACCESS_H

#include "aws/policy.h"
#include "aws/sign.h"
#include "http/exchange.h"
#include "store/local/access_key.h"
#include "store/local/bucket.h"

struct access; /* one a server: remembers derived signing keys and compiled policies of keys; safe from any thread */

struct access_options {
    struct local_store *store;
    const char *region;  /* that signatures must be for */
    const char *service; /* "s3" */
};
struct access *access_new(const struct access_options *options, struct error *error);
void access_free(struct access *access);

/* Who sent a request. All texts live as long as the exchange, or until access_leave. */
struct access_caller {
    const char *account;                    /* account id; NULL: anonymous */
    const char *name;                       /* "admin"; NULL: anonymous */
    const char *principal;                  /* "arn:aws:iam::ACCOUNT:user/NAME"; NULL: anonymous */
    struct sign_claim claim;                /* its payload_hash says what the body must be */
    struct sign_key signing_key;            /* for sign_chunks_new */
    const struct access_key *key;           /* held until access_leave; NULL: anonymous */
    const struct access_identity *identity; /* the key's compiled policy, held until access_leave; NULL: all rights */
};

/* `body_sha256`: 64 hexadecimal digits, for services whose requests need not say what their body's hash is; NULL for
 * S3, whose requests do. It lives as long as the exchange.
 *
 * Reads the request's claim and checks it: InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed,
 * ExpiredToken, InvalidToken, AuthorizationHeaderMalformed (wrong region or service), AccessDenied (a presigned URL has
 * expired), … Anonymous requests succeed. Call access_leave in any case, also after a failure. */
bool access_authenticate(struct access *access, const struct exchange *exchange, const char *body_sha256,
                         struct access_caller *caller, struct error *error);

/* The same for a URL presigned by Signature Version 2, which says so by a parameter AWSAccessKeyId. `host_bucket`: the
 * bucket, when the host names it; NULL when the path does. */
bool access_is_url_2(const struct exchange *exchange);
bool access_authenticate_url_2(struct access *access, const struct exchange *exchange, const char *host_bucket,
                               struct access_caller *caller, struct error *error);

/* The same for a browser's form, by its fields before the file (names compare without case): "policy",
 * "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token". A form without a
 * policy is anonymous. That the policy's conditions hold is the form operation's to check. */
bool access_authenticate_form(struct access *access, const struct exchange *exchange, const struct sign_field *fields,
                              size_t field_count, struct access_caller *caller, struct error *error);
void access_leave(struct access *access, struct access_caller *caller);

/* What of a bucket's settings bears on who may do what, compiled: kept with the bucket (bucket_deriver). */
struct access_rights;
struct access_rights *access_rights_new(const struct bucket *bucket, struct error *error);
void access_rights_free(struct access_rights *rights);
/* Whether ACLs count in this bucket (its ownership is not BucketOwnerEnforced). */
bool access_rights_acls(const struct access_rights *rights);
/* Whether the bucket's policy makes it public, for GetBucketPolicyStatus. */
bool access_rights_policy_is_public(const struct access_rights *rights);

/* False when nothing in the bucket can be allowed to the caller, whatever is asked. */
bool access_may_be(const struct access_caller *caller, const struct access_rights *rights);

struct access_ask {
    const char *action;                 /* "s3:GetObject" */
    const char *bucket_name;            /* NULL: all of the service ("s3:ListAllMyBuckets") */
    const struct bucket *bucket;        /* NULL: it does not exist ("s3:CreateBucket") */
    const struct access_rights *rights; /* of the bucket */
    const char *key;                    /* NULL: the bucket itself */
    const char *version_id;             /* s3:VersionId; NULL: none is named */
    const char *object_owner;           /* account id; NULL: the bucket's owner */
    const char *object_acl;             /* JSON as of BUCKET_ACL; NULL: its owner has full control and nobody else */
    const struct sign_field *headers;   /* that stand for the request's own, as a form's fields do; NULL: those */
    size_t header_count;
    const struct sign_field *context; /* more condition keys than those that the request itself gives */
    size_t context_count;
};

/* Whether the caller may: AccessDenied otherwise, or when x-amz-expected-bucket-owner is not the bucket's owner. From
 * the request come: aws:SourceIp, aws:SecureTransport, aws:CurrentTime, aws:EpochTime, aws:UserAgent, aws:Referer,
 * aws:username, aws:userid, aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType, aws:TokenIssueTime,
 * aws:ResourceAccount, s3:signatureversion, s3:signatureAge, s3:authType, s3:prefix, s3:delimiter, s3:max-keys,
 * s3:VersionId, s3:x-amz-… of every such header, s3:RequestObjectTag/… and s3:RequestObjectTagKeys of x-amz-tagging,
 * s3:ResourceAccount. The operation gives what only it knows: s3:ExistingObjectTag/…,
 * s3:object-lock-remaining-retention-days, … */
bool access_allow(struct access *access, const struct exchange *exchange, const struct access_caller *caller,
                  const struct access_ask *ask, struct error *error);

/* The same for another service's action ("dynamodb:PutItem") and resource (an ARN with its account), which only the
 * policies of access keys speak of: keys of other accounts are denied. */
bool access_allow_action(struct access *access, const struct exchange *exchange, const struct access_caller *caller,
                         const char *action, const char *resource, struct error *error);

/* Whether a policy that bears on this bucket and caller speaks of the object's tags, so that the operation must read
 * them for s3:ExistingObjectTag/… before it asks. */
bool access_needs_tags(const struct access_caller *caller, const struct access_rights *rights);

/* Whether a policy may be put on the bucket: MalformedPolicy, or AccessDenied when it is public and the bucket blocks
 * public policies. */
bool access_check_policy(const struct bucket *bucket, const struct access_rights *rights, const char *json, size_t size,
                         struct error *error);

/* Whether an ACL (JSON as of BUCKET_ACL) may be put on the bucket or an object of it: AccessControlListNotSupported
 * where the bucket's ownership allows none (but one that only says that the bucket's owner has full control),
 * AccessDenied when it is public and the bucket blocks public ACLs. */
bool access_check_acl(const struct bucket *bucket, const struct access_rights *rights, const char *acl,
                      struct error *error);

/* The canonical user id of an account, as XML shows owners and grants name grantees: the SHA-256 of the account id, 64
 * hexadecimal digits. */
bool access_canonical_id(const char *account, char id[65], struct error *error);

#endif

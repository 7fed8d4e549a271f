/* AWS Signature Version 4: making a signature and checking one.
 *
 * Source: AWS General Reference, "Signature Version 4 signing process", and the Amazon S3 API Reference,
 * "Authenticating Requests (AWS Signature Version 4)". Both sides use the one canonical form below.
 */
#ifndef AISLE_AWS_SIGN_H
#define AISLE_AWS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* A name and a value, as in a header, a query or a form. */
struct sign_field {
    struct str name, value;
};

/* What of a request is signed. */
struct sign_request {
    struct str method;
    struct str path;  /* as it goes over the wire: percent-encoded, from the first slash, without the query */
    struct str query; /* as it goes over the wire, without the question mark; may be empty */
    const struct sign_field *headers; /* as sent; names in any case; equal names are joined by commas */
    size_t header_count;
};

struct sign_scope {
    char date[9];     /* "20250701" */
    char region[64];  /* "us-east-1" */
    char service[64]; /* "s3" */
};

struct sign_credentials {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* NULL: none */
};

/* A key that signs everything of one day, region and service: kept, it saves four HMACs a request. */
struct sign_key {
    uint8_t bytes[32];
};
bool sign_key_derive(const char *secret_access_key, const struct sign_scope *scope, struct sign_key *key,
                     struct error *error);

/* Payload hashes that stand for something else than a hash. */
#define SIGN_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGN_STREAMING "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define SIGN_STREAMING_TRAILER "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define SIGN_UNSIGNED_TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

/* Signs a request that a client is about to send. Gives the headers to add (x-amz-date, x-amz-content-sha256 for s3,
 * x-amz-security-token where there is a token, authorization), in the arena. `payload_hash` is 64 hexadecimal digits
 * or one of the texts above. All given headers are signed; give at least host. */
bool sign_headers(const struct sign_request *request, const struct sign_credentials *credentials,
                  const struct sign_scope *scope, int64_t now_us, const char *payload_hash, struct arena *arena,
                  struct sign_field **added, size_t *added_count, struct error *error);

/* A query that carries the signature (a presigned URL): the request's query with X-Amz-Algorithm … X-Amz-Signature, in
 * the arena. The request's headers are the ones to be signed; host must be among them. 1 to 604,800 seconds. */
const char *sign_query(const struct sign_request *request, const struct sign_credentials *credentials,
                       const struct sign_scope *scope, int64_t now_us, int64_t expires_seconds, struct arena *arena,
                       struct error *error);

/* How a request says who sent it. */
enum sign_form { SIGN_ANONYMOUS, SIGN_HEADER, SIGN_QUERY, SIGN_POST_FORM, SIGN_URL_2, SIGN_FORM_2 };

/* What a request claims, before it is checked. */
struct sign_claim {
    enum sign_form form;
    const char *access_key_id;
    const char *session_token; /* NULL: none */
    struct sign_scope scope;
    int64_t signed_us;         /* X-Amz-Date */
    int64_t expires_seconds;   /* SIGN_QUERY: after signed_us; SIGN_URL_2: since 1970 */
    const char *payload_hash;  /* x-amz-content-sha256; SIGN_UNSIGNED for an S3 query and an anonymous request that give
                                  none; NULL where another service's request gives none: set it to the body's hash
                                  before the check */
    struct str signed_headers; /* "host;x-amz-date" */
    char signature[65];
};

/* Reads the claim of a request from its Authorization header or query. Fails, with S3's name for the failure
 * (AuthorizationHeaderMalformed, AuthorizationQueryParametersError, InvalidArgument, …), when it is malformed or is
 * Signature Version 2, which is told apart (InvalidRequest). */
bool sign_claim_read(const struct sign_request *request, struct arena *arena, struct sign_claim *claim,
                     struct error *error);

/* Checks the claim of a request under the key of its owner: signature (SignatureDoesNotMatch, with the canonical
 * request and string to sign in the message as S3 gives them), clock within 15 minutes for headers
 * (RequestTimeTooSkewed), not expired nor signed in the future for a query (AccessDenied, "Request has expired"), all
 * headers signed that must be (host, x-amz-*). */
bool sign_claim_check(const struct sign_request *request, const struct sign_claim *claim, const struct sign_key *key,
                      int64_t now_us, struct arena *arena, struct error *error);

/* A browser's form (POST policy). The claim of its fields before the file ("x-amz-algorithm", "x-amz-credential",
 * "x-amz-date", "x-amz-signature", "x-amz-security-token", in any case), anonymous when there is no "policy"; and the
 * check: the policy document, base 64, under the form's signature. */
bool sign_form_read(const struct sign_field *fields, size_t field_count, struct arena *arena, struct sign_claim *claim,
                    struct error *error);
bool sign_form_check(struct str policy_base64, const struct sign_claim *claim, const struct sign_key *key,
                     struct error *error);

/* The same for a form by Signature Version 2, as boto3 makes them by default: HMAC-SHA1 under the secret itself. */
bool sign_form_2_check(struct str policy_base64, const struct sign_claim *claim, const char *secret_access_key,
                       struct error *error);

/* URLs presigned by Signature Version 2, which boto3 and version 1 of the AWS CLI make unless told otherwise: the query
 * has AWSAccessKeyId, Expires and Signature. Source: Amazon S3 User Guide, "Signing and authenticating REST requests
 * (AWS signature version 2)".
 *
 * That version does not sign every parameter, so one that it leaves out is refused (InvalidRequest), as is an expiry
 * more than a week away. The check knows the secret itself, and the bucket when the host names it (NULL: the path
 * does). AccessDenied when it has expired, SignatureDoesNotMatch. */
bool sign_url_2_read(const struct sign_request *request, struct arena *arena, struct sign_claim *claim,
                     struct error *error);
bool sign_url_2_check(const struct sign_request *request, const struct sign_claim *claim, const char *secret_access_key,
                      const char *host_bucket, int64_t now_us, struct arena *arena, struct error *error);

/* A body in signed or unsigned chunks (`aws-chunked`), as it streams by: takes off the framing, checks each chunk's
 * signature, and gathers the trailers. */
struct sign_chunks;
struct sign_chunks_options {
    const struct sign_claim *claim; /* its payload_hash says which of the three streaming forms; outlives the chunks */
    struct sign_key key;
    const char *trailer_names; /* the x-amz-trailer header, or NULL */
    uint64_t decoded_bytes;    /* x-amz-decoded-content-length; UINT64_MAX: not given */
    bool (*take)(void *context, const void *data, size_t size, struct error *error); /* the bytes without framing */
    void *context;
};
struct sign_chunks *sign_chunks_new(const struct sign_chunks_options *options, struct error *error);
void sign_chunks_free(struct sign_chunks *chunks);
bool sign_chunks_add(struct sign_chunks *chunks, const void *data, size_t size, struct error *error);
bool sign_chunks_end(struct sign_chunks *chunks,
                     struct error *error); /* IncompleteBody when the last chunk is missing */
/* A trailer's value once ended, NULL when it did not come. Lives as long as the chunks. */
const char *sign_chunks_trailer(const struct sign_chunks *chunks, const char *name);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ (and / when `slashes` is kept); appends to nothing, gives a text. */
const char *sign_encode(struct str text, bool keep_slashes, struct arena *arena, struct error *error);
/* Decodes %XX (and nothing else); InvalidURI on a broken escape or a NUL. */
const char *sign_decode(struct str text, struct arena *arena, struct error *error);

#endif

/* The canonical form that both sides of a signature work out, for the files of sign only. */
#ifndef AISLE_AWS_SIGN_CANONICAL_H
#define AISLE_AWS_SIGN_CANONICAL_H

#include "aws/sign.h"
#include "base/buffer.h"

#define SIGN_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGN_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sign_parts {
    const struct sign_request *request;
    const struct sign_field *more; /* headers besides the request's, names in lower case */
    size_t more_count;
    const struct sign_scope *scope;
    int64_t signed_us;
    struct str signed_headers;
    const char *payload_hash;
    bool in_query; /* the signature is in the query, and is not part of what is signed */
};

/* The signature, and, unless NULL, the canonical request and the string to sign (appended). */
bool sign_canonical(const struct sign_parts *parts, const struct sign_key *key, char signature[65],
                    struct buffer *canonical, struct buffer *string_to_sign, struct error *error);

/* "20250701T123456Z" and a NUL; and back: false when it is not one. */
void sign_time_format(int64_t time_us, char text[17]);
bool sign_time_read(struct str text, int64_t *time_us);

/* Whether a name in any case is this one, which is in lower case. */
bool sign_name_is(struct str name, const char *lower_case);

/* Whether two names are the same but for their case. */
bool sign_same_name(struct str a, struct str b);

/* The next name of a list such as "host;x-amz-date"; false at its end. */
bool sign_next_name(struct str *list, struct str *name);

/* The next pair of a query, still encoded; empty ones are passed over. False at the end. */
bool sign_next_pair(struct str *query, struct sign_field *pair);

/* A name or value of a query, decoded as its reader decodes it: a plus is a space. InvalidURI. */
const char *sign_decode_form(struct str text, struct arena *arena, struct error *error);

/* Appends the text with all but unreserved characters percent-encoded. */
void sign_append_encoded(struct buffer *out, struct str text, bool keep_slashes);

/* The byte that an escape such as "%2F" at the beginning of the text stands for; false when there is none. */
bool sign_escape_read(struct str text, unsigned char *c);

/* Appends the text in the one form that signatures know: escapes of unreserved characters taken off, all others put
 * on. `plus_is_space`: as in queries. */
void sign_append_normal(struct buffer *out, struct str text, bool keep_slashes, bool plus_is_space);

/* Reads "AKID/20250701/us-east-1/s3/aws4_request", a time, and a signature into the claim. Each gives NULL when it is
 * right, otherwise what is wrong with it, as a sentence. */
const char *sign_credential_read(const char *text, struct arena *arena, struct sign_claim *claim);
const char *sign_date_read(struct str text, struct sign_claim *claim);
const char *sign_signature_read(struct str text, struct sign_claim *claim);

/* Appends "20250701/us-east-1/s3/aws4_request". */
void sign_append_scope(struct buffer *out, const struct sign_scope *scope);

#endif

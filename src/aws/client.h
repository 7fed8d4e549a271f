/* HTTP requests to services that take AWS signatures, over libcurl: signing, streaming both ways, time limits, and
 * retries with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
#ifndef AISLE_AWS_CLIENT_H
#define AISLE_AWS_CLIENT_H

#include "aws/sign.h"
#include "base/buffer.h"

struct aws_client; /* safe from any thread: connections are kept and shared */

struct aws_client_options {
    const char *endpoint; /* "https://s3.eu-central-1.amazonaws.com", "http://127.0.0.1:9000" */
    const char *region, *service;
    const char *access_key_id, *secret_access_key, *session_token; /* NULL id: anonymous */
    const char *ca_file;                                           /* NULL: the system's */
    bool insecure_tls;           /* do not check the certificate; only by explicit word */
    unsigned attempts;           /* 0: 5 */
    unsigned connect_timeout_ms; /* 0: 5,000 */
    unsigned idle_timeout_ms;    /* no byte for so long ends the attempt; 0: 30,000 */
};

/* Options from the environment and files that AWS's tools read: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3,
 * AWS_CA_BUNDLE, ~/.aws/credentials and ~/.aws/config. Texts live in the arena. */
bool aws_client_defaults(const char *service, struct arena *arena, struct aws_client_options *options,
                         struct error *error);
struct aws_client *aws_client_new(const struct aws_client_options *options, struct error *error);
void aws_client_free(struct aws_client *client);

/* A URL whose query carries a signature: whoever has it may do this one thing for `expires_seconds` (1 to 604,800).
 * `path` and `query` as in a request. In the arena. */
const char *aws_client_presign(struct aws_client *client, const char *method, const char *host_prefix, const char *path,
                               const char *query, int64_t expires_seconds, struct arena *arena, struct error *error);
/* Whether requests go over TLS. */
bool aws_client_is_tls(const struct aws_client *client);
const char *aws_client_endpoint(const struct aws_client *client); /* without a slash at its end */
const char *aws_client_region(const struct aws_client *client);

struct aws_request {
    const char *method;
    const char *host_prefix; /* "bucket": sent to bucket.HOST; NULL: to the endpoint's host */
    const char *path;        /* encoded, "/bucket/key" */
    const char *query;       /* encoded, "" for none */
    const struct sign_field *headers;
    size_t header_count;
    /* The body: bytes, or a file's part that can be read again for a retry. */
    const void *body;
    size_t body_bytes;
    int body_fd; /* used when `body` is NULL and body_bytes is not 0 */
    uint64_t body_offset;
    const char *payload_hash; /* NULL: computed over the body; SIGN_UNSIGNED over HTTPS where the caller likes */
    /* Where an answer of status 2xx goes; NULL: into the response's body. It may be called anew from the start of the
     * answer after `restart`. */
    bool (*take)(void *context, const void *data, size_t size, struct error *error);
    bool (*restart)(void *context, struct error *error);
    void *context;
    bool once;       /* not to be tried again when it may have been carried out: not idempotent */
    bool error_body; /* an answer of status 200 whose body is an <Error> counts as status 500 (S3's CopyObject and
                        CompleteMultipartUpload answer before they are done) */
};

struct aws_response {
    int status;
    unsigned attempts;          /* how often it was sent */
    struct sign_field *headers; /* names in lower case, values NUL-terminated */
    size_t header_count;
    struct buffer body; /* up to 16 MiB; of failures and where no `take` is given */
    struct arena *arena;
};

/* Sends, and again after connection failures, 429, 500, 502, 503, 504 and throttling errors. True for any answer, of
 * any status; false when there was none after all attempts. aws_response_free in both cases. */
bool aws_client_send(struct aws_client *client, const struct aws_request *request, struct aws_response *response,
                     struct error *error);
void aws_response_free(struct aws_response *response);
const char *aws_response_header(const struct aws_response *response, const char *lower_case_name); /* NULL: none */

#endif

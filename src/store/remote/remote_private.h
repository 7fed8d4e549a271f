/* What the files of the S3 client share with each other. */
#ifndef AISLE_STORE_REMOTE_REMOTE_PRIVATE_H
#define AISLE_STORE_REMOTE_REMOTE_PRIVATE_H

#include "aws/xml.h"
#include "base/digest.h"
#include "base/thread.h"
#include "store/remote/remote.h"
#include "store/store_port.h"

#define REMOTE_MOST_PARTS 10000

struct remote {
    struct store store;
    struct aws_client *client;
    bool virtual_host;
    uint64_t part_bytes;
    unsigned parallel;
};

static inline struct remote *remote_of(struct store *store)
{
    return (struct remote *)store;
}

/* remote_request.c: one call of the protocol. Zeroed members are left out. */
#define REMOTE_MOST_HEADERS 32

struct remote_call {
    const char *method, *bucket, *key; /* NULL: the service, the bucket itself */
    const char *query;
    struct sign_field headers[REMOTE_MOST_HEADERS];
    size_t header_count;
    const void *body;
    uint64_t body_bytes;
    int body_fd; /* with body_bytes and without `body` */
    uint64_t body_offset;
    bool (*take)(void *context, const void *data, size_t size, struct error *error);
    bool (*restart)(void *context, struct error *error);
    void *context;
    const char *payload_hash; /* NULL: worked out */
    bool error_body;          /* see struct aws_request */
};

/* Adds a header; NULL leaves it out. One that does not fit makes remote_send fail. */
void remote_header(struct remote_call *call, const char *name, const char *value);

/* Sends. False when the answer is none or a failure, with S3's name in the error; aws_response_free in both cases. */
bool remote_send(struct remote *remote, const struct remote_call *call, struct aws_response *response,
                 struct error *error);

/* Where an object or bucket is: path encoded, and the host's prefix (NULL: none). */
bool remote_place(const struct remote *remote, const char *bucket, const char *key, struct arena *arena,
                  const char **host_prefix, const char **path, struct error *error);

/* "NAME=VALUE" with the value encoded, after an & when the query is not empty. */
void remote_query(struct buffer *query, const char *name, const char *value, struct arena *arena, struct error *error);

/* The root of an answer that must be XML; NULL with an error. */
const struct xml_element *remote_xml(const struct remote *remote, const struct aws_response *response, const char *root,
                                     struct error *error);

/* An RFC 3339 time ("2025-07-01T12:34:56.789Z") in microseconds; 0 when it is none. */
int64_t remote_time(const char *text);

/* Without the quotes around it, in the arena. */
const char *remote_etag(const char *text, struct arena *arena, struct error *error);

/* remote_object.c */
/* What the headers of an answer tell of an object. */
bool remote_object_of(const struct aws_response *response, const char *key, struct arena *arena,
                      struct store_object *object, struct error *error);
bool remote_head(struct store *store, const char *bucket, const char *key, struct arena *arena,
                 struct store_object *object, struct error *error);
bool remote_copy(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                 struct error *error);
bool remote_delete(struct store *store, const char *bucket, const char *key, struct error *error);
const char *remote_presign(struct store *store, const char *method, const char *bucket, const char *key,
                           int64_t expires_seconds, struct arena *arena, struct error *error);
/* Content type and metadata; and the conditions. */
bool remote_put_headers(struct remote_call *call, const struct store_put *put, struct arena *arena,
                        struct error *error);
bool remote_put_conditions(struct remote_call *call, const struct store_put *put, struct arena *arena,
                           struct error *error);
/* Whether the object is there with this ETag: how a write fared whose answer was lost. */
bool remote_has(struct remote *remote, const char *bucket, const char *key, const char *etag);
/* What is known of an object that was just put, from the answer and the put itself; the ETag is given or the answer's.
 */
bool remote_object_made(const struct store_put *put, const struct aws_response *response, const char *etag,
                        uint64_t size_bytes, struct arena *arena, struct store_object *object, struct error *error);

/* remote_read.c */
struct store_reader *remote_reader_open(struct store *store, const char *bucket, const char *key, struct error *error);
const struct store_object *remote_reader_object(const struct store_reader *reader);
ssize_t remote_read(struct store_reader *reader, void *data, size_t size, uint64_t offset, struct error *error);
void remote_reader_close(struct store_reader *reader);

/* remote_download.c. The file is there whole or not at all. */
bool remote_download(struct store *store, const char *bucket, const char *key, const char *path, struct error *error);

/* remote_parts.c: an upload in parts. */
struct remote_upload;

struct remote_part {
    const void *bytes; /* or NULL, and then from the file */
    int fd;
    uint64_t offset, size_bytes;
};

/* Checksums of a part, of the kinds (bits of enum digest_kind) that are asked for. NULL on failure. */
struct digest *remote_part_digest(const struct remote_part *part, unsigned kinds, struct error *error);
/* Makes the part the body of a call, with its CRC64NVME (8 bytes to `crc`) in a header and, unless TLS guards the way,
 * its SHA-256 in the signature. */
bool remote_part_body(const struct remote *remote, const struct remote_part *part, struct remote_call *call,
                      uint8_t crc[8], struct arena *arena, struct error *error);

/* The put must outlive the upload. `copied`: its parts come by remote_upload_copy alone. */
struct remote_upload *remote_upload_begin(struct remote *remote, const struct store_put *put, bool copied,
                                          struct error *error);
/* Sends parts in parallel, that come after those sent before. All but the last have at least 5 MiB. */
bool remote_upload_send(struct remote_upload *upload, const struct remote_part *parts, size_t count,
                        struct error *error);
/* Copies a range of another object as the next part. */
bool remote_upload_copy(struct remote_upload *upload, const char *source, const char *etag, uint64_t offset,
                        uint64_t size_bytes, struct error *error);
bool remote_upload_finish(struct remote_upload *upload, struct arena *arena, struct store_object *object,
                          struct error *error);
/* Frees it; one that was not finished is aborted. */
void remote_upload_end(struct remote_upload *upload);

/* remote_write.c */
struct store_writer *remote_create(struct store *store, const struct store_put *put, struct error *error);
bool remote_write(struct store_writer *writer, const void *data, size_t size, struct error *error);
bool remote_finish(struct store_writer *writer, struct arena *arena, struct store_object *object, struct error *error);
void remote_abandon(struct store_writer *writer);
bool remote_upload_file(struct store *store, const struct store_put *put, const char *path, struct error *error);

/* remote_list.c */
bool remote_list(struct store *store, const char *bucket, const struct store_listing *listing,
                 bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                 void *context, struct error *error);
bool remote_list_buckets(struct store *store,
                         bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                         void *context, struct error *error);
bool remote_make_bucket(struct store *store, const char *bucket, struct error *error);
bool remote_remove_bucket(struct store *store, const char *bucket, struct error *error);

#endif

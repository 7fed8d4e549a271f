/* An object into a file: ranges of it in parallel, all of one version, checked as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/remote/remote_private.h"

/* A checksum of the whole that can be put together from those of its ranges; CRCs can. */
struct whole {
    bool given;
    enum digest_kind kind;
    uint8_t value[8];
};

struct range {
    uint64_t offset, size_bytes;
    uint8_t value[DIGEST_MAX_BYTES];
};

struct download {
    struct remote *remote;
    struct arena *arena;
    const char *bucket;
    struct store_object object;
    struct whole whole;
    const char *match; /* the ETag in quotes */
    const char *query;
    const char *path; /* what is written, under another name until it is whole */
    int fd;
    struct range *ranges;
    size_t count;
};

static void read_whole(struct whole *whole, const struct aws_response *response)
{
    static const struct {
        const char *header;
        enum digest_kind kind;
    } known[] = {{"x-amz-checksum-crc64nvme", DIGEST_CRC64NVME},
                 {"x-amz-checksum-crc32c", DIGEST_CRC32C},
                 {"x-amz-checksum-crc32", DIGEST_CRC32}};
    for (size_t i = 0; i < sizeof known / sizeof *known && !whole->given; i++) {
        const char *text = aws_response_header(response, known[i].header);
        /* One of parts ("VALUE-N") does not decode. */
        whole->kind = known[i].kind;
        whole->given = text && digest_from_base64(text, whole->value, digest_bytes(known[i].kind));
    }
}

static bool look(struct download *download, const char *key, struct error *error)
{
    struct remote_call call = {.method = "HEAD", .bucket = download->bucket, .key = key};
    struct aws_response response;
    remote_header(&call, "x-amz-checksum-mode", "ENABLED");
    bool good = remote_send(download->remote, &call, &response, error) &&
                remote_object_of(&response, key, download->arena, &download->object, error);
    if (good) {
        const char *version = download->object.version_id;
        bool versioned = *version && strcmp(version, "null") != 0;
        const char *encoded = sign_encode(str_of(version), false, download->arena, error);
        read_whole(&download->whole, &response);
        download->match = arena_format(download->arena, error, "\"%s\"", download->object.etag);
        download->query = !encoded    ? NULL
                          : versioned ? arena_format(download->arena, error, "versionId=%s", encoded)
                                      : "";
        good = download->match && download->query;
    }
    aws_response_free(&response);
    return good;
}

static bool plan(struct download *download, struct error *error)
{
    uint64_t size_bytes = download->object.size_bytes, part_bytes = download->remote->part_bytes;
    download->count = (size_t)((size_bytes + part_bytes - 1) / part_bytes);
    download->ranges = memory_array(download->count + 1, sizeof *download->ranges, error);
    if (!download->ranges) return false;
    for (size_t i = 0; i < download->count; i++) {
        uint64_t at = i * part_bytes, left = size_bytes - at;
        download->ranges[i] = (struct range){.offset = at, .size_bytes = left < part_bytes ? left : part_bytes};
    }
    return true;
}

/* One range on its way into the file. */
struct filling {
    const struct download *download;
    const struct range *range;
    struct digest *digest; /* NULL: there is nothing to compare with */
    uint64_t taken;
};

static bool take_bytes(void *context, const void *data, size_t size, struct error *error)
{
    struct filling *filling = context;
    if (size > filling->range->size_bytes - filling->taken) {
        return error_set(error, ERROR_INVALID, "s3://%s/%s: %s gives more bytes than were asked for",
                         filling->download->bucket, filling->download->object.key,
                         aws_client_endpoint(filling->download->remote->client));
    }
    uint64_t at = filling->range->offset + filling->taken;
    filling->taken += size;
    return (!filling->digest || digest_add(filling->digest, data, size, error)) &&
           file_write_at(filling->download->fd, data, size, at, filling->download->path, error);
}

static bool take_again(void *context, struct error *error)
{
    struct filling *filling = context;
    const struct whole *whole = &filling->download->whole;
    filling->taken = 0;
    if (filling->digest) digest_free(filling->digest);
    filling->digest = whole->given ? digest_new(1u << whole->kind, error) : NULL;
    return !whole->given || filling->digest;
}

static bool fill(struct filling *filling, struct error *error)
{
    const struct download *download = filling->download;
    struct remote_call call = {.method = "GET",
                               .bucket = download->bucket,
                               .key = download->object.key,
                               .query = download->query,
                               .take = take_bytes,
                               .restart = take_again,
                               .context = filling};
    struct aws_response response;
    struct error own = {0};
    char text[64];
    snprintf(text, sizeof text, "bytes=%llu-%llu", (unsigned long long)filling->range->offset,
             (unsigned long long)(filling->range->offset + filling->range->size_bytes - 1));
    remote_header(&call, "range", text);
    remote_header(&call, "if-match", download->match);
    bool good = remote_send(download->remote, &call, &response, &own);
    aws_response_free(&response);
    if (!good && own.name && strcmp(own.name, "PreconditionFailed") == 0) {
        error_set_named(&own, ERROR_CONFLICT, "PreconditionFailed",
                        "s3://%s/%s was written anew while it was fetched: fetch it again", download->bucket,
                        download->object.key);
    }
    if (good && filling->taken != filling->range->size_bytes) {
        good = error_set(&own, ERROR_IO, "s3://%s/%s: %s gives %llu bytes where %llu were asked for", download->bucket,
                         download->object.key, aws_client_endpoint(download->remote->client),
                         (unsigned long long)filling->taken, (unsigned long long)filling->range->size_bytes);
    }
    if (!good && error) *error = own;
    return good;
}

static bool fetch_range(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct download *download = context;
    struct range *range = &download->ranges[index];
    struct filling filling = {.download = download, .range = range};
    bool good = take_again(&filling, error) && fill(&filling, error) &&
                (!filling.digest || digest_value(filling.digest, download->whole.kind, range->value, error));
    if (filling.digest) digest_free(filling.digest);
    return good;
}

static bool check_whole(const struct download *download, struct error *error)
{
    const struct whole *whole = &download->whole;
    if (!whole->given || download->count == 0) return true;
    uint8_t value[8] = {0};
    memcpy(value, download->ranges[0].value, digest_bytes(whole->kind));
    for (size_t i = 1; i < download->count; i++) {
        const struct range *range = &download->ranges[i];
        uint8_t joined[8];
        if (!digest_join(whole->kind, value, range->value, range->size_bytes, joined, error)) return false;
        memcpy(value, joined, digest_bytes(whole->kind));
    }
    return memcmp(value, whole->value, digest_bytes(whole->kind)) == 0 ||
           error_set_named(error, ERROR_CORRUPT, "BadDigest",
                           "s3://%s/%s does not have the checksum that it was stored with: fetch it again",
                           download->bucket, download->object.key);
}

static bool fetch_all(struct download *download, struct error *error)
{
    download->fd = open(download->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (download->fd < 0) return error_set_errno(error, errno, "%s cannot be made", download->path);
    bool alone = download->count < 2;
    struct team *team = alone ? NULL : team_new(download->remote->parallel, error);
    bool good = alone ? download->count == 0 || fetch_range(download, 0, 0, error)
                      : team && team_run(team, download->count, fetch_range, download, error);
    if (team) team_free(team);
    if (close(download->fd) != 0 && good) good = error_set_errno(error, errno, "%s cannot be closed", download->path);
    return good && check_whole(download, error);
}

bool remote_download(struct store *store, const char *bucket, const char *key, const char *path, struct error *error)
{
    struct error ignored;
    char id[27];
    struct download download = {.remote = remote_of(store), .bucket = bucket, .arena = arena_new(0, error)};
    bool good = download.arena && random_ulid(id, error) && look(&download, key, error) && plan(&download, error);
    download.path = good ? arena_format(download.arena, error, "%s.%s.part", path, id) : NULL;
    good = download.path && fetch_all(&download, error);
    if (good && rename(download.path, path) != 0) {
        good = error_set_errno(error, errno, "%s cannot be named %s", download.path, path);
    }
    if (!good && download.path) file_remove(download.path, &ignored);
    memory_free(download.ranges);
    if (download.arena) arena_free(download.arena);
    return good;
}

#include "store/remote/remote.h"

#include "base/memory.h"
#include "store/remote/remote_private.h"

#define DEFAULT_PART_BYTES (UINT64_C(16) << 20)
#define LEAST_PART_BYTES (UINT64_C(5) << 20)
#define DEFAULT_PARALLEL 4
#define MOST_PARALLEL 64

static void remote_free(struct store *store)
{
    struct remote *remote = remote_of(store);
    aws_client_free(remote->client);
    memory_free(remote);
}

static const struct store_verbs verbs = {
    .free = remote_free,
    .head = remote_head,
    .open = remote_reader_open,
    .reader_object = remote_reader_object,
    .read = remote_read,
    .close = remote_reader_close,
    .create = remote_create,
    .write = remote_write,
    .finish = remote_finish,
    .abandon = remote_abandon,
    .upload = remote_upload_file,
    .download = remote_download,
    .copy = remote_copy,
    .delete = remote_delete,
    .list = remote_list,
    .list_buckets = remote_list_buckets,
    .make_bucket = remote_make_bucket,
    .remove_bucket = remote_remove_bucket,
    .presign = remote_presign,
};

struct store *remote_open(const struct remote_options *options, struct error *error)
{
    uint64_t part_bytes = options->part_bytes ? options->part_bytes : DEFAULT_PART_BYTES;
    unsigned parallel = options->parallel ? options->parallel : DEFAULT_PARALLEL;
    if (part_bytes < LEAST_PART_BYTES || parallel > MOST_PARALLEL) {
        error_set(error, ERROR_USAGE, "parts have at least 5 MiB, and at most %d go at once", MOST_PARALLEL);
        return NULL;
    }
    struct remote *remote = memory_zeroed(sizeof *remote, error);
    if (!remote) return NULL;
    *remote = (struct remote){.store = {.verbs = &verbs},
                              .virtual_host = options->virtual_host,
                              .part_bytes = part_bytes,
                              .parallel = parallel};
    remote->client = aws_client_new(&options->client, error);
    if (remote->client) return &remote->store;
    memory_free(remote);
    return NULL;
}

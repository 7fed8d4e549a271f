#include "store/local/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/local/local_private.h"

#define STEP_BYTES (1U << 20)
#define MAXIMUM_DEPTH 64

struct adopting {
    struct local_store *store;
    const struct adopt_options *options;
    struct adopt_counts *counts;
    struct buffer path; /* of what is looked at */
    size_t top;         /* where the part below the folder begins in it */
    int depth;
};

/* A file as it was when it was opened. */
struct source {
    int fd;
    uint64_t size_bytes;
    int64_t modified_ns;
    struct intake_sums sums;
};

static void skip(struct adopting *adopting, const char *why)
{
    adopting->counts->skipped++;
    if (adopting->options->skipped != NULL) {
        adopting->options->skipped(adopting->options->context, adopting->path.data, why);
    }
}

static int64_t modified_of(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* Reads all of the file: through the checksums and, unless `put` is NULL, into it. */
static bool read_through(const struct adopting *adopting, struct source *source, struct put *put, struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];
    struct stat status;
    void *step __attribute__((cleanup(memory_release))) = memory_array(STEP_BYTES, 1, error);
    struct digest *digest = step != NULL ? digest_new(1U << DIGEST_MD5 | 1U << DIGEST_SHA256, error) : NULL;
    bool good = digest != NULL;
    uint64_t at = 0;
    ssize_t got = 1;

    while (good && got > 0) {
        got = file_read_at(source->fd, step, STEP_BYTES, at, adopting->path.data, error);
        good = got >= 0 && digest_add(digest, step, (size_t)got, error) &&
               (put == NULL || object_put_write(put, step, (size_t)got, error));
        at += got > 0 ? (uint64_t)got : 0;
    }
    if (good &&
        (fstat(source->fd, &status) != 0 || at != source->size_bytes || modified_of(&status) != source->modified_ns)) {
        good =
            error_set(error, ERROR_CONFLICT, "%s changed while it was read; adopt the folder again when it is at rest",
                      adopting->path.data);
    }
    good = good && digest_value(digest, DIGEST_MD5, value, error) && memcpy(source->sums.md5, value, ETAG_BYTES) &&
           digest_value(digest, DIGEST_SHA256, value, error) && memcpy(source->sums.sha256, value, SHA256_BYTES);
    digest_free(digest);
    return good;
}

/* Whether the key has an object of this content already. */
static bool is_present(const struct adopting *adopting, const char *key, const struct source *source,
                       struct arena *arena)
{
    struct object object;
    struct error ignored = {0};
    char sha256[65];

    digest_hex(source->sums.sha256, SHA256_BYTES, sha256);
    return object_head(adopting->store, &(struct object_place){adopting->options->bucket, key, NULL}, arena, &object,
                       &ignored) &&
           !object.delete_marker && strcmp(object.sha256, sha256) == 0;
}

/* The file itself becomes the blob. */
static bool install_link(struct adopting *adopting, struct put *put, const struct source *source, struct arena *arena,
                         struct error *error)
{
    struct blob_stored stored;
    struct object object;
    bool linked = false;
    bool applied = false;

    if (!blob_adopt(adopting->store->path, adopting->path.data, adopting->options->copy, &stored, &linked, error)) {
        return false;
    }
    struct body body = {
        .form = linked ? BODY_ADOPTED : 0,
        .size_bytes = source->size_bytes,
        .stored_bytes = stored.stored_bytes,
        .modified_ns = source->modified_ns,
    };

    memcpy(body.blob, stored.id, sizeof body.blob);
    bool good = stored.size_bytes == source->size_bytes ||
                error_set(error, ERROR_CONFLICT, "%s changed while it was read", adopting->path.data);

    good = good && put_install(put, &body, &source->sums, arena, &object, &applied, error);
    if (!good && !applied) {
        blob_remove(adopting->store->path, stored.id, NULL);
    } else if (!good) {
        local_unclean(adopting->store);
    }
    adopting->counts->linked += good && linked;
    adopting->counts->copied += good && !linked;
    return good;
}

/* Small, or to be stored in another form: through a put as any other. */
static bool install_copy(struct adopting *adopting, struct put *put, struct source *source, struct arena *arena,
                         struct error *error)
{
    struct put_expected expected = {.size_given = true, .size_bytes = source->size_bytes};
    struct object object;
    bool good = read_through(adopting, source, put, error) && object_put_finish(put, &expected, arena, &object, error);

    adopting->counts->copied += good;
    return good;
}

static bool adopt_open(struct adopting *adopting, struct source *source, struct arena *arena, struct error *error)
{
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&key, "%s%s", adopting->options->prefix, adopting->path.data + adopting->top);
    if (buffer_text(&key) == NULL) {
        return buffer_check(&key, error);
    }
    if (!read_through(adopting, source, NULL, error)) {
        return false;
    }
    adopting->counts->files++;
    adopting->counts->size_bytes += source->size_bytes;
    if (is_present(adopting, key.data, source, arena)) {
        adopting->counts->present++;
        return true;
    }
    struct object_put options = {.bucket = adopting->options->bucket,
                                 .key = key.data,
                                 .owner = adopting->options->owner,
                                 .event = "ObjectCreated:Put"};
    struct put *put = object_put_begin(adopting->store, &options, error);
    bool plain =
        put != NULL && put->options.encryption == ENCRYPTION_NONE && source->size_bytes > adopting->store->inline_bytes;
    bool good = put != NULL && (plain ? install_link(adopting, put, source, arena, error)
                                      : install_copy(adopting, put, source, arena, error));

    object_put_abandon(put);
    return good;
}

/* A file that cannot be an object is told and passed over. */
static bool adopt_file(struct adopting *adopting, struct error *error)
{
    struct source source = {.fd = open(adopting->path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat status;
    struct error own = {0};

    if (source.fd < 0 || fstat(source.fd, &status) != 0) {
        error_set_errno(&own, errno, "%s cannot be opened", adopting->path.data);
        skip(adopting, own.message);
        return true;
    }
    source.size_bytes = (uint64_t)status.st_size;
    source.modified_ns = modified_of(&status);
    struct arena *arena = arena_new(0, error);
    bool good = arena != NULL && adopt_open(adopting, &source, arena, &own);

    close(source.fd);
    arena_free(arena);
    if (arena != NULL && !good && own.code == ERROR_INVALID) {
        skip(adopting, own.message);
        return true;
    }
    return good || arena == NULL || error_set_named(error, own.code, own.name, "%s", own.message);
}

static bool adopt_folder(struct adopting *adopting, struct error *error);

static bool visit(void *context, const char *name, struct error *error)
{
    struct adopting *adopting = context;
    size_t length = adopting->path.length;
    struct stat status;

    buffer_append_format(&adopting->path, "/%s", name);
    if (buffer_text(&adopting->path) == NULL) {
        return buffer_check(&adopting->path, error);
    }
    bool good = true;

    if (lstat(adopting->path.data, &status) != 0) {
        skip(adopting, "it cannot be examined");
    } else if (S_ISDIR(status.st_mode)) {
        good = adopt_folder(adopting, error);
    } else if (S_ISREG(status.st_mode)) {
        good = adopt_file(adopting, error);
    } else {
        skip(adopting, S_ISLNK(status.st_mode) ? "it is a symbolic link" : "it is no regular file");
    }
    adopting->path.length = length;
    buffer_text(&adopting->path);
    return good;
}

static bool adopt_folder(struct adopting *adopting, struct error *error)
{
    if (adopting->depth == MAXIMUM_DEPTH) {
        skip(adopting, "it lies too deep");
        return true;
    }
    char *path __attribute__((cleanup(memory_release))) =
        memory_copy_text(adopting->path.data, adopting->path.length, error);

    adopting->depth++;
    bool good = path != NULL && file_list(path, visit, adopting, error);

    adopting->depth--;
    return good;
}

bool adopt_tree(struct local_store *store, const struct adopt_options *options, struct adopt_counts *counts,
                struct error *error)
{
    struct adopting adopting = {.store = store, .options = options, .counts = counts};
    size_t length = strlen(options->folder);
    const struct bucket *bucket = bucket_find(store, options->bucket, error);

    memset(counts, 0, sizeof *counts);
    if (bucket == NULL) {
        return false;
    }
    bucket_release(store, bucket);
    while (length > 1 && options->folder[length - 1] == '/') {
        length--;
    }
    buffer_append(&adopting.path, options->folder, length);
    adopting.top = length + 1;
    bool good =
        (buffer_text(&adopting.path) != NULL || buffer_check(&adopting.path, error)) && adopt_folder(&adopting, error);

    buffer_free(&adopting.path);
    return good;
}

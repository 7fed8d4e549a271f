#include "tabular/csv_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "tabular/csv_transcode.h"
#include "tabular/csv_unpack.h"

#define STEP_SIZE ((size_t)256 << 10)
#define DEFAULT_CEILING (UINT64_C(1) << 40)

/* One pass over the bytes on disk: into the hash, and through unpacking and transcoding into the temporary file. */
struct pass {
    const struct csv_source *source;
    struct digest *hash;           /* NULL: not asked for */
    struct csv_unpacker *unpacker; /* NULL: the file is read as it is on disk */
    struct csv_transcoder transcoder;
    int unpacked_fd;
    uint64_t unpacked_size;
    uint64_t ceiling;
    char step[STEP_SIZE];
};

static int64_t modified_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

/* Opens without waiting, since a pipe could wait forever, and takes regular files only. `given`: a descriptor of the
 * file, -1: there is none yet. */
static bool open_stored(struct csv_source *source, int given, struct error *error)
{
    struct stat status;

    source->fd = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 0)
                            : open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", source->path);
    }
    if (fstat(source->fd, &status) != 0) {
        return error_set_errno(error, errno, "%s cannot be examined", source->path);
    }
    if (S_ISDIR(status.st_mode)) {
        return error_set(error, ERROR_INVALID, "%s is a folder where a file is expected", source->path);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_INVALID, "%s is not a regular file: write what it gives to a file, and name that",
                         source->path);
    }
    source->size = source->stored_size = (uint64_t)status.st_size;
    source->modified_ns = modified_ns(&status);
    return true;
}

static bool write_unpacked(void *context, const char *data, size_t size, struct error *error)
{
    struct pass *pass = context;

    if (size > pass->ceiling - pass->unpacked_size) {
        return error_set(error, ERROR_LIMIT, "%s unpacks to more than the %llu bytes allowed: split it",
                         pass->source->path, (unsigned long long)pass->ceiling);
    }
    pass->unpacked_size += size;
    return file_write(pass->unpacked_fd, data, size, "a temporary file", error);
}

static bool transcode(void *context, const char *data, size_t size, struct error *error)
{
    struct pass *pass = context;

    return csv_transcoder_feed(&pass->transcoder, data, size, error);
}

static bool prepare_unpacking(struct pass *pass, enum csv_packing packing, const struct csv_source_options *options,
                              struct error *error)
{
    const char *fallback = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    const char *folder = options->temporary_folder != NULL ? options->temporary_folder : fallback;
    const char *path = pass->source->path;

    pass->unpacked_fd = file_open_nameless(folder, error);
    if (pass->unpacked_fd < 0) {
        return error_prefix(error, "%s", path);
    }
    csv_transcoder_init(&pass->transcoder, options->encoding, path, (struct csv_sink){write_unpacked, pass});
    pass->unpacker = csv_unpacker_new(packing, path, (struct csv_sink){transcode, pass}, error);
    return pass->unpacker != NULL;
}

/* Reads the file as long as it was when it was opened. */
static bool read_through(struct pass *pass, struct error *error)
{
    const struct csv_source *source = pass->source;

    for (uint64_t at = 0; at < source->stored_size;) {
        uint64_t left = source->stored_size - at;
        size_t wanted = left < STEP_SIZE ? (size_t)left : STEP_SIZE;
        ssize_t got = file_read_at(source->fd, pass->step, wanted, at, source->path, error);

        if (got < 0) {
            return false;
        }
        if ((size_t)got < wanted) {
            return error_set(error, ERROR_CONFLICT,
                             "%s became shorter while it was read: run again when it is complete", source->path);
        }
        if (pass->hash != NULL && !digest_add(pass->hash, pass->step, wanted, error)) {
            return false;
        }
        if (pass->unpacker != NULL && !csv_unpacker_feed(pass->unpacker, pass->step, wanted, error)) {
            return false;
        }
        at += wanted;
    }
    return pass->unpacker == NULL ||
           (csv_unpacker_end(pass->unpacker, error) && csv_transcoder_end(&pass->transcoder, error));
}

static bool finish_hash(struct pass *pass, char hex[65], struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];

    if (pass->hash == NULL) {
        return true;
    }
    if (!digest_value(pass->hash, DIGEST_SHA256, value, error)) {
        return false;
    }
    digest_hex(value, digest_bytes(DIGEST_SHA256), hex);
    return true;
}

static void take_unpacked(struct csv_source *source, struct pass *pass)
{
    if (pass->unpacker == NULL) {
        return;
    }
    close(source->fd);
    source->fd = pass->unpacked_fd;
    pass->unpacked_fd = -1;
    source->size = pass->unpacked_size;
    source->start = 0;
    source->unpacked = true;
}

static void pass_free(struct pass *pass)
{
    if (pass->unpacked_fd >= 0) {
        close(pass->unpacked_fd);
    }
    csv_unpacker_free(pass->unpacker);
    digest_free(pass->hash);
    memory_free(pass);
}

static bool pass_over(struct csv_source *source, const struct csv_source_options *options, enum csv_packing packing,
                      bool unpack, struct error *error)
{
    struct pass *pass = memory_zeroed(sizeof *pass, error);

    if (pass == NULL) {
        return false;
    }
    pass->source = source;
    pass->unpacked_fd = -1;
    pass->ceiling = options->unpacked_ceiling > 0 ? options->unpacked_ceiling : DEFAULT_CEILING;

    bool good = (!options->hash || (pass->hash = digest_new(1U << DIGEST_SHA256, error)) != NULL) &&
                (!unpack || prepare_unpacking(pass, packing, options, error)) && read_through(pass, error) &&
                finish_hash(pass, source->sha256, error);

    if (good) {
        take_unpacked(source, pass);
    }
    pass_free(pass);
    return good;
}

static bool open_source(struct csv_source *source, const char *path, int given,
                        const struct csv_source_options *options, struct error *error)
{
    unsigned char head[4];
    ssize_t got = -1;

    *source = (struct csv_source){.path = path, .fd = -1, .nameless = given >= 0};

    bool good = open_stored(source, given, error);

    if (good) {
        got = file_read_at(source->fd, head, sizeof head, 0, path, error);
        good = got >= 0;
    }
    if (good) {
        enum csv_packing packing = csv_packing_of(head, (size_t)got);
        struct csv_mark mark = csv_mark_of(head, (size_t)got, options->encoding);
        bool unpack = packing != CSV_PLAIN || mark.encoding != CSV_UTF8;

        source->start = mark.size;
        good = (!options->hash && !unpack) || pass_over(source, options, packing, unpack, error);
    }
    if (!good) {
        csv_source_close(source);
    }
    return good;
}

bool csv_source_open(struct csv_source *source, const char *path, const struct csv_source_options *options,
                     struct error *error)
{
    return open_source(source, path, -1, options, error);
}

bool csv_source_open_nameless(struct csv_source *source, const char *name, int fd,
                              const struct csv_source_options *options, struct error *error)
{
    return open_source(source, name, fd, options, error);
}

bool csv_source_finish(struct csv_source *source, struct error *error)
{
    struct stat status;

    if (source->nameless) {
        return true;
    }
    if (stat(source->path, &status) != 0) {
        if (errno != ENOENT) {
            return error_set_errno(error, errno, "%s cannot be examined", source->path);
        }
        return error_set(error, ERROR_CONFLICT, "%s was removed while it was read: put it back, and run again",
                         source->path);
    }
    if ((uint64_t)status.st_size != source->stored_size || modified_ns(&status) != source->modified_ns) {
        return error_set(error, ERROR_CONFLICT,
                         "%s changed while it was read (%llu bytes at the start, %llu now): run again when it is "
                         "complete",
                         source->path, (unsigned long long)source->stored_size, (unsigned long long)status.st_size);
    }
    return true;
}

void csv_source_close(struct csv_source *source)
{
    if (source->fd >= 0) {
        close(source->fd);
        source->fd = -1;
    }
}

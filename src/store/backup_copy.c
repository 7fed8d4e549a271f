#include "store/backup_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"

#define STEP_BYTES (1U << 20)

const char *copy_path(const char *folder, const char *name, struct buffer *into, struct error *error)
{
    buffer_clear(into);
    buffer_append_format(into, "%s/%s", folder, name);
    if (buffer_text(into) == NULL) {
        buffer_check(into, error);
        return NULL;
    }
    return into->data;
}

/* Reads all of a file through a checksum, and writes it to `to` unless that is -1. */
static bool pass_over(int from, const char *from_path, int to, const char *to_path, uint64_t *size_bytes,
                      char sha256[65], struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];
    void *step __attribute__((cleanup(memory_release))) = memory_array(STEP_BYTES, 1, error);
    struct digest *digest = step != NULL ? digest_new(1U << DIGEST_SHA256, error) : NULL;
    bool good = digest != NULL;
    ssize_t got = 1;

    *size_bytes = 0;
    while (good && got > 0) {
        got = file_read_at(from, step, STEP_BYTES, *size_bytes, from_path, error);
        good = got >= 0 && digest_add(digest, step, (size_t)got, error) &&
               (to < 0 || file_write(to, step, (size_t)got, to_path, error));
        *size_bytes += got > 0 ? (uint64_t)got : 0;
    }
    good = good && digest_value(digest, DIGEST_SHA256, value, error);
    if (good) {
        digest_hex(value, 32, sha256);
    }
    digest_free(digest);
    return good;
}

static int open_source(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0) {
        error_set_errno(error, errno, "%s cannot be opened", path);
    } else {
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return fd;
}

bool copy_hash(const char *path, uint64_t *size_bytes, char sha256[65], struct error *error)
{
    int fd = open_source(path, error);
    bool good = fd >= 0 && pass_over(fd, path, -1, NULL, size_bytes, sha256, error);

    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* Creates a file, and its folder where that is missing. */
static int create(const char *path, mode_t mode, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd < 0 && errno == ENOENT) {
        char *folder __attribute__((cleanup(memory_release))) =
            memory_copy_text(path, (size_t)(strrchr(path, '/') - path), error);

        if (folder == NULL || !file_make_folders(folder, error)) {
            return -1;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    }
    if (fd < 0) {
        error_set_errno(error, errno, "%s cannot be created", path);
    }
    return fd;
}

static bool write_copy(int from, const char *from_path, const char *path, mode_t mode, uint64_t *size_bytes,
                       char sha256[65], struct error *error)
{
    int to = create(path, mode, error);
    bool good = to >= 0 && pass_over(from, from_path, to, path, size_bytes, sha256, error);

    if (good) {
        /* Of an adopted file the time is compared when it is read (store/local/adopt.h). */
        struct stat status;

        good = (fstat(from, &status) == 0 &&
                futimens(to, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, status.st_mtim}) == 0) ||
               error_set_errno(error, errno, "the time of %s cannot be set", path);
    }
    if (to >= 0 && close(to) != 0 && good) {
        good = error_set_errno(error, errno, "%s cannot be written", path);
    }
    return good;
}

bool copy_file(const char *from, const char *to, mode_t mode, uint64_t *size_bytes, char sha256[65],
               struct error *error)
{
    struct buffer part __attribute__((cleanup(buffer_free))) = {0};
    int fd = open_source(from, error);

    buffer_append_format(&part, "%s.part", to);
    bool good = fd >= 0 && (buffer_text(&part) != NULL || buffer_check(&part, error)) &&
                write_copy(fd, from, part.data, mode, size_bytes, sha256, error);

    if (good && rename(part.data, to) != 0) {
        good = error_set_errno(error, errno, "%s cannot be put in its place", part.data);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!good && !part.failed) {
        unlink(part.data);
    }
    return good;
}

bool copy_sync(const char *folder, struct error *error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "the folder %s cannot be opened", folder);
    }
    bool good = syncfs(fd) == 0 || error_set_errno(error, errno, "%s cannot be synced to disk", folder);

    close(fd);
    return good;
}

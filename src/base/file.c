#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/str.h"

#ifdef AISLE_TORTURE
#include <stdatomic.h>

/* The size that a read or write is asked for under AISLE_SHORT_IO: often less than what is wanted. */
static size_t short_size(size_t size)
{
    static _Atomic uint64_t calls;

    if (size < 2 || getenv("AISLE_SHORT_IO") == NULL) {
        return size;
    }
    struct random random;

    random_seed(&random, atomic_fetch_add(&calls, 1));
    return 1 + (size_t)random_below(&random, size);
}
#else
static size_t short_size(size_t size)
{
    return size;
}
#endif

ssize_t file_read_at(int fd, void *data, size_t size, uint64_t offset, const char *path, struct error *error)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(fd, (char *)data + done, short_size(size - done), (off_t)(offset + done));

        if (got < 0 && errno != EINTR) {
            error_set_errno(error, errno, "%s cannot be read", path);
            return -1;
        }
        if (got == 0) {
            break;
        }
        if (got > 0) {
            done += (size_t)got;
        }
    }
    return (ssize_t)done;
}

/* `offset` -1: at the descriptor's place. */
static bool write_all(int fd, const char *data, size_t size, int64_t offset, const char *path, struct error *error)
{
    size_t done = 0;

    while (done < size) {
        size_t piece = short_size(size - done);
        ssize_t put = offset < 0 ? write(fd, data + done, piece)
                                 : pwrite(fd, data + done, piece, (off_t)((uint64_t)offset + done));

        if (put < 0 && errno != EINTR) {
            return error_set_errno(error, errno, "%s cannot be written", path);
        }
        if (put > 0) {
            done += (size_t)put;
        }
    }
    return true;
}

bool file_write(int fd, const void *data, size_t size, const char *path, struct error *error)
{
    return write_all(fd, data, size, -1, path, error);
}

bool file_write_at(int fd, const void *data, size_t size, uint64_t offset, const char *path, struct error *error)
{
    return write_all(fd, data, size, (int64_t)offset, path, error);
}

/* Reads once, up to `size` bytes, again when a signal came between. -1 on failure. */
static ssize_t read_some(int fd, char *data, size_t size, const char *path, struct error *error)
{
    for (;;) {
        ssize_t got = read(fd, data, short_size(size));

        if (got >= 0) {
            return got;
        }
        if (errno != EINTR) {
            error_set_errno(error, errno, "%s cannot be read", path);
            return -1;
        }
    }
}

/* Appends what is in the descriptor, which may be a pipe. `expected` is a hint of its size. A full buffer is
 * right when the file ends there, so one more byte is asked for without room for it. */
static bool load_all(int fd, size_t expected, const char *path, struct buffer *into, struct error *error)
{
    char extra = 0;

    for (size_t step = expected;;) {
        size_t left = into->ceiling > 0 ? into->ceiling - into->length : SIZE_MAX;

        step = step < left ? step : left;
        char *room = step > 0 ? buffer_room(into, step) : &extra;

        if (room == NULL) {
            buffer_check(into, error);
            return error_prefix(error, "%s", path);
        }
        ssize_t got = read_some(fd, room, step > 0 ? step : 1, path, error);

        if (got <= 0) {
            return got == 0;
        }
        if (step > 0) {
            buffer_advance(into, (size_t)got);
            step -= (size_t)got;
        } else if (left == 0) {
            return error_set(error, ERROR_LIMIT, "%s has more than the %zu bytes allowed", path, into->ceiling);
        } else {
            buffer_append_char(into, extra);
            step = 65536;
        }
    }
}

bool file_load(const char *path, struct buffer *into, struct error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", path);
    }
    bool good = fstat(fd, &status) == 0 || error_set_errno(error, errno, "%s cannot be examined", path);

    if (good && S_ISDIR(status.st_mode)) {
        good = error_set(error, ERROR_INVALID, "%s is a folder where a file is expected", path);
    }
    size_t left = into->ceiling > into->length ? into->ceiling - into->length : 0;

    if (good && S_ISREG(status.st_mode) && into->ceiling > 0 && (uint64_t)status.st_size > left) {
        good = error_set(error, ERROR_LIMIT, "%s has %lld bytes, more than the %zu allowed", path,
                         (long long)status.st_size, into->ceiling);
    }
    if (good) {
        good = load_all(fd, S_ISREG(status.st_mode) ? (size_t)status.st_size : 65536, path, into, error);
    }
    close(fd);
    return good;
}

/* The folder that holds `path`, for the caller to free. */
static char *folder_of(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return memory_copy_text(".", 1, error);
    }
    return memory_copy_text(path, slash == path ? 1 : (size_t)(slash - path), error);
}

/* Writes and syncs a new file at `path`, and closes it. On failure nothing stays behind. */
static bool write_new(const char *path, const void *data, size_t size, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s cannot be created", path);
    }
    bool good = file_write(fd, data, size, path, error) && file_sync(fd, path, error);

    if (close(fd) != 0 && good) {
        good = error_set_errno(error, errno, "%s cannot be closed", path);
    }
    if (!good) {
        unlink(path);
    }
    return good;
}

bool file_store(const char *path, const void *data, size_t size, struct error *error)
{
    uint64_t number = 0;
    char *folder __attribute__((cleanup(memory_release))) = folder_of(path, error);
    struct buffer name __attribute__((cleanup(buffer_free))) = {0};

    if (folder == NULL || !random_bytes(&number, sizeof number, error)) {
        return false;
    }
    buffer_append_format(&name, "%s.%016llx.new", path, (unsigned long long)number);
    const char *temporary = buffer_text(&name);

    if (temporary == NULL) {
        return buffer_check(&name, error);
    }
    if (!write_new(temporary, data, size, error)) {
        return false;
    }
    if (rename(temporary, path) != 0) {
        error_set_errno(error, errno, "%s cannot be put in its place", path);
        unlink(temporary);
        return false;
    }
    return file_sync_folder(folder, error);
}

static bool make_folder(const char *path, struct error *error)
{
    struct stat status;

    if (mkdir(path, 0777) == 0) {
        return true;
    }
    int failure = errno;

    if (failure == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return true;
    }
    return error_set_errno(error, failure, "the folder %s cannot be made", path);
}

bool file_make_folders(const char *path, struct error *error)
{
    size_t length = strlen(path);
    char *part __attribute__((cleanup(memory_release))) = memory_copy_text(path, length, error);

    if (part == NULL) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (part[i] == '/' && part[i - 1] != '/') {
            part[i] = '\0';
            if (!make_folder(part, error)) {
                return false;
            }
            part[i] = '/';
        }
    }
    return make_folder(part, error);
}

bool file_sync(int fd, const char *path, struct error *error)
{
    if (fsync(fd) != 0) {
        return error_set_errno(error, errno, "%s cannot be synced to disk", path);
    }
    return true;
}

bool file_sync_folder(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "the folder %s cannot be opened", path);
    }
    bool good = file_sync(fd, path, error);

    close(fd);
    return good;
}

int file_open_nameless(const char *folder, struct error *error)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        if (fd < 0) {
            error_set_errno(error, errno, "no temporary file can be made in %s", folder);
        }
        return fd;
    }
    /* Some network file systems have no nameless files. */
    struct buffer name __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&name, "%s/nameless-XXXXXX", folder);
    if (buffer_text(&name) == NULL) {
        buffer_check(&name, error);
        return -1;
    }
    fd = mkostemp(name.data, O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(error, errno, "no temporary file can be made in %s", folder);
        return -1;
    }
    unlink(name.data);
    return fd;
}

bool file_remove(const char *path, struct error *error)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_set_errno(error, errno, "%s cannot be removed", path);
    }
    return true;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool remove_entry(int folder_fd, const char *name, const char *top, struct error *error);

/* Removes all that is in an open folder, and closes it. */
static bool empty_folder(int fd, const char *top, struct error *error)
{
    DIR *folder = fdopendir(fd);
    bool good = true;

    if (folder == NULL) {
        error_set_errno(error, errno, "a folder in %s cannot be read", top);
        close(fd);
        return false;
    }
    while (good) {
        errno = 0;
        const struct dirent *entry = readdir(folder);

        if (entry == NULL) {
            good = errno == 0 || error_set_errno(error, errno, "a folder in %s cannot be read", top);
            break;
        }
        good = is_dots(entry->d_name) || remove_entry(dirfd(folder), entry->d_name, top, error);
    }
    closedir(folder);
    return good;
}

static bool remove_entry(int folder_fd, const char *name, const char *top, struct error *error)
{
    if (unlinkat(folder_fd, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR && errno != EPERM) {
        return error_set_errno(error, errno, "%s in %s cannot be removed", name, top);
    }
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s in %s cannot be opened", name, top);
    }
    if (!empty_folder(fd, top, error)) {
        return false;
    }
    if (unlinkat(folder_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return error_set_errno(error, errno, "%s in %s cannot be removed", name, top);
    }
    return true;
}

bool file_remove_tree(const char *path, struct error *error)
{
    return remove_entry(AT_FDCWD, path, path, error);
}

struct names {
    char **list;
    size_t count;
    size_t capacity;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        memory_free(names->list[i]);
    }
    memory_free(names->list);
}

static bool names_add(struct names *names, const char *name, struct error *error)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? names->capacity * 2 : 64;
        char **list = memory_resize(names->list, capacity, sizeof *list, error);

        if (list == NULL) {
            return false;
        }
        names->list = list;
        names->capacity = capacity;
    }
    names->list[names->count] = memory_copy_text(name, strlen(name), error);
    if (names->list[names->count] == NULL) {
        return false;
    }
    names->count++;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare_natural(str_of(*(char *const *)a), str_of(*(char *const *)b));
}

static bool read_names(const char *path, struct names *names, struct error *error)
{
    DIR *folder = opendir(path);
    bool good = true;

    if (folder == NULL) {
        return error_set_errno(error, errno, "the folder %s cannot be opened", path);
    }
    while (good) {
        errno = 0;
        const struct dirent *entry = readdir(folder);

        if (entry == NULL) {
            good = errno == 0 || error_set_errno(error, errno, "the folder %s cannot be read", path);
            break;
        }
        good = is_dots(entry->d_name) || names_add(names, entry->d_name, error);
    }
    closedir(folder);
    return good;
}

bool file_list(const char *folder, bool (*visit)(void *context, const char *name, struct error *error), void *context,
               struct error *error)
{
    struct names names __attribute__((cleanup(names_free))) = {0};

    if (!read_names(folder, &names, error)) {
        return false;
    }
    if (names.count > 0) {
        qsort(names.list, names.count, sizeof names.list[0], compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!visit(context, names.list[i], error)) {
            return false;
        }
    }
    return true;
}

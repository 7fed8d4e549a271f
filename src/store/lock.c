/* The lock file of a data folder. Its first byte is locked by the owner, its second shared by readers (locks of the
 * open file description, so that they end with the process whatever ends it). Its text is the owner's process id or,
 * after an orderly end, what is left ("clean" or "listed") and the id of the machine's boot: what was written before
 * the machine went down may be lost, so that only a note of this boot counts, and no sync is needed for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder_private.h"

enum { OWNER_BYTE = 0, READER_BYTE = 1 };

#define NOTE_BYTES 64

static int set_lock(int fd, short type, off_t byte, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result = 0;

    do {
        result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* What the note says after such an end on this boot; empty where the boot has no id. */
static void end_note(enum last_end end, char note[NOTE_BYTES])
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    char boot[48] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? file_read_at(fd, boot, sizeof boot - 1, 0, path, NULL) : 0;

    if (fd >= 0) {
        close(fd);
    }
    note[0] = '\0';
    if (length > 0) {
        boot[strcspn(boot, "\n")] = '\0';
        snprintf(note, NOTE_BYTES, "%s %s\n", end == END_CLEAN ? "clean" : "listed", boot);
    }
}

static bool write_note(const struct folder *folder, const char *note, struct error *error)
{
    size_t length = strlen(note);

    if (ftruncate(folder->lock_fd, 0) != 0 || pwrite(folder->lock_fd, note, length, 0) != (ssize_t)length) {
        return error_set_errno(error, errno, "%s/lock cannot be written", folder->path);
    }
    return true;
}

static bool read_note(const struct folder *folder, char note[NOTE_BYTES], struct error *error)
{
    ssize_t length = file_read_at(folder->lock_fd, note, NOTE_BYTES - 1, 0, "the lock file", error);

    note[length > 0 ? length : 0] = '\0';
    return length >= 0;
}

static int open_lock(const struct folder *folder, int flags, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (folder_join(folder, "lock", &path, error) == NULL) {
        return -1;
    }
    int fd = open(path.data, flags | O_CLOEXEC, 0666);

    if (fd < 0) {
        error_set_errno(error, errno, "%s cannot be opened", path.data);
    }
    return fd;
}

/* Locks the open file, tells what its note says, and writes a note of its own. */
static bool take_over(struct folder *folder, enum last_end *last_end, struct error *error)
{
    char note[NOTE_BYTES];
    char clean[NOTE_BYTES];
    char listed[NOTE_BYTES];
    bool held = set_lock(folder->lock_fd, F_WRLCK, OWNER_BYTE, false) != 0;
    int failure = errno;

    if (held && failure != EAGAIN && failure != EACCES) {
        return error_set_errno(error, failure, "%s/lock cannot be locked", folder->path);
    }
    if (!read_note(folder, note, error)) {
        return false;
    }
    if (held) {
        long owner = strtol(note, NULL, 10);

        return error_set(error, ERROR_CONFLICT, "%s is in use by process %ld; wait until it ends, or stop it",
                         folder->path, owner);
    }
    end_note(END_CLEAN, clean);
    end_note(END_LISTED, listed);
    *last_end = END_UNKNOWN;
    if (clean[0] != '\0') {
        *last_end = strcmp(note, clean) == 0 ? END_CLEAN : strcmp(note, listed) == 0 ? END_LISTED : END_UNKNOWN;
    }
    snprintf(note, sizeof note, "%ld\n", (long)getpid());
    return write_note(folder, note, error);
}

bool lock_take(struct folder *folder, enum last_end *last_end, struct error *error)
{
    folder->lock_fd = open_lock(folder, O_RDWR | O_CREAT, error);
    if (folder->lock_fd < 0) {
        return false;
    }
    if (!take_over(folder, last_end, error)) {
        /* Not ours: its note is not to be touched. */
        close(folder->lock_fd);
        folder->lock_fd = -1;
        return false;
    }
    return true;
}

void lock_give(struct folder *folder)
{
    char note[NOTE_BYTES];

    if (folder->lock_fd >= 0 && folder->access == FOLDER_WRITE && !folder->unclean) {
        end_note(folder->forgotten_removed ? END_CLEAN : END_LISTED, note);
        write_note(folder, note, NULL);
    }
    if (folder->lock_fd >= 0) {
        close(folder->lock_fd);
    }
    folder->lock_fd = -1;
}

bool lock_reader_enter(struct folder *folder, struct error *error)
{
    if (folder->lock_fd < 0) {
        folder->lock_fd = open_lock(folder, O_RDONLY, error);
    }
    if (folder->lock_fd < 0) {
        return false;
    }
    if (set_lock(folder->lock_fd, F_RDLCK, READER_BYTE, true) != 0) {
        return error_set_errno(error, errno, "%s/lock cannot be locked", folder->path);
    }
    return true;
}

void lock_reader_leave(struct folder *folder)
{
    set_lock(folder->lock_fd, F_UNLCK, READER_BYTE, false);
}

int lock_descriptor(const struct folder *folder, struct error *error)
{
    return open_lock(folder, O_RDWR, error);
}

bool lock_readers_hold(int lock_fd)
{
    return set_lock(lock_fd, F_WRLCK, READER_BYTE, false) == 0;
}

void lock_readers_admit(int lock_fd)
{
    set_lock(lock_fd, F_UNLCK, READER_BYTE, false);
}

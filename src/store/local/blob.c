/* Writing blobs: bytes go through compression, then encryption, then to memory or, past the limit, to a file. */
#include "store/local/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/buffer.h"
#include "base/crc.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/local/blob_format.h"

/* Light on the processor: bodies are compressed as they come. */
#define COMPRESSION_LEVEL 3

/* Disks begin to write while bytes still come, so that the sync at the end waits for little. */
#define FLUSH_BYTES (UINT64_C(8) << 20)

struct blob_writer {
    char *folder;
    uint32_t inline_bytes;
    uint64_t size_bytes;   /* written */
    uint64_t stored_bytes; /* of the form they are stored in */

    /* Compression: a frame that fills, what zstd makes of it, and the places of those before. */
    ZSTD_CCtx *zstd;
    uint8_t *frame, *packed;
    size_t frame_used;
    struct buffer places;

    /* Encryption: a segment that fills, and what is sealed of it. */
    struct seal *seal;
    uint8_t *segment, *sealed;
    size_t segment_used;
    uint64_t segment_number;

    struct buffer bytes; /* while there is no file */
    int fd;              /* -1: none */
    uint64_t flushed;
    char id[BLOB_ID_CHARACTERS + 1];
    char *file; /* its path, while it goes with the writer */
};

static bool path_of(const char *folder, const char *relative, struct buffer *path, struct error *error)
{
    buffer_clear(path);
    buffer_append_format(path, "%s/%s", folder, relative);
    return buffer_text(path) != NULL || buffer_check(path, error);
}

void blob_path(const char *folder, const char *id, char *path, size_t size)
{
    /* Two digits of the time at which an id was made, that change every 34 seconds: blobs that are made at one time
     * share a folder, and 1,024 folders take all. */
    snprintf(path, size, "%s/blobs/%.2s/%s", folder, id + 5, id);
}

static bool begin_file(struct blob_writer *writer, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    char name[BLOB_ID_CHARACTERS + 5];

    if (!random_ulid(writer->id, error)) {
        return false;
    }
    snprintf(name, sizeof name, "tmp/%s", writer->id);
    if (!path_of(writer->folder, name, &path, error)) {
        return false;
    }
    writer->file = memory_copy_text(path.data, path.length, error);
    if (writer->file == NULL) {
        return false;
    }
    /* Nothing writes to a blob once it is there; links to it elsewhere say so, too. */
    writer->fd = open(writer->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (writer->fd < 0) {
        error_set_errno(error, errno, "%s cannot be created", writer->file);
        memory_release(&writer->file);
        return false;
    }
    return file_write(writer->fd, writer->bytes.data, writer->bytes.length, writer->file, error);
}

/* Takes bytes as they are to be stored. */
static bool put_stored(struct blob_writer *writer, const void *data, size_t size, struct error *error)
{
    if (writer->fd < 0 && writer->bytes.length + size <= writer->inline_bytes) {
        buffer_append(&writer->bytes, data, size);
        writer->stored_bytes += size;
        return buffer_check(&writer->bytes, error);
    }
    if (writer->fd < 0) {
        if (!begin_file(writer, error)) {
            return false;
        }
        buffer_free(&writer->bytes);
    }
    if (!file_write(writer->fd, data, size, writer->file, error)) {
        return false;
    }
    writer->stored_bytes += size;
    if (writer->stored_bytes - writer->flushed >= FLUSH_BYTES) {
        /* A hint: what it cannot do the sync does. */
        sync_file_range(writer->fd, (off_t)writer->flushed, (off_t)(writer->stored_bytes - writer->flushed),
                        SYNC_FILE_RANGE_WRITE);
        writer->flushed = writer->stored_bytes;
    }
    return true;
}

static bool put_segment(struct blob_writer *writer, bool last, const uint8_t *plain, size_t size, struct error *error)
{
    return seal_segment(writer->seal, writer->segment_number++, last, plain, size, writer->sealed, error) &&
           put_stored(writer, writer->sealed, size + SEGMENT_TAG_BYTES, error);
}

/* A full segment waits until more comes, since it may be the last. */
static bool put_sealed(struct blob_writer *writer, const uint8_t *data, size_t size, struct error *error)
{
    while (size > 0) {
        if (writer->segment_used == SEGMENT_BYTES) {
            if (!put_segment(writer, false, writer->segment, SEGMENT_BYTES, error)) {
                return false;
            }
            writer->segment_used = 0;
        }
        if (writer->segment_used == 0 && size > SEGMENT_BYTES) {
            if (!put_segment(writer, false, data, SEGMENT_BYTES, error)) {
                return false;
            }
            data += SEGMENT_BYTES;
            size -= SEGMENT_BYTES;
            continue;
        }
        size_t room = SEGMENT_BYTES - writer->segment_used;
        size_t taken = size < room ? size : room;

        memcpy(writer->segment + writer->segment_used, data, taken);
        writer->segment_used += taken;
        data += taken;
        size -= taken;
    }
    return true;
}

static bool put_inner(struct blob_writer *writer, const void *data, size_t size, struct error *error)
{
    return writer->seal != NULL ? put_sealed(writer, data, size, error) : put_stored(writer, data, size, error);
}

static bool put_frame(struct blob_writer *writer, const uint8_t *plain, size_t size, struct error *error)
{
    uint8_t bytes[FRAME_PLACE_BYTES];
    size_t packed = ZSTD_compressCCtx(writer->zstd, writer->packed, ZSTD_compressBound(FRAME_BYTES), plain, size,
                                      COMPRESSION_LEVEL);

    if (ZSTD_isError(packed)) {
        return error_set(error, ERROR_INTERNAL, "zstd could not compress: %s", ZSTD_getErrorName(packed));
    }
    bool smaller = packed < size;
    const uint8_t *stored = smaller ? writer->packed : plain;
    struct frame_place place = {.stored_bytes = (uint32_t)(smaller ? packed : size)};

    place.check = (uint32_t)crc_add(CRC_32C, 0, stored, place.stored_bytes);
    frame_put_place(&place, bytes);
    buffer_append(&writer->places, bytes, sizeof bytes);
    return buffer_check(&writer->places, error) && put_inner(writer, stored, place.stored_bytes, error);
}

static bool put_compressed(struct blob_writer *writer, const uint8_t *data, size_t size, struct error *error)
{
    while (size > 0) {
        if (writer->frame_used == 0 && size >= FRAME_BYTES) {
            if (!put_frame(writer, data, FRAME_BYTES, error)) {
                return false;
            }
            data += FRAME_BYTES;
            size -= FRAME_BYTES;
            continue;
        }
        size_t room = FRAME_BYTES - writer->frame_used;
        size_t taken = size < room ? size : room;

        memcpy(writer->frame + writer->frame_used, data, taken);
        writer->frame_used += taken;
        data += taken;
        size -= taken;
        if (writer->frame_used == FRAME_BYTES) {
            if (!put_frame(writer, writer->frame, FRAME_BYTES, error)) {
                return false;
            }
            writer->frame_used = 0;
        }
    }
    return true;
}

static bool end_frames(struct blob_writer *writer, struct error *error)
{
    uint8_t bytes[FRAMES_FOOT_BYTES];
    struct frames_foot foot = {.size_bytes = writer->size_bytes};

    if (writer->frame_used > 0 && !put_frame(writer, writer->frame, writer->frame_used, error)) {
        return false;
    }
    foot.frames = writer->places.length / FRAME_PLACE_BYTES;
    foot.check = crc_add(CRC_64NVME, 0, writer->places.data, writer->places.length);
    frames_put_foot(&foot, bytes);
    return put_inner(writer, writer->places.data, writer->places.length, error) &&
           put_inner(writer, bytes, sizeof bytes, error);
}

static bool prepare_compression(struct blob_writer *writer, struct error *error)
{
    writer->frame = memory_array(FRAME_BYTES, 1, error);
    writer->packed = writer->frame != NULL ? memory_array(ZSTD_compressBound(FRAME_BYTES), 1, error) : NULL;
    if (writer->packed == NULL) {
        return false;
    }
    writer->zstd = ZSTD_createCCtx();
    return writer->zstd != NULL || error_set(error, ERROR_MEMORY, "no memory to compress with");
}

static bool prepare_encryption(struct blob_writer *writer, const uint8_t *key, struct error *error)
{
    uint8_t head[SEAL_HEAD_BYTES];

    writer->segment = memory_array(SEGMENT_BYTES, 1, error);
    writer->sealed = writer->segment != NULL ? memory_array(SEGMENT_STORED_BYTES, 1, error) : NULL;
    writer->seal = writer->sealed != NULL ? seal_new(key, head, error) : NULL;
    return writer->seal != NULL && put_stored(writer, head, sizeof head, error);
}

struct blob_writer *blob_create(const char *folder, const struct blob_form *form, uint32_t inline_bytes,
                                struct error *error)
{
    struct blob_writer *writer = memory_zeroed(sizeof *writer, error);

    if (writer == NULL) {
        return NULL;
    }
    writer->fd = -1;
    writer->inline_bytes = inline_bytes;
    writer->folder = memory_copy_text(folder, strlen(folder), error);
    if (writer->folder == NULL || (form->compressed && !prepare_compression(writer, error)) ||
        (form->key != NULL && !prepare_encryption(writer, form->key, error))) {
        blob_writer_free(writer);
        return NULL;
    }
    return writer;
}

bool blob_write(struct blob_writer *writer, const void *data, size_t size, struct error *error)
{
    writer->size_bytes += size;
    return writer->zstd != NULL ? put_compressed(writer, data, size, error) : put_inner(writer, data, size, error);
}

static bool sync_place(const char *path, struct error *error)
{
    char *place __attribute__((cleanup(memory_release))) =
        memory_copy_text(path, (size_t)(strrchr(path, '/') - path), error);

    return place != NULL && file_sync_folder(place, error);
}

/* Makes the folder that `path` is to be in, lastingly. */
static bool make_place(const struct blob_writer *writer, const char *path, struct error *error)
{
    struct buffer blobs __attribute__((cleanup(buffer_free))) = {0};
    char *place __attribute__((cleanup(memory_release))) =
        memory_copy_text(path, (size_t)(strrchr(path, '/') - path), error);

    return place != NULL && file_make_folders(place, error) && path_of(writer->folder, "blobs", &blobs, error) &&
           file_sync_folder(blobs.data, error) && file_sync_folder(writer->folder, error);
}

/* Gives the file its name, and never one that another has; 0 or errno. */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    /* File systems without that, such as NFS. */
    if (link(from, to) != 0) {
        return errno;
    }
    return unlink(from) == 0 ? 0 : errno;
}

/* Moves the file from tmp/ to where its id says. */
static bool name_file(struct blob_writer *writer, struct error *error)
{
    size_t size = strlen(writer->folder) + sizeof "/blobs/ab/" + BLOB_ID_CHARACTERS;
    char *path = memory_array(size, 1, error);
    int failure = path != NULL ? EEXIST : 0;
    bool good = path != NULL;

    for (int attempt = 0; good && failure != 0; attempt++) {
        blob_path(writer->folder, writer->id, path, size);
        failure = rename_new(writer->file, path);
        if (failure != 0 && ((failure != ENOENT && failure != EEXIST) || attempt == 8)) {
            good = error_set_errno(error, failure, "%s cannot be put in its place under blobs/", writer->file);
        } else if (failure == EEXIST) {
            good = random_ulid(writer->id, error);
        } else if (failure == ENOENT) {
            good = make_place(writer, path, error);
        }
    }
    if (!good) {
        memory_free(path);
        return false;
    }
    memory_free(writer->file);
    writer->file = path;
    return sync_place(path, error);
}

/* Whether a test wants that writing ends in failure here. */
static bool stops_at(const struct blob_writer *writer, const char *failpoint, struct error *error)
{
    return failpoint_hit(failpoint) && !error_set(error, ERROR_IO, "%s: stopped at %s", writer->file, failpoint);
}

static bool finish_file(struct blob_writer *writer, struct error *error)
{
    if (stops_at(writer, "blob.written", error)) {
        return false;
    }
    if (fdatasync(writer->fd) != 0) {
        return error_set_errno(error, errno, "%s cannot be synced to disk", writer->file);
    }
    return !stops_at(writer, "blob.synced", error) && name_file(writer, error) &&
           !stops_at(writer, "blob.named", error);
}

bool blob_finish(struct blob_writer *writer, struct blob_stored *stored, struct error *error)
{
    if ((writer->zstd != NULL && !end_frames(writer, error)) ||
        (writer->seal != NULL && !put_segment(writer, true, writer->segment, writer->segment_used, error)) ||
        (writer->fd >= 0 && !finish_file(writer, error))) {
        return false;
    }
    *stored = (struct blob_stored){
        .bytes = writer->fd >= 0 ? NULL : buffer_text(&writer->bytes),
        .stored_bytes = writer->stored_bytes,
        .size_bytes = writer->size_bytes,
    };
    if (writer->fd >= 0) {
        memcpy(stored->id, writer->id, sizeof stored->id);
        memory_release(&writer->file);
    }
    return writer->fd >= 0 || buffer_check(&writer->bytes, error);
}

void blob_writer_free(struct blob_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    if (writer->file != NULL) {
        unlink(writer->file);
    }
    ZSTD_freeCCtx(writer->zstd);
    seal_free(writer->seal);
    buffer_free(&writer->places);
    buffer_free(&writer->bytes);
    memory_free(writer->frame);
    memory_free(writer->packed);
    memory_free(writer->segment);
    memory_free(writer->sealed);
    memory_free(writer->file);
    memory_free(writer->folder);
    memory_free(writer);
}

/* Copies the whole file into the writer's: by reference where both lie on a file system that can. */
static bool copy_into(struct blob_writer *writer, const char *path, struct error *error)
{
    uint64_t at = 0;
    ssize_t got = 1;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    void *step __attribute__((cleanup(memory_release))) = memory_array(FLUSH_BYTES, 1, error);

    if (from < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", path);
    }
    bool good = step != NULL && begin_file(writer, error);

    if (good && ioctl(writer->fd, FICLONE, from) == 0) {
        struct stat status;

        good = fstat(from, &status) == 0;
        writer->stored_bytes = writer->size_bytes = good ? (uint64_t)status.st_size : 0;
        got = 0;
    }
    while (good && got > 0) {
        got = file_read_at(from, step, FLUSH_BYTES, at, path, error);
        good = got >= 0 && put_stored(writer, step, (size_t)got, error);
        at += got > 0 ? (uint64_t)got : 0;
        writer->size_bytes = at;
    }
    close(from);
    return good;
}

/* Links the file under tmp/, as if it had been written there. False without an error: it cannot be linked. */
static bool link_into(struct blob_writer *writer, const char *path, struct error *error)
{
    struct buffer temporary __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;
    char name[BLOB_ID_CHARACTERS + 5];

    if (!random_ulid(writer->id, error)) {
        return false;
    }
    snprintf(name, sizeof name, "tmp/%s", writer->id);
    if (!path_of(writer->folder, name, &temporary, error) || linkat(AT_FDCWD, path, AT_FDCWD, temporary.data, 0) != 0) {
        return false;
    }
    writer->file = memory_copy_text(temporary.data, temporary.length, error);
    if (writer->file == NULL) {
        unlink(temporary.data);
        return false;
    }
    writer->fd = open(writer->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (writer->fd < 0 || fstat(writer->fd, &status) != 0) {
        return error_set_errno(error, errno, "%s cannot be opened", path);
    }
    writer->stored_bytes = writer->size_bytes = (uint64_t)status.st_size;
    return true;
}

bool blob_adopt(const char *folder, const char *path, bool copy, struct blob_stored *stored, bool *linked,
                struct error *error)
{
    const struct blob_form form = {0};
    struct error own = {0};
    struct blob_writer *writer = blob_create(folder, &form, 0, error);

    if (writer == NULL) {
        return false;
    }
    *linked = !copy && link_into(writer, path, &own);
    bool good = own.code == ERROR_NONE ? *linked || copy_into(writer, path, error)
                                       : error_set(error, own.code, "%s", own.message);

    good = good && blob_finish(writer, stored, error);
    blob_writer_free(writer);
    return good;
}

bool blob_remove(const char *folder, const char *id, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    size_t size = strlen(folder) + sizeof "/blobs/ab/" + BLOB_ID_CHARACTERS;

    if (buffer_room(&path, size) == NULL) {
        return buffer_check(&path, error);
    }
    blob_path(folder, id, path.data, size);
    return file_remove(path.data, error);
}

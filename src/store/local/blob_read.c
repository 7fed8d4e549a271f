/* Reading blobs: ranges of what was written, found through the layers that lie over the stored bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/buffer.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/local/blob.h"
#include "store/local/blob_format.h"

#define NONE UINT64_MAX

struct blob_reader {
    uint64_t size_bytes;   /* of what was written */
    uint64_t stored_bytes; /* on disk, or in memory */
    int fd;                /* -1: in memory */
    const uint8_t *bytes;
    struct buffer path; /* for messages */

    struct seal *seal;    /* NULL: not encrypted */
    uint64_t inner_bytes; /* without encryption */
    uint8_t *sealed;      /* room to read a segment into */
    uint8_t *segment;     /* the segment that was opened last */
    uint64_t segment_number;

    ZSTD_DCtx *zstd; /* NULL: not compressed */
    struct frame_place *places;
    uint8_t *packed; /* room to read a frame into */
    uint8_t *frame;  /* the frame that was unpacked last */
    uint64_t frame_number;
};

static const char *name_of(const struct blob_reader *reader)
{
    return reader->fd >= 0 ? reader->path.data : "a body in the database";
}

/* Reads stored bytes, all of them that are asked for. */
static bool get_stored(struct blob_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    if (reader->fd < 0) {
        memcpy(data, reader->bytes + offset, size);
        return true;
    }
    ssize_t got = file_read_at(reader->fd, data, size, offset, reader->path.data, error);

    if (got >= 0 && (size_t)got < size) {
        return error_set(error, ERROR_CORRUPT, "%s became shorter: what it held is damaged", reader->path.data);
    }
    return got >= 0;
}

static bool get_segment(struct blob_reader *reader, uint64_t number, uint8_t *plain, struct error *error)
{
    uint64_t left = reader->inner_bytes - number * SEGMENT_BYTES;
    bool last = left <= SEGMENT_BYTES;
    size_t size = last ? (size_t)left : SEGMENT_BYTES;

    if (!get_stored(reader, reader->sealed, size + SEGMENT_TAG_BYTES, SEAL_HEAD_BYTES + number * SEGMENT_STORED_BYTES,
                    error)) {
        return false;
    }
    return seal_unlock(reader->seal, number, last, reader->sealed, size, plain, error) ||
           error_prefix(error, "%s", name_of(reader));
}

/* Reads what encryption, if any, lies over. Whole segments go where they are wanted at once. */
static bool get_inner(struct blob_reader *reader, uint8_t *data, size_t size, uint64_t offset, struct error *error)
{
    if (reader->seal == NULL) {
        return get_stored(reader, data, size, offset, error);
    }
    while (size > 0) {
        uint64_t number = offset / SEGMENT_BYTES;
        size_t skipped = (size_t)(offset % SEGMENT_BYTES);
        uint64_t left = reader->inner_bytes - number * SEGMENT_BYTES;
        size_t there = (left < SEGMENT_BYTES ? (size_t)left : SEGMENT_BYTES) - skipped;
        size_t wanted = size < there ? size : there;

        if (number != reader->segment_number && skipped == 0 && wanted == there) {
            if (!get_segment(reader, number, data, error)) {
                return false;
            }
        } else {
            if (number != reader->segment_number) {
                reader->segment_number = NONE;
                if (!get_segment(reader, number, reader->segment, error)) {
                    return false;
                }
                reader->segment_number = number;
            }
            memcpy(data, reader->segment + skipped, wanted);
        }
        data += wanted;
        offset += wanted;
        size -= wanted;
    }
    return true;
}

static bool get_frame(struct blob_reader *reader, uint64_t number, uint8_t *plain, size_t size, struct error *error)
{
    const struct frame_place *place = &reader->places[number];
    bool packed = place->stored_bytes < size;
    uint8_t *stored = packed ? reader->packed : plain;

    if (!get_inner(reader, stored, place->stored_bytes, place->offset, error)) {
        return false;
    }
    if (crc_add(CRC_32C, 0, stored, place->stored_bytes) != place->check ||
        (packed && ZSTD_decompressDCtx(reader->zstd, plain, size, stored, place->stored_bytes) != size)) {
        memset(plain, 0, size);
        return error_set(error, ERROR_CORRUPT, "%s: frame %llu of the compressed bytes is damaged", name_of(reader),
                         (unsigned long long)number);
    }
    return true;
}

static bool get_plain(struct blob_reader *reader, uint8_t *data, size_t size, uint64_t offset, struct error *error)
{
    if (reader->zstd == NULL) {
        return get_inner(reader, data, size, offset, error);
    }
    while (size > 0) {
        uint64_t number = offset / FRAME_BYTES;
        size_t skipped = (size_t)(offset % FRAME_BYTES);
        uint64_t left = reader->size_bytes - number * FRAME_BYTES;
        size_t frame = left < FRAME_BYTES ? (size_t)left : FRAME_BYTES;
        size_t wanted = size < frame - skipped ? size : frame - skipped;

        if (number != reader->frame_number && wanted == frame) {
            if (!get_frame(reader, number, data, frame, error)) {
                return false;
            }
        } else {
            if (number != reader->frame_number) {
                reader->frame_number = NONE;
                if (!get_frame(reader, number, reader->frame, frame, error)) {
                    return false;
                }
                reader->frame_number = number;
            }
            memcpy(data, reader->frame + skipped, wanted);
        }
        data += wanted;
        offset += wanted;
        size -= wanted;
    }
    return true;
}

ssize_t blob_read(struct blob_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    if (offset >= reader->size_bytes || size == 0) {
        return 0;
    }
    if (size > reader->size_bytes - offset) {
        size = (size_t)(reader->size_bytes - offset);
    }
    return get_plain(reader, data, size, offset, error) ? (ssize_t)size : -1;
}

static bool wrong_size(const struct blob_reader *reader, struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s has %llu bytes, which cannot hold a body of %llu: it is damaged",
                     name_of(reader), (unsigned long long)reader->stored_bytes, (unsigned long long)reader->size_bytes);
}

static bool prepare_encryption(struct blob_reader *reader, const uint8_t *key, struct error *error)
{
    uint8_t head[SEAL_HEAD_BYTES];

    if (!seal_plain_bytes(reader->stored_bytes, &reader->inner_bytes)) {
        return wrong_size(reader, error);
    }
    reader->sealed = memory_array(SEGMENT_STORED_BYTES, 1, error);
    reader->segment = reader->sealed != NULL ? memory_array(SEGMENT_BYTES, 1, error) : NULL;
    if (reader->segment == NULL || !get_stored(reader, head, sizeof head, 0, error)) {
        return false;
    }
    reader->seal = seal_open(key, head, error);
    return reader->seal != NULL || error_prefix(error, "%s", name_of(reader));
}

static bool load_places(struct blob_reader *reader, struct error *error)
{
    uint8_t bytes[FRAMES_FOOT_BYTES];
    struct frames_foot foot = {0};

    if (reader->inner_bytes < FRAMES_FOOT_BYTES) {
        return wrong_size(reader, error);
    }
    if (!get_inner(reader, bytes, sizeof bytes, reader->inner_bytes - FRAMES_FOOT_BYTES, error)) {
        return false;
    }
    if (!frames_get_foot(bytes, reader->inner_bytes, reader->size_bytes, &foot, error)) {
        return error_prefix(error, "%s", name_of(reader));
    }
    size_t size = (size_t)foot.frames * FRAME_PLACE_BYTES;
    uint8_t *stored __attribute__((cleanup(memory_release))) = memory_array(size, 1, error);

    reader->places = stored != NULL ? memory_array((size_t)foot.frames, sizeof *reader->places, error) : NULL;
    if (reader->places == NULL ||
        !get_inner(reader, stored, size, reader->inner_bytes - FRAMES_FOOT_BYTES - size, error)) {
        return false;
    }
    return frames_get_places(stored, &foot, reader->inner_bytes, reader->places, error) ||
           error_prefix(error, "%s", name_of(reader));
}

static bool prepare_compression(struct blob_reader *reader, struct error *error)
{
    if (!load_places(reader, error)) {
        return false;
    }
    reader->packed = memory_array(FRAME_BYTES, 1, error);
    reader->frame = reader->packed != NULL ? memory_array(FRAME_BYTES, 1, error) : NULL;
    if (reader->frame == NULL) {
        return false;
    }
    reader->zstd = ZSTD_createDCtx();
    return reader->zstd != NULL || error_set(error, ERROR_MEMORY, "no memory to unpack compressed bytes");
}

/* Reads the heads and tables of the layers. */
static bool prepare(struct blob_reader *reader, const struct blob_form *form, struct error *error)
{
    reader->segment_number = NONE;
    reader->frame_number = NONE;
    reader->inner_bytes = reader->stored_bytes;
    if (form->key != NULL && !prepare_encryption(reader, form->key, error)) {
        return false;
    }
    if (form->compressed) {
        return prepare_compression(reader, error);
    }
    return reader->inner_bytes == reader->size_bytes || wrong_size(reader, error);
}

static bool open_file(struct blob_reader *reader, const char *folder, const char *id, struct error *error)
{
    struct stat status;
    size_t size = strlen(folder) + sizeof "/blobs/ab/" + BLOB_ID_CHARACTERS;

    if (buffer_room(&reader->path, size) == NULL) {
        return buffer_check(&reader->path, error);
    }
    blob_path(folder, id, reader->path.data, size);
    reader->fd = open(reader->path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->fd < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", reader->path.data);
    }
    if (fstat(reader->fd, &status) != 0) {
        return error_set_errno(error, errno, "%s cannot be examined", reader->path.data);
    }
    reader->stored_bytes = (uint64_t)status.st_size;
    return true;
}

struct blob_reader *blob_open(const char *folder, const char *id, const struct blob_form *form, uint64_t size_bytes,
                              struct error *error)
{
    struct blob_reader *reader = memory_zeroed(sizeof *reader, error);

    if (reader == NULL) {
        return NULL;
    }
    reader->fd = -1;
    reader->size_bytes = size_bytes;
    if (!open_file(reader, folder, id, error) || !prepare(reader, form, error)) {
        blob_reader_free(reader);
        return NULL;
    }
    return reader;
}

struct blob_reader *blob_open_bytes(const void *bytes, size_t stored_bytes, const struct blob_form *form,
                                    uint64_t size_bytes, struct error *error)
{
    struct blob_reader *reader = memory_zeroed(sizeof *reader, error);

    if (reader == NULL) {
        return NULL;
    }
    reader->fd = -1;
    reader->bytes = bytes;
    reader->stored_bytes = stored_bytes;
    reader->size_bytes = size_bytes;
    if (!prepare(reader, form, error)) {
        blob_reader_free(reader);
        return NULL;
    }
    return reader;
}

int blob_reader_file(const struct blob_reader *reader)
{
    return reader->seal == NULL && reader->zstd == NULL ? reader->fd : -1;
}

const void *blob_reader_bytes(const struct blob_reader *reader)
{
    return reader->seal == NULL && reader->zstd == NULL ? reader->bytes : NULL;
}

void blob_reader_free(struct blob_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    seal_free(reader->seal);
    ZSTD_freeDCtx(reader->zstd);
    memory_free(reader->places);
    memory_free(reader->sealed);
    memory_free(reader->segment);
    memory_free(reader->packed);
    memory_free(reader->frame);
    buffer_free(&reader->path);
    memory_free(reader);
}

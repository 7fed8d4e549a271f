#include "store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define VERSION 1
#define STEP_BYTES 65536
#define LINE_BYTES (1U << 20)

/* --- order --- */

static int section_of(const char *path)
{
    if (strchr(path, '/') == NULL) {
        return strcmp(path, "key") == 0 ? 1 : 0;
    }
    return strncmp(path, "blobs/", 6) == 0 ? 3 : 2;
}

int manifest_compare(const char *path, const char *other)
{
    int section = section_of(path);
    int other_section = section_of(other);

    if (section != other_section) {
        return section < other_section ? -1 : 1;
    }
    return section == 3 ? strcmp(strrchr(path, '/'), strrchr(other, '/')) : strcmp(path, other);
}

/* --- writing --- */

struct manifest_writer {
    char *path, *temporary;
    int fd;
    struct digest *digest;
    struct buffer lines; /* not yet written */
    uint64_t files;
};

static bool flush(struct manifest_writer *writer, struct error *error)
{
    bool good = buffer_check(&writer->lines, error) &&
                digest_add(writer->digest, writer->lines.data, writer->lines.length, error) &&
                file_write(writer->fd, writer->lines.data, writer->lines.length, writer->temporary, error);

    buffer_clear(&writer->lines);
    return good;
}

static bool put_line(struct manifest_writer *writer, json_t *line, uint64_t failures, struct error *error)
{
    bool good = json_built(failures, error);

    if (good) {
        json_append(&writer->lines, line, 0);
        buffer_append_char(&writer->lines, '\n');
        good = writer->lines.length < STEP_BYTES || flush(writer, error);
    }
    json_decref(line);
    return good;
}

static bool put_head(struct manifest_writer *writer, const char *id, const char *database, struct error *error)
{
    uint64_t failures = json_failures();
    char created[32];

    clock_format_rfc3339(clock_now_us(), created);
    return put_line(
        writer,
        json_pack("{s:i, s:s, s:s, s:s}", "aisle_backup", VERSION, "id", id, "created", created, "database", database),
        failures, error);
}

struct manifest_writer *manifest_create(const char *path, const char *id, const char *database, struct error *error)
{
    struct manifest_writer *writer = memory_zeroed(sizeof *writer, error);
    struct buffer temporary __attribute__((cleanup(buffer_free))) = {0};

    if (writer == NULL) {
        return NULL;
    }
    writer->fd = -1;
    buffer_append_format(&temporary, "%s.new", path);
    writer->path = memory_copy_text(path, strlen(path), error);
    writer->temporary =
        buffer_text(&temporary) != NULL ? memory_copy_text(temporary.data, temporary.length, error) : NULL;
    writer->digest = writer->temporary != NULL ? digest_new(1U << DIGEST_SHA256, error) : NULL;
    if (writer->path == NULL || writer->digest == NULL) {
        manifest_writer_free(writer);
        return NULL;
    }
    writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->fd < 0) {
        error_set_errno(error, errno, "%s cannot be created", writer->temporary);
    }
    if (writer->fd < 0 || !put_head(writer, id, database, error)) {
        manifest_writer_free(writer);
        return NULL;
    }
    return writer;
}

bool manifest_add(struct manifest_writer *writer, const struct manifest_entry *entry, struct error *error)
{
    uint64_t failures = json_failures();
    json_t *line = entry->missing != NULL ? json_pack("{s:s, s:s}", "path", entry->path, "missing", entry->missing)
                                          : json_pack("{s:s, s:I, s:s}", "path", entry->path, "size_bytes",
                                                      (json_int_t)entry->size_bytes, "sha256", entry->sha256);

    writer->files++;
    return put_line(writer, line, failures, error);
}

/* Makes what the file system of `path` holds lasting, that which is in this file's folder above all. */
static bool put_in_place(struct manifest_writer *writer, struct error *error)
{
    char *folder __attribute__((cleanup(memory_release))) =
        memory_copy_text(writer->path, (size_t)(strrchr(writer->path, '/') - writer->path), error);

    if (folder == NULL || !file_sync(writer->fd, writer->temporary, error)) {
        return false;
    }
    if (rename(writer->temporary, writer->path) != 0) {
        return error_set_errno(error, errno, "%s cannot be put in its place", writer->temporary);
    }
    memory_release(&writer->temporary);
    return file_sync_folder(folder, error);
}

bool manifest_finish(struct manifest_writer *writer, struct error *error)
{
    uint64_t failures = json_failures();
    uint8_t value[DIGEST_MAX_BYTES];
    char hex[65];

    if (!flush(writer, error) || !digest_value(writer->digest, DIGEST_SHA256, value, error)) {
        return false;
    }
    digest_hex(value, 32, hex);
    return put_line(writer, json_pack("{s:I, s:s}", "files", (json_int_t)writer->files, "sha256", hex), failures,
                    error) &&
           flush(writer, error) && put_in_place(writer, error);
}

void manifest_writer_free(struct manifest_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        close(writer->fd);
        if (writer->temporary != NULL) {
            unlink(writer->temporary);
        }
    }
    digest_free(writer->digest);
    buffer_free(&writer->lines);
    memory_free(writer->path);
    memory_free(writer->temporary);
    memory_free(writer);
}

/* --- reading --- */

struct manifest_reader {
    char *path;
    int fd;
    uint64_t offset; /* of what is read next */
    struct buffer bytes;
    size_t at; /* of the next line in `bytes` */
    struct digest *digest;
    uint64_t files, line;
    json_t *head, *entry;
};

static bool damaged(const struct manifest_reader *reader, struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s: line %llu is damaged, or the file was cut there", reader->path,
                     (unsigned long long)reader->line);
}

/* The next line with its end, in `bytes`; NULL at the end of the file or on failure. */
static const char *next_line(struct manifest_reader *reader, size_t *length, struct error *error)
{
    reader->line++;
    for (;;) {
        const char *start = reader->bytes.data + reader->at;
        size_t left = reader->bytes.length - reader->at;
        const char *end = left > 0 ? memchr(start, '\n', left) : NULL;

        if (end != NULL) {
            *length = (size_t)(end + 1 - start);
            reader->at += *length;
            return start;
        }
        if (left > LINE_BYTES) {
            damaged(reader, error);
            return NULL;
        }
        if (left > 0 && reader->at > 0) {
            memmove(reader->bytes.data, start, left);
        }
        reader->bytes.length = left;
        reader->at = 0;
        char *room = buffer_room(&reader->bytes, STEP_BYTES);
        ssize_t got =
            room != NULL ? file_read_at(reader->fd, room, STEP_BYTES, reader->offset, reader->path, error) : -1;

        if (got <= 0) {
            if (room == NULL) {
                buffer_check(&reader->bytes, error);
            } else if (got == 0) {
                damaged(reader, error);
            }
            return NULL;
        }
        buffer_advance(&reader->bytes, (size_t)got);
        reader->offset += (uint64_t)got;
    }
}

static json_t *parse(const struct manifest_reader *reader, const char *line, size_t length, struct error *error)
{
    json_t *value = json_read(line, length, reader->path, error);

    if (value == NULL && error->code != ERROR_MEMORY) {
        damaged(reader, error);
    }
    return value;
}

static bool read_head(struct manifest_reader *reader, struct error *error)
{
    size_t length = 0;
    const char *line = next_line(reader, &length, error);

    if (line == NULL || !digest_add(reader->digest, line, length, error)) {
        return false;
    }
    reader->head = parse(reader, line, length, error);
    if (reader->head == NULL) {
        return false;
    }
    json_int_t version = json_integer_value(json_object_get(reader->head, "aisle_backup"));

    if (version > VERSION) {
        return error_set(error, ERROR_CONFLICT,
                         "%s was written by a newer Aisle (version %lld, this program knows %d); use that one",
                         reader->path, (long long)version, VERSION);
    }
    return (version == VERSION && manifest_id(reader) != NULL && manifest_created(reader) != NULL &&
            manifest_database(reader) != NULL) ||
           error_set(error, ERROR_CORRUPT, "%s is not the manifest of a backup by Aisle", reader->path);
}

struct manifest_reader *manifest_open(const char *path, struct error *error)
{
    struct manifest_reader *reader = memory_zeroed(sizeof *reader, error);

    if (reader == NULL) {
        return NULL;
    }
    reader->path = memory_copy_text(path, strlen(path), error);
    reader->digest = reader->path != NULL ? digest_new(1U << DIGEST_SHA256, error) : NULL;
    reader->fd = reader->digest != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (reader->digest != NULL && reader->fd < 0) {
        error_set_errno(error, errno, "%s cannot be opened", path);
    }
    if (reader->fd < 0 || !read_head(reader, error)) {
        manifest_reader_free(reader);
        return NULL;
    }
    return reader;
}

const char *manifest_id(const struct manifest_reader *reader)
{
    return json_string_value(json_object_get(reader->head, "id"));
}

const char *manifest_created(const struct manifest_reader *reader)
{
    return json_string_value(json_object_get(reader->head, "created"));
}

const char *manifest_database(const struct manifest_reader *reader)
{
    return json_string_value(json_object_get(reader->head, "database"));
}

/* The last line must be of those before it. */
static bool is_end(struct manifest_reader *reader, struct error *error)
{
    const char *sha256 = json_string_value(json_object_get(reader->entry, "sha256"));
    uint8_t value[DIGEST_MAX_BYTES];
    uint8_t said[32];

    return (digest_value(reader->digest, DIGEST_SHA256, value, error) && sha256 != NULL &&
            digest_from_hex(sha256, said, sizeof said) && memcmp(said, value, sizeof said) == 0 &&
            (uint64_t)json_integer_value(json_object_get(reader->entry, "files")) == reader->files) ||
           damaged(reader, error);
}

/* Nothing outside of the folder may be named. */
static bool path_is_safe(const char *path)
{
    for (const char *part = path; part != NULL; part = strchr(part, '/') != NULL ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");

        if (length == 0 || (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')))) {
            return false;
        }
    }
    return true;
}

int manifest_next(struct manifest_reader *reader, struct manifest_entry *entry, struct error *error)
{
    size_t length = 0;
    const char *line = next_line(reader, &length, error);

    json_decref(reader->entry);
    reader->entry = line != NULL ? parse(reader, line, length, error) : NULL;
    if (reader->entry == NULL) {
        return -1;
    }
    if (json_object_get(reader->entry, "files") != NULL) {
        return is_end(reader, error) ? 0 : -1;
    }
    const char *sha256 = json_string_value(json_object_get(reader->entry, "sha256"));

    entry->path = json_string_value(json_object_get(reader->entry, "path"));
    entry->missing = json_string_value(json_object_get(reader->entry, "missing"));
    entry->size_bytes = (uint64_t)json_integer_value(json_object_get(reader->entry, "size_bytes"));
    snprintf(entry->sha256, sizeof entry->sha256, "%s", sha256 != NULL ? sha256 : "");
    if (entry->path == NULL || !path_is_safe(entry->path) ||
        (entry->missing == NULL && (sha256 == NULL || strlen(sha256) != 64))) {
        damaged(reader, error);
        return -1;
    }
    reader->files++;
    return digest_add(reader->digest, line, length, error) ? 1 : -1;
}

void manifest_reader_free(struct manifest_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    json_decref(reader->head);
    json_decref(reader->entry);
    digest_free(reader->digest);
    buffer_free(&reader->bytes);
    memory_free(reader->path);
    memory_free(reader);
}

#include <string.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/memory.h"
#include "tabular/parquet.h"
#include "tabular/parquet_column.h"
#include "tabular/parquet_meta.h"

enum { WRITE_BYTES = 1024 * 1024, MOST_FIELDS = 10000, MOST_SCALE = 18, MOST_NAME = 1000 };

struct parquet_writer {
    int fd;
    struct buffer path;
    struct parquet_field *fields;
    char *names;
    size_t field_count;
    struct column_writer column;
    struct buffer out;     /* not yet in the file */
    uint64_t flushed;      /* bytes of the file before `out` */
    struct buffer columns; /* metadata of the row group at hand */
    struct buffer groups;  /* metadata of all row groups */
    size_t group_count;
    uint64_t rows;
};

static bool flush(struct parquet_writer *writer, struct error *error)
{
    const char *path = buffer_text(&writer->path);

    if (failpoint_hit("parquet.write")) {
        return error_set(error, ERROR_IO, "cannot write %s: failpoint parquet.write", path);
    }
    if (!file_write(writer->fd, writer->out.data, writer->out.length, path, error)) {
        return false;
    }
    writer->flushed += writer->out.length;
    buffer_clear(&writer->out);
    return true;
}

static bool check_field(const struct parquet_field *field, struct error *error)
{
    size_t length = strlen(field->name);

    if (length > MOST_NAME) {
        return error_set(error, ERROR_LIMIT, "column name \"%.200s…\" is longer than %d bytes", field->name, MOST_NAME);
    }
    if (field->kind == COLUMN_ABSENT || field->kind > COLUMN_BOOLEAN) {
        return error_set(error, ERROR_INTERNAL, "column \"%s\" has no kind that Parquet knows", field->name);
    }
    if (field->kind == COLUMN_DECIMAL && (field->scale < 0 || field->scale > MOST_SCALE)) {
        return error_set(error, ERROR_LIMIT, "column \"%s\" has a scale of %d; Parquet files hold 0 to %d decimals",
                         field->name, field->scale, MOST_SCALE);
    }
    return true;
}

static bool copy_fields(struct parquet_writer *writer, const struct parquet_field *fields, size_t count,
                        struct error *error)
{
    size_t names_size = 0;

    if (count == 0 || count > MOST_FIELDS) {
        return error_set(error, ERROR_LIMIT, "a Parquet file has 1 to %d columns, not %zu", MOST_FIELDS, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_field(&fields[i], error)) {
            return false;
        }
        names_size += strlen(fields[i].name) + 1;
    }
    writer->fields = memory_array(count, sizeof *writer->fields, error);
    writer->names = memory_array(names_size, 1, error);
    if (writer->fields == NULL || writer->names == NULL) {
        return false;
    }
    char *name = writer->names;

    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(fields[i].name) + 1;

        memcpy(name, fields[i].name, size);
        writer->fields[i] = fields[i];
        writer->fields[i].name = name;
        name += size;
    }
    writer->field_count = count;
    return true;
}

bool parquet_restart(struct parquet_writer *writer, int fd, const char *path, struct error *error)
{
    writer->fd = fd;
    writer->flushed = 0;
    writer->group_count = 0;
    writer->rows = 0;
    buffer_clear(&writer->path);
    buffer_append_text(&writer->path, path);
    buffer_clear(&writer->groups);
    buffer_clear(&writer->out);
    buffer_append(&writer->out, PARQUET_MAGIC, PARQUET_MAGIC_SIZE);
    if (buffer_text(&writer->path) == NULL) { /* so that later ones find the room taken */
        return error_set(error, ERROR_MEMORY, "out of memory: cannot begin %s", path);
    }
    return buffer_check(&writer->out, error);
}

struct parquet_writer *parquet_create(int fd, const char *path, const struct parquet_field *fields, size_t field_count,
                                      enum parquet_codec codec, const struct terms *terms, struct error *error)
{
    struct parquet_writer *writer = memory_zeroed(sizeof *writer, error);

    if (writer == NULL) {
        return NULL;
    }
    writer->column.codec = codec;
    writer->column.texts.terms = terms;
    if (!copy_fields(writer, fields, field_count, error) || !parquet_restart(writer, fd, path, error)) {
        parquet_writer_free(writer);
        return NULL;
    }
    return writer;
}

void parquet_writer_free(struct parquet_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    column_writer_free(&writer->column);
    buffer_free(&writer->path);
    buffer_free(&writer->out);
    buffer_free(&writer->columns);
    buffer_free(&writer->groups);
    memory_free(writer->fields);
    memory_free(writer->names);
    memory_free(writer);
}

static bool write_columns(struct parquet_writer *writer, const struct parquet_values *values, size_t rows,
                          struct parquet_written_group *group, struct error *error)
{
    buffer_clear(&writer->columns);
    for (size_t i = 0; i < writer->field_count; i++) {
        struct parquet_written written;

        if (!column_write(&writer->column, &writer->fields[i], &values[i], rows, &writer->out, writer->flushed,
                          &written, error)) {
            return false;
        }
        chunk_meta_write(&writer->columns, &writer->fields[i], &written);
        group->raw_size += written.raw_size;
        group->stored_size += written.stored_size;
        if (writer->out.length >= WRITE_BYTES && !flush(writer, error)) {
            return false;
        }
    }
    return buffer_check(&writer->columns, error);
}

bool parquet_write_group(struct parquet_writer *writer, const struct parquet_values *values, size_t rows,
                         struct error *error)
{
    struct parquet_written_group group = {
        .column_count = writer->field_count, .rows = rows, .start = writer->flushed + writer->out.length};

    if (rows == 0) {
        return true;
    }
    if (!write_columns(writer, values, rows, &group, error)) {
        return false;
    }
    group.columns = str_slice(writer->columns.data, writer->columns.length);
    group_meta_write(&writer->groups, &group);
    writer->group_count++;
    writer->rows += rows;
    return buffer_check(&writer->groups, error);
}

bool parquet_finish(struct parquet_writer *writer, uint64_t *size_bytes, struct error *error)
{
    struct str groups = str_slice(writer->groups.data, writer->groups.length);

    if (groups.length > INT32_MAX) {
        return error_set(error, ERROR_LIMIT, "%s has too many row groups for one file", buffer_text(&writer->path));
    }
    footer_write(&writer->out, writer->fields, writer->field_count, groups, writer->group_count, writer->rows);
    if (!buffer_check(&writer->out, error) || !flush(writer, error)) {
        return false;
    }
    *size_bytes = writer->flushed;
    return true;
}

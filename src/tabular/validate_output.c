#include "tabular/validate_output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct str output_reject_columns(char delimiter, char room[OUTPUT_REJECT_COLUMNS + 1])
{
    snprintf(room, OUTPUT_REJECT_COLUMNS + 1, "%crejection_reasons%crow_number\n", delimiter, delimiter);
    return str_slice(room, OUTPUT_REJECT_COLUMNS);
}

/* Whether a text must be quoted in this dialect. It is looked at 16 bytes at a time, since every rejected row has one;
 * OUTPUT_PADDING bytes after it may be read. */
static bool needs_quotes(const struct csv_dialect *dialect, struct str text)
{
    unsigned char found[OUTPUT_PADDING] = {0};
    for (size_t i = 0; i < text.length; i += OUTPUT_PADDING) {
        unsigned char special[OUTPUT_PADDING];
        for (size_t j = 0; j < OUTPUT_PADDING; j++) {
            char c = text.data[i + j];
            special[j] = (unsigned char)((c == dialect->delimiter) | (c == dialect->quote) | (c == '\n') | (c == '\r'));
        }
        for (size_t j = 0; j < OUTPUT_PADDING; j++) found[j] |= special[j];
    }
    unsigned char any = 0;
    for (size_t j = 0; j < OUTPUT_PADDING; j++) any |= found[j];
    return any != 0;
}

static char *put(char *at, struct str text)
{
    memcpy(at, text.data, text.length);
    return at + text.length;
}

/* A text between quotes, its own ones doubled. */
static char *put_quoted(char *at, char quote, struct str text)
{
    *at++ = quote;
    for (const char *next; (next = memchr(text.data, quote, text.length)) != NULL;) {
        size_t part = (size_t)(next + 1 - text.data);
        at = put(at, str_slice(text.data, part));
        *at++ = quote;
        text = str_slice(next + 1, text.length - part);
    }
    at = put(at, text);
    *at++ = quote;
    return at;
}

/* A text in a dialect that cannot quote. */
static char *put_unquotable(char *at, char delimiter, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool ends = c == '\n' || c == '\r';
        *at++ = c == delimiter ? (delimiter == ';' ? ',' : ';') : ends ? ' ' : c;
    }
    return at;
}

static char *put_text(char *at, const struct csv_dialect *dialect, struct str text)
{
    return dialect->quote != 0 ? put_quoted(at, dialect->quote, text) : put_unquotable(at, dialect->delimiter, text);
}

/* Where a cell ends. */
static const char *cell_end(const struct csv_dialect *dialect, const char *at, const char *end)
{
    bool inside = false;
    for (; at < end && (inside || *at != dialect->delimiter); at++)
        inside ^= dialect->quote != 0 && *at == dialect->quote;
    return at;
}

/* A record that is wrong as a whole, in so many well-formed cells. */
static char *put_cells(char *at, const struct csv_dialect *dialect, size_t columns, struct str record)
{
    const char *from = record.data, *end = record.data + record.length;
    for (size_t i = 0; i < columns; i++) {
        const char *stop = cell_end(dialect, from, end);
        bool folds = i + 1 == columns && stop < end;
        if (folds) stop = end;
        struct str cell = str_slice(from, (size_t)(stop - from));
        struct str value; /* unescaped where the cell goes next */
        bool whole = csv_field_value(cell.data, cell.length, dialect->quote, at, &value.data, &value.length);
        at = folds || !whole ? put_text(at, dialect, cell) : put(at, cell);
        if (i + 1 < columns) *at++ = dialect->delimiter;
        from = stop < end ? stop + 1 : end;
    }
    return at;
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do digits[sizeof digits - ++count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put(at, str_slice(digits + sizeof digits - count, count));
}

void output_reject(struct buffer *into, const struct csv_dialect *dialect, const struct reject_row *row)
{
    /* Every byte of a cell may need a second one, and every cell two quotes. */
    size_t record_size = row->columns > 0 ? 4 * row->record.length + 3 * row->columns : row->record.length;
    char *start = buffer_room(into, record_size + 2 * row->reasons.length + 32);
    if (start == NULL) return;
    char *at = row->columns > 0 ? put_cells(start, dialect, row->columns, row->record) : put(start, row->record);
    *at++ = dialect->delimiter;
    at = dialect->quote == 0 || needs_quotes(dialect, row->reasons) ? put_text(at, dialect, row->reasons)
                                                                    : put(at, row->reasons);
    *at++ = dialect->delimiter;
    at = put_number(at, row->number);
    *at++ = '\n';
    buffer_advance(into, (size_t)(at - start));
}

static bool write_at(int fd, struct str bytes, uint64_t offset, const char *path, struct error *error)
{
    while (bytes.length > 0) {
        ssize_t written = pwrite(fd, bytes.data, bytes.length, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return error_set_errno(error, written == 0 ? EIO : errno, "%s could not be written", path);
        bytes = str_slice(bytes.data + written, bytes.length - (size_t)written);
        offset += (uint64_t)written;
    }
    return true;
}

bool output_begin(const struct file_state *state, struct error *error)
{
    const struct validate_file *file = state->file;
    if (file->valid_fd < 0) return true;
    struct str record = state->head.record;
    return write_at(file->valid_fd, record, 0, file->valid_path, error) &&
           write_at(file->valid_fd, str_slice("\n", 1), record.length, file->valid_path, error);
}

bool output_write(const struct file_state *state, const struct chain_output *before, struct str rejects,
                  struct str valid, struct error *error)
{
    const struct validate_file *file = state->file;
    struct str record = state->head.record;
    if (valid.length > 0 &&
        !write_at(file->valid_fd, valid, record.length + 1 + before->valid, file->valid_path, error))
        return false;
    if (rejects.length == 0) return true;
    char room[OUTPUT_REJECT_COLUMNS + 1];
    struct str columns = output_reject_columns(state->dialect.delimiter, room);
    if (before->rejects == 0 && (!write_at(file->rejects_fd, record, 0, file->rejects_path, error) ||
                                 !write_at(file->rejects_fd, columns, record.length, file->rejects_path, error)))
        return false;
    return write_at(file->rejects_fd, rejects, record.length + columns.length + before->rejects, file->rejects_path,
                    error);
}

uint64_t output_rejects_size(const struct file_state *state, uint64_t rows_size)
{
    return rows_size == 0 ? 0 : state->head.record.length + OUTPUT_REJECT_COLUMNS + rows_size;
}

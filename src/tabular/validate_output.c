#include "tabular/validate_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char reject_columns[] = "rejection_reasons?row_number\n";

/* The columns that reject rows have more, with the file's delimiter. */
static size_t append_columns(const struct file_state *state, char room[sizeof reject_columns + 1])
{
    room[0] = state->dialect.delimiter;
    memcpy(room + 1, reject_columns, sizeof reject_columns);
    *strchr(room + 1, '?') = state->dialect.delimiter;
    return sizeof reject_columns;
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

static char *put_field(char *at, const struct csv_dialect *dialect, struct str text)
{
    const char quote = dialect->quote;
    if (quote == 0 || !needs_quotes(dialect, text)) return put(at, text);
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

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do digits[sizeof digits - ++count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put(at, str_slice(digits + sizeof digits - count, count));
}

void output_reject(struct buffer *into, const struct csv_dialect *dialect, struct str record, struct str reasons,
                   uint64_t row_number)
{
    char *start = buffer_room(into, record.length + 2 * reasons.length + 32);
    if (start == NULL) return;
    char *at = put(start, record);
    *at++ = dialect->delimiter;
    at = put_field(at, dialect, reasons);
    *at++ = dialect->delimiter;
    at = put_number(at, row_number);
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
    char columns[sizeof reject_columns + 1];
    size_t columns_size = append_columns(state, columns);
    if (before->rejects == 0 &&
        (!write_at(file->rejects_fd, record, 0, file->rejects_path, error) ||
         !write_at(file->rejects_fd, str_slice(columns, columns_size), record.length, file->rejects_path, error)))
        return false;
    return write_at(file->rejects_fd, rejects, record.length + columns_size + before->rejects, file->rejects_path,
                    error);
}

uint64_t output_rejects_size(const struct file_state *state, uint64_t rows_size)
{
    return rows_size == 0 ? 0 : state->head.record.length + sizeof reject_columns + rows_size;
}

#include "tabular/csv_write.h"

#include <string.h>

#include "tabular/term_code.h"

static bool needs_quotes(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (c == ',' || c == '"' || c == '\n' || c == '\r') {
            return true;
        }
    }
    return text.length == 0;
}

void csv_write_text(struct buffer *into, struct str text)
{
    if (!needs_quotes(text)) {
        buffer_append_str(into, text);
        return;
    }
    buffer_append_char(into, '"');
    while (text.length > 0) {
        const char *quote = memchr(text.data, '"', text.length);
        size_t length = quote != NULL ? (size_t)(quote - text.data) + 1 : text.length;

        buffer_append(into, text.data, length);
        if (quote != NULL) {
            buffer_append_char(into, '"');
        }
        text = str_slice(text.data + length, text.length - length);
    }
    buffer_append_char(into, '"');
}

void csv_write_header(struct buffer *into, const struct value_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_append_char(into, ',');
        }
        csv_write_text(into, str_of(columns[i].name));
    }
    buffer_append_char(into, '\n');
}

/* A term is rendered where it goes, and only one that needs quotes is moved aside for them. */
static void write_term(struct buffer *into, const struct value_column *column, const struct terms *terms, term code)
{
    size_t start = into->length;

    value_append(into, column, terms, code);
    if (into->failed || term_tag(code) == TERM_TAG_NUMBER ||
        !needs_quotes(str_slice(into->data + start, into->length - start))) {
        return;
    }
    struct buffer text;

    buffer_init(&text, 0);
    buffer_append(&text, into->data + start, into->length - start);
    into->length = start;
    if (text.failed) {
        into->failed = true;
    } else {
        csv_write_text(into, str_slice(text.data, text.length));
    }
    buffer_free(&text);
}

static void write_value(struct buffer *into, const struct value_column *column, const struct terms *terms, size_t row)
{
    if (column->kind == COLUMN_TEXT) {
        if (column->texts[row].data != NULL) {
            csv_write_text(into, column->texts[row]);
        }
    } else if (column->kind != COLUMN_ABSENT && column->values[row] != COLUMN_NULL) {
        if (column->kind == COLUMN_TERM) {
            write_term(into, column, terms, column->values[row]);
        } else {
            value_append(into, column, terms, column->values[row]);
        }
    }
}

void csv_write_rows(struct buffer *into, const struct value_column *columns, size_t count, const struct terms *terms,
                    size_t from, size_t rows)
{
    for (size_t row = from; row < from + rows && !into->failed; row++) {
        for (size_t i = 0; i < count; i++) {
            if (i > 0) {
                buffer_append_char(into, ',');
            }
            write_value(into, &columns[i], terms, row);
        }
        buffer_append_char(into, '\n');
    }
}

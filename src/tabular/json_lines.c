#include "tabular/json_lines.h"

#include "base/json.h"
#include "tabular/term_code.h"

/* Whether the value's text is a JSON string as it stands: quotes around it, nothing to escape. */
static bool is_quoted(const struct value_column *column, size_t row)
{
    return column->kind == COLUMN_DATE || column->kind == COLUMN_TIMESTAMP ||
           (column->kind == COLUMN_TERM && term_tag(column->values[row]) == TERM_TAG_NUMBER);
}

static bool is_null(const struct value_column *column, size_t row)
{
    if (column->kind == COLUMN_ABSENT) {
        return true;
    }
    return column->kind == COLUMN_TEXT ? column->texts[row].data == NULL : column->values[row] == COLUMN_NULL;
}

static void write_term(struct buffer *into, const struct terms *terms, int64_t code)
{
    char room[256];
    size_t length = term_text(terms, code, room, sizeof room);

    if (length <= sizeof room) {
        json_append_string(into, str_slice(room, length));
        return;
    }
    struct buffer text;

    buffer_init(&text, 0);
    term_append(terms, code, &text);
    if (text.failed) {
        into->failed = true;
    } else {
        json_append_string(into, str_slice(text.data, text.length));
    }
    buffer_free(&text);
}

void json_lines_value(struct buffer *into, const struct value_column *column, const struct terms *terms, size_t row)
{
    if (is_null(column, row)) {
        buffer_append(into, "null", 4);
    } else if (column->kind == COLUMN_TEXT) {
        json_append_string(into, column->texts[row]);
    } else if (is_quoted(column, row)) {
        buffer_append_char(into, '"');
        value_append(into, column, terms, column->values[row]);
        buffer_append_char(into, '"');
    } else if (column->kind == COLUMN_TERM) {
        write_term(into, terms, column->values[row]);
    } else {
        value_append(into, column, terms, column->values[row]);
    }
}

/* Names are escaped once: the member's beginning of column i ends at ends[i] of the text. */
static void write_rows(struct buffer *into, const struct value_column *columns, size_t count, const struct terms *terms,
                       size_t from, size_t rows, struct buffer *names, struct buffer *ends)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_char(names, i == 0 ? '{' : ',');
        json_append_string(names, str_of(columns[i].name));
        buffer_append_char(names, ':');
        buffer_append(ends, &names->length, sizeof names->length);
    }
    if (names->failed || ends->failed) {
        into->failed = true;
        return;
    }
    const size_t *end = (const void *)ends->data;

    for (size_t row = from; row < from + rows && !into->failed; row++) {
        for (size_t i = 0, start = 0; i < count; start = end[i], i++) {
            buffer_append(into, names->data + start, end[i] - start);
            json_lines_value(into, &columns[i], terms, row);
        }
        buffer_append_text(into, count > 0 ? "}\n" : "{}\n");
    }
}

void json_lines_rows(struct buffer *into, const struct value_column *columns, size_t count, const struct terms *terms,
                     size_t from, size_t rows)
{
    struct buffer names;
    struct buffer ends;

    buffer_init(&names, 0);
    buffer_init(&ends, 0);
    write_rows(into, columns, count, terms, from, rows, &names, &ends);
    buffer_free(&names);
    buffer_free(&ends);
}

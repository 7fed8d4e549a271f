#include "cli/cell.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "tabular/datetime.h"

static void append_decimal(struct buffer *into, int scale, int64_t value)
{
    char digits[24];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int length = snprintf(digits, sizeof digits, "%0*" PRIu64, scale + 1, magnitude);
    if (value < 0) buffer_append_char(into, '-');
    buffer_append(into, digits, (size_t)(length - scale));
    if (scale > 0) buffer_append_char(into, '.');
    buffer_append(into, digits + length - scale, (size_t)scale);
}

void cell_append(struct buffer *into, enum column_kind kind, int scale, const struct terms *terms, int64_t value)
{
    char text[32];
    if (value == COLUMN_NULL) return;
    switch (kind) {
    case COLUMN_TERM:
        term_append(terms, value, into);
        break;
    case COLUMN_INTEGER:
        buffer_append_format(into, "%" PRId64, value);
        break;
    case COLUMN_DECIMAL:
        append_decimal(into, scale, value);
        break;
    case COLUMN_DATE:
        date_text(value, text);
        buffer_append_text(into, text);
        break;
    case COLUMN_TIMESTAMP:
        timestamp_text(value, text);
        buffer_append_text(into, text);
        break;
    case COLUMN_BOOLEAN:
        buffer_append_text(into, value != 0 ? "true" : "false");
        break;
    case COLUMN_TEXT:
    case COLUMN_ABSENT:
        break;
    }
}

void cell_append_json(struct buffer *into, enum column_kind kind, int scale, const struct terms *terms, int64_t value)
{
    bool quoted = kind == COLUMN_TERM || kind == COLUMN_DATE || kind == COLUMN_TIMESTAMP;
    if (value == COLUMN_NULL || kind == COLUMN_TEXT || kind == COLUMN_ABSENT) {
        buffer_append_text(into, "null");
    } else if (quoted) {
        struct buffer text;
        buffer_init(&text, 0);
        cell_append(&text, kind, scale, terms, value);
        json_append_string(into, text.length == 0 ? str_of("") : str_slice(text.data, text.length));
        into->failed = into->failed || text.failed;
        buffer_free(&text);
    } else {
        cell_append(into, kind, scale, terms, value);
    }
}

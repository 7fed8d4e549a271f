/* Rows of a reject stream, written the plain way. */
#ifndef AISLE_TESTS_REJECT_MODEL_H
#define AISLE_TESTS_REJECT_MODEL_H

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "tabular/schema.h"

/* One record: its bytes from `start` to its newline at `end`, and its raw fields. */
#define MODEL_FIELDS 4200 /* more than an input of the fuzzer has */

struct model_record {
    const char *start, *end; /* without the line's end */
    const char *next;
    size_t count;
    struct str fields[MODEL_FIELDS]; /* raw */
    uint64_t newlines;
};

/* A cell of which the text is given; in a dialect without quotes it is changed so that it is one cell. */
static inline void model_cell(struct buffer *into, const struct schema *schema, struct str text)
{
    const char quote = schema->quote;
    if (quote != 0) buffer_append_char(into, quote);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (quote != 0 && c == quote) buffer_append_char(into, quote);
        if (quote == 0 && c == schema->delimiter) c = c == ';' ? ',' : ';';
        if (quote == 0 && (c == '\n' || c == '\r')) c = ' ';
        buffer_append_char(into, c);
    }
    if (quote != 0) buffer_append_char(into, quote);
}

/* Whether a raw field is one that RFC 4180 knows. */
static inline bool model_is_whole(struct str field, char quote)
{
    size_t quotes = 0;
    for (size_t i = 0; i < field.length; i++) quotes += field.data[i] == quote;
    if (quote == 0 || quotes == 0) return true;
    if (field.length < 2 || field.data[0] != quote || field.data[field.length - 1] != quote) return false;
    for (size_t i = 1; i + 1 < field.length; i++)
        if (field.data[i] == quote && (field.data[++i] != quote || i + 1 == field.length)) return false;
    return true;
}

/* A record that is wrong as a whole, with the header's number of cells. */
static inline void model_cells(struct buffer *into, const struct schema *schema, const struct model_record *record,
                               size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        struct str field = i < record->count ? record->fields[i] : (struct str){.data = "", .length = 0};
        bool folds = i + 1 == columns && record->count > columns;
        if (folds) field.length = (size_t)(record->end - field.data);
        if (i > 0) buffer_append_char(into, schema->delimiter);
        if (folds || !model_is_whole(field, schema->quote))
            model_cell(into, schema, field);
        else
            buffer_append_str(into, field);
    }
}

/* `columns` is 0 for a record that goes as it is. */
static inline void model_reject(struct buffer *into, const struct schema *schema, struct str header,
                                const struct model_record *record, size_t columns, struct str reasons, uint64_t number)
{
    bool special = false;
    if (into->length == 0) {
        buffer_append_str(into, header);
        buffer_append_format(into, "%crejection_reasons%crow_number\n", schema->delimiter, schema->delimiter);
    }
    if (columns > 0)
        model_cells(into, schema, record, columns);
    else
        buffer_append(into, record->start, (size_t)(record->end - record->start));
    buffer_append_char(into, schema->delimiter);
    for (size_t i = 0; i < reasons.length; i++)
        special = special || strchr("\r\n", reasons.data[i]) != NULL ||
                  (schema->quote != 0 && reasons.data[i] == schema->quote) || reasons.data[i] == schema->delimiter;
    if (special)
        model_cell(into, schema, reasons);
    else
        buffer_append_str(into, reasons);
    buffer_append_format(into, "%c%" PRIu64 "\n", schema->delimiter, number);
}

#endif

/* Parquet files from JSON and to JSON, so that tests in other languages can compare what both sides see.
 *
 *   parquet-tool write FILE < TABLE     TABLE: {"codec": "zstd", "fields": [{"name", "kind", "scale"}, …],
 *                                       "groups": [[column, …], …]}, a column being a list of numbers, texts or nulls
 *   parquet-tool read FILE [terms]      {"fields": …, "groups": …} in the same form; with `terms` texts are read as
 * terms
 *
 * Numbers are as they are kept: decimals without their point, dates in days, timestamps in microseconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tabular/parquet.h"

static const char *const kind_names[] = {
    [COLUMN_ABSENT] = "absent",       [COLUMN_TERM] = "term",       [COLUMN_TEXT] = "text",
    [COLUMN_INTEGER] = "integer",     [COLUMN_DECIMAL] = "decimal", [COLUMN_DATE] = "date",
    [COLUMN_TIMESTAMP] = "timestamp", [COLUMN_BOOLEAN] = "boolean",
};

static enum column_kind kind_of(const char *name)
{
    for (enum column_kind kind = COLUMN_TERM; kind <= COLUMN_BOOLEAN; kind++) {
        if (strcmp(kind_names[kind], name) == 0) return kind;
    }
    return COLUMN_ABSENT;
}

static enum parquet_codec codec_of(const char *name)
{
    if (strcmp(name, "snappy") == 0) return PARQUET_SNAPPY;
    return strcmp(name, "zstd") == 0 ? PARQUET_ZSTD : PARQUET_UNCOMPRESSED;
}

/* A column of JSON as the writer takes it; the texts stay in the JSON. */
static struct parquet_values take_column(json_t *list, enum column_kind kind, struct terms *terms)
{
    size_t rows = json_array_size(list);
    int64_t *numbers = calloc(rows + 1, sizeof *numbers);
    struct str *texts = calloc(rows + 1, sizeof *texts);
    struct error error;

    for (size_t i = 0; i < rows; i++) {
        json_t *value = json_array_get(list, i);
        struct str text = str_slice(json_string_value(value), json_string_length(value));

        numbers[i] = json_is_null(value) ? COLUMN_NULL : json_integer_value(value);
        texts[i] = json_is_null(value) ? (struct str){NULL, 0} : text;
        if (kind == COLUMN_TERM && !json_is_null(value)) numbers[i] = term_of(terms, text, &error);
    }
    return (struct parquet_values){.values = kind == COLUMN_TEXT ? NULL : numbers,
                                   .texts = kind == COLUMN_TEXT ? texts : NULL};
}

static bool write_groups(struct parquet_writer *writer, json_t *table, const struct parquet_field *fields,
                         struct terms *terms, struct error *error)
{
    size_t count = json_array_size(json_object_get(table, "fields"));
    struct parquet_values *values = calloc(count, sizeof *values);
    size_t index;
    json_t *group;

    json_array_foreach (json_object_get(table, "groups"), index, group) {
        for (size_t i = 0; i < count; i++) {
            values[i] = take_column(json_array_get(group, i), fields[i].kind, terms);
        }
        if (!parquet_write_group(writer, values, json_array_size(json_array_get(group, 0)), error)) return false;
    }
    return true;
}

static bool write_file(const char *path, struct error *error)
{
    json_error_t problem;
    json_t *table = json_loadf(stdin, JSON_ALLOW_NUL, &problem);
    json_t *list = json_object_get(table, "fields");
    size_t count = json_array_size(list);
    struct parquet_field *fields = calloc(count + 1, sizeof *fields);
    struct terms *terms = terms_new(error);
    uint64_t size = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (table == NULL || fd < 0) return error_set(error, ERROR_INVALID, "%s: %s", path, problem.text);
    for (size_t i = 0; i < count; i++) {
        json_t *field = json_array_get(list, i);

        fields[i] = (struct parquet_field){json_string_value(json_object_get(field, "name")),
                                           kind_of(json_string_value(json_object_get(field, "kind"))),
                                           (int)json_integer_value(json_object_get(field, "scale"))};
    }
    struct parquet_writer *writer = parquet_create(
        fd, path, fields, count, codec_of(json_string_value(json_object_get(table, "codec"))), terms, error);

    return writer != NULL && write_groups(writer, table, fields, terms, error) && parquet_finish(writer, &size, error);
}

static void print_value(struct buffer *into, enum column_kind kind, struct terms *terms, int64_t number,
                        struct str text)
{
    struct buffer rendered;

    if (kind == COLUMN_TEXT && terms == NULL) {
        if (text.data == NULL) {
            buffer_append_text(into, "null");
        } else {
            json_append_string(into, text);
        }
    } else if (number == COLUMN_NULL) {
        buffer_append_text(into, "null");
    } else if (kind == COLUMN_TEXT) {
        buffer_init(&rendered, 0);
        term_append(terms, number, &rendered);
        json_append_string(into, str_slice(rendered.data, rendered.length));
        buffer_free(&rendered);
    } else {
        buffer_append_format(into, "%lld", (long long)number);
    }
}

static bool print_column(struct buffer *into, struct parquet_reader *reader, size_t group, size_t field,
                         struct terms *terms, struct error *error)
{
    size_t rows = (size_t)parquet_group_rows(reader, group);
    int64_t *numbers = calloc(rows + 1, sizeof *numbers);
    struct str *texts = calloc(rows + 1, sizeof *texts);
    bool good = parquet_read_column(reader, group, field, terms, numbers, texts, error);

    buffer_append_char(into, '[');
    for (size_t i = 0; good && i < rows; i++) {
        if (i > 0) buffer_append_char(into, ',');
        print_value(into, parquet_field_at(reader, field)->kind, terms, numbers[i], texts[i]);
    }
    buffer_append_char(into, ']');
    free(numbers);
    free(texts);
    return good;
}

static bool read_file(const char *path, struct terms *terms, struct error *error)
{
    struct parquet_reader *reader = parquet_open(path, error);
    struct buffer out;
    bool good = reader != NULL;

    if (!good) return false;
    buffer_init(&out, 0);
    buffer_append_format(&out, "{\"rows\":%llu,\"fields\":[", (unsigned long long)parquet_row_count(reader));
    for (size_t i = 0; i < parquet_field_count(reader); i++) {
        const struct parquet_field *field = parquet_field_at(reader, i);

        buffer_append_text(&out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_append_string(&out, str_of(field->name));
        buffer_append_format(&out, ",\"kind\":\"%s\",\"scale\":%d}", kind_names[field->kind], field->scale);
    }
    buffer_append_text(&out, "],\"groups\":[");
    for (size_t group = 0; good && group < parquet_group_count(reader); group++) {
        buffer_append_text(&out, group > 0 ? ",[" : "[");
        for (size_t i = 0; good && i < parquet_field_count(reader); i++) {
            if (i > 0) buffer_append_char(&out, ',');
            good = print_column(&out, reader, group, i, terms, error);
        }
        buffer_append_char(&out, ']');
    }
    buffer_append_text(&out, "]}\n");
    if (good) fwrite(out.data, 1, out.length, stdout);
    buffer_free(&out);
    parquet_reader_free(reader);
    return good;
}

int main(int count, char **arguments)
{
    struct error error = {0};
    bool good = false;

    if (count >= 3 && strcmp(arguments[1], "write") == 0) {
        good = write_file(arguments[2], &error);
    } else if (count >= 3 && strcmp(arguments[1], "read") == 0) {
        good = read_file(arguments[2], count > 3 ? terms_new(&error) : NULL, &error);
    } else {
        error_set(&error, ERROR_USAGE, "usage: parquet-tool write FILE | read FILE [terms]");
    }
    if (!good) fprintf(stderr, "%s\n", error.message);
    return good ? 0 : 1;
}

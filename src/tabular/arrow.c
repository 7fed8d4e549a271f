#include "tabular/arrow.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

/* An exported schema's memory: its name, its format, and its children's structures. */
struct schema_holder {
    char *name;
    char format[24];
    struct ArrowSchema *children;
    struct ArrowSchema **pointers;
};

static void release_schema(struct ArrowSchema *exported)
{
    struct schema_holder *holder = exported->private_data;

    for (int64_t i = 0; i < exported->n_children; i++) {
        if (holder->children[i].release != NULL) {
            holder->children[i].release(&holder->children[i]);
        }
    }
    memory_free(holder->children);
    memory_free(holder->pointers);
    memory_free(holder->name);
    memory_free(holder);
    exported->release = NULL;
}

/* A schema without children. Its format is set by the caller. */
static struct schema_holder *begin_schema(struct ArrowSchema *out, const char *name, struct error *error)
{
    struct schema_holder *holder = memory_zeroed(sizeof *holder, error);

    *out = (struct ArrowSchema){0};
    if (holder == NULL) {
        return NULL;
    }
    holder->name = memory_copy_text(name, strlen(name), error);
    if (holder->name == NULL) {
        memory_free(holder);
        return NULL;
    }
    *out = (struct ArrowSchema){.format = holder->format,
                                .name = holder->name,
                                .flags = ARROW_FLAG_NULLABLE,
                                .release = release_schema,
                                .private_data = holder};
    return holder;
}

static void write_format(const struct field *field, char *room, size_t size)
{
    static const char *const formats[] = {
        [COLUMN_TERM] = "u",
        [COLUMN_TEXT] = "u",
        [COLUMN_INTEGER] = "l",
        [COLUMN_DATE] = "tdD",
        [COLUMN_TIMESTAMP] = "tsu:UTC",
        [COLUMN_BOOLEAN] = "b",
    };

    if (field->kind == COLUMN_DECIMAL) {
        snprintf(room, size, "d:19,%d", field->scale);
    } else {
        snprintf(room, size, "%s", field->type == FIELD_TIME ? "ttu" : formats[field->kind]);
    }
}

static bool export_fields(const struct schema *schema, struct ArrowSchema *out, struct schema_holder *holder,
                          struct error *error)
{
    holder->children = memory_array(schema->field_count, sizeof *holder->children, error);
    holder->pointers = memory_array(schema->field_count, sizeof *holder->pointers, error);
    if (holder->children == NULL || holder->pointers == NULL) {
        return false;
    }
    out->children = holder->pointers;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct schema_holder *child = begin_schema(&holder->children[i], schema->fields[i].name, error);

        if (child == NULL) {
            return false;
        }
        write_format(&schema->fields[i], child->format, sizeof child->format);
        holder->pointers[i] = &holder->children[i];
        out->n_children++;
    }
    return true;
}

bool arrow_schema_export(const struct schema *schema, struct ArrowSchema *out, struct error *error)
{
    struct schema_holder *holder = begin_schema(out, "", error);

    if (holder == NULL) {
        return false;
    }
    snprintf(holder->format, sizeof holder->format, "+s");
    out->flags = 0;
    if (!export_fields(schema, out, holder, error)) {
        out->release(out);
        return false;
    }
    return true;
}

/* An exported array's memory. */
struct array_holder {
    void *buffers[3]; /* validity bits, then values, or offsets and bytes */
    const void *shown[3];
    struct ArrowArray *children;
    struct ArrowArray **pointers;
};

static void release_array(struct ArrowArray *exported)
{
    struct array_holder *holder = exported->private_data;

    for (int64_t i = 0; i < exported->n_children; i++) {
        if (holder->children[i].release != NULL) {
            holder->children[i].release(&holder->children[i]);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        memory_free(holder->buffers[i]);
    }
    memory_free(holder->children);
    memory_free(holder->pointers);
    memory_free(holder);
    exported->release = NULL;
}

static struct array_holder *begin_array(struct ArrowArray *out, size_t rows, int64_t buffers, struct error *error)
{
    struct array_holder *holder = memory_zeroed(sizeof *holder, error);

    *out = (struct ArrowArray){0};
    if (holder != NULL) {
        *out = (struct ArrowArray){.length = (int64_t)rows,
                                   .n_buffers = buffers,
                                   .buffers = holder->shown,
                                   .release = release_array,
                                   .private_data = holder};
    }
    return holder;
}

static void *take_buffer(struct array_holder *holder, size_t index, size_t size, struct error *error)
{
    holder->buffers[index] = memory_aligned(size > 0 ? size : 1, error);
    holder->shown[index] = holder->buffers[index];
    return holder->buffers[index];
}

/* Marks a row as null. The bits are made when the first one comes. */
static bool set_null(struct ArrowArray *out, size_t row, struct error *error)
{
    struct array_holder *holder = out->private_data;
    size_t size = ((size_t)out->length + 7) / 8;
    unsigned char *bits = holder->buffers[0];

    if (bits == NULL) {
        bits = take_buffer(holder, 0, size, error);
        if (bits == NULL) {
            return false;
        }
        memset(bits, 0xff, size);
    }
    bits[row / 8] &= (unsigned char)~(1U << row % 8);
    out->null_count++;
    return true;
}

static size_t bytes_for(enum column_kind kind, size_t rows)
{
    switch (kind) {
    case COLUMN_DECIMAL:
        return rows * 16;
    case COLUMN_DATE:
        return rows * sizeof(int32_t);
    case COLUMN_BOOLEAN:
        return (rows + 7) / 8;
    default:
        return rows * sizeof(int64_t);
    }
}

static void store_value(enum column_kind kind, void *values, size_t row, int64_t value)
{
    switch (kind) {
    case COLUMN_DECIMAL:
        ((int64_t *)values)[2 * row] = value;
        ((int64_t *)values)[2 * row + 1] = value < 0 ? -1 : 0;
        break;
    case COLUMN_DATE:
        ((int32_t *)values)[row] = (int32_t)value;
        break;
    case COLUMN_BOOLEAN:
        ((unsigned char *)values)[row / 8] |= (unsigned char)((value != 0 ? 1U : 0U) << row % 8);
        break;
    default:
        ((int64_t *)values)[row] = value;
        break;
    }
}

static bool export_values(enum column_kind kind, const int64_t *values, size_t rows, struct ArrowArray *out,
                          struct error *error)
{
    struct array_holder *holder = begin_array(out, rows, 2, error);
    void *stored = holder != NULL ? take_buffer(holder, 1, bytes_for(kind, rows), error) : NULL;

    if (stored == NULL) {
        return false;
    }
    memset(stored, 0, bytes_for(kind, rows));
    for (size_t i = 0; i < rows; i++) {
        if (values[i] != COLUMN_NULL) {
            store_value(kind, stored, i, values[i]);
        } else if (!set_null(out, i, error)) {
            return false;
        }
    }
    return true;
}

/* Appends the text of a row to `bytes`; false when it is null. */
static bool append_text(const struct column *column, const struct terms *terms, const int64_t *values, size_t row,
                        struct buffer *bytes)
{
    if (column->kind == COLUMN_TEXT) {
        struct str text = column_text(column, row);

        buffer_append_str(bytes, text);
        return text.data != NULL;
    }
    if (values[row] == COLUMN_NULL) {
        return false;
    }
    term_append(terms, values[row], bytes);
    return true;
}

static bool fill_texts(const struct column *column, const struct terms *terms, const int64_t *values,
                       struct ArrowArray *out, struct buffer *bytes, struct error *error)
{
    struct array_holder *holder = out->private_data;
    size_t rows = (size_t)out->length;
    int32_t *offsets = take_buffer(holder, 1, (rows + 1) * sizeof *offsets, error);

    if (offsets == NULL) {
        return false;
    }
    offsets[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!append_text(column, terms, values, i, bytes) && !set_null(out, i, error)) {
            return false;
        }
        offsets[i + 1] = (int32_t)bytes->length;
    }
    return buffer_check(bytes, error);
}

static bool export_texts(const struct column *column, const struct terms *terms, const int64_t *values, size_t rows,
                         struct ArrowArray *out, struct error *error)
{
    struct array_holder *holder = begin_array(out, rows, 3, error);
    struct buffer bytes;

    if (holder == NULL) {
        return false;
    }
    buffer_init(&bytes, INT32_MAX);

    bool good = fill_texts(column, terms, values, out, &bytes, error);
    char *copy = good ? take_buffer(holder, 2, bytes.length, error) : NULL;

    if (copy != NULL && bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    buffer_free(&bytes);
    return copy != NULL;
}

/* `values` has room for the batch's rows. */
static bool export_column(const struct field *field, const struct column *column, const struct terms *terms,
                          int64_t *values, size_t rows, struct ArrowArray *out, struct error *error)
{
    if (column->kind != COLUMN_TEXT) {
        column_unpack(column, 0, rows, values);
    }
    if (field->kind == COLUMN_TERM || field->kind == COLUMN_TEXT) {
        return export_texts(column, terms, values, rows, out, error);
    }
    return export_values(field->kind, values, rows, out, error);
}

static bool export_columns(const struct schema *schema, const struct batch *batch, const struct terms *terms,
                           struct ArrowArray *out, struct error *error)
{
    struct array_holder *holder = out->private_data;
    int64_t *values = memory_array(batch->rows, sizeof *values, error);
    bool good = values != NULL;

    holder->children = memory_array(batch->columns, sizeof *holder->children, error);
    holder->pointers = memory_array(batch->columns, sizeof *holder->pointers, error);
    good = good && holder->children != NULL && holder->pointers != NULL;
    out->children = holder->pointers;
    for (size_t i = 0; good && i < batch->columns; i++) {
        holder->children[i].release = NULL;
        holder->pointers[i] = &holder->children[i];
        out->n_children++;
        good = export_column(&schema->fields[i], &batch->column[i], terms, values, batch->rows, &holder->children[i],
                             error);
    }
    memory_free(values);
    return good;
}

bool arrow_batch_export(const struct schema *schema, const struct batch *batch, const struct terms *terms,
                        struct ArrowArray *out, struct error *error)
{
    if (begin_array(out, batch->rows, 1, error) == NULL) {
        return false;
    }
    if (!export_columns(schema, batch, terms, out, error)) {
        out->release(out);
        return false;
    }
    return true;
}

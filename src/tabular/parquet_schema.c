#include "tabular/parquet_schema.h"

#include <string.h>

#include "base/memory.h"

enum { MOST_SCALE = 18, NANOSECONDS_A_MICROSECOND = 1000, MICROSECONDS_A_MILLISECOND = 1000 };

enum repetition { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1, REPETITION_REPEATED = 2 };

enum converted_type {
    CONVERTED_NONE = -1,
    CONVERTED_UTF8 = 0,
    CONVERTED_ENUM = 4,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIME_MILLIS = 7,
    CONVERTED_TIME_MICROS = 8,
    CONVERTED_TIMESTAMP_MILLIS = 9,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_UINT_32 = 13,
    CONVERTED_UINT_64 = 14,
    CONVERTED_INTERVAL = 21,
};

enum logical_type {
    LOGICAL_NONE = 0,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIME = 7,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_UUID = 14,
    LOGICAL_FLOAT16 = 15,
};

enum time_unit { UNIT_MILLIS = 1, UNIT_MICROS = 2, UNIT_NANOS = 3 };

/* One SchemaElement. */
struct element {
    int64_t type; /* -1: a group */
    int64_t size;
    int64_t repetition;
    struct str name;
    int64_t children;
    int64_t converted;
    int64_t scale;
    int64_t logical;
    int64_t unit; /* of a time or timestamp */
    int64_t bits; /* of an integer */
    bool is_unsigned;
};

static int64_t read_unit(struct thrift_reader *reader)
{
    struct thrift_field field = {0};
    int64_t unit = 0;

    while (thrift_next(reader, &field)) {
        unit = field.id;
        thrift_skip(reader, field.type);
    }
    return unit;
}

/* The parameters of a logical type: what the members mean depends on which type it is. */
static void read_parameters(struct thrift_reader *reader, struct element *element)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        if (element->logical == LOGICAL_DECIMAL && field.id == 1) {
            element->scale = thrift_i32(reader, &field);
        } else if (element->logical == LOGICAL_INTEGER && field.id == 1) {
            element->bits = thrift_integer(reader, &field);
        } else if (element->logical == LOGICAL_INTEGER && field.id == 2) {
            element->is_unsigned = !thrift_boolean(reader, &field);
        } else if ((element->logical == LOGICAL_TIME || element->logical == LOGICAL_TIMESTAMP) && field.id == 2 &&
                   thrift_struct(reader, &field)) {
            element->unit = read_unit(reader);
        } else {
            thrift_skip(reader, field.type);
        }
    }
}

static void read_logical_type(struct thrift_reader *reader, struct element *element)
{
    struct thrift_field field = {0};

    while (thrift_next(reader, &field)) {
        element->logical = field.id;
        if (thrift_struct(reader, &field)) {
            read_parameters(reader, element);
        }
    }
}

static void read_element(struct thrift_reader *reader, struct element *element)
{
    struct thrift_field field = {0};

    *element = (struct element){.type = -1, .converted = CONVERTED_NONE, .name = str_slice("", 0)};
    while (thrift_next(reader, &field)) {
        switch (field.id) {
        case 1:
            element->type = thrift_i32(reader, &field);
            break;
        case 2:
            element->size = thrift_i32(reader, &field);
            break;
        case 3:
            element->repetition = thrift_i32(reader, &field);
            break;
        case 4:
            element->name = thrift_binary(reader, &field);
            break;
        case 5:
            element->children = thrift_i32(reader, &field);
            break;
        case 6:
            element->converted = thrift_i32(reader, &field);
            break;
        case 7:
            element->scale = thrift_i32(reader, &field);
            break;
        case 10:
            if (thrift_struct(reader, &field)) {
                read_logical_type(reader, element);
            }
            break;
        default:
            thrift_skip(reader, field.type);
            break;
        }
    }
}

/* The older annotations said again as the newer ones. */
static void modernise(struct element *element)
{
    if (element->logical != LOGICAL_NONE) {
        return;
    }
    switch (element->converted) {
    case CONVERTED_DECIMAL:
        element->logical = LOGICAL_DECIMAL;
        break;
    case CONVERTED_DATE:
        element->logical = LOGICAL_DATE;
        break;
    case CONVERTED_TIME_MILLIS:
    case CONVERTED_TIME_MICROS:
        element->logical = LOGICAL_TIME;
        element->unit = element->converted == CONVERTED_TIME_MILLIS ? UNIT_MILLIS : UNIT_MICROS;
        break;
    case CONVERTED_TIMESTAMP_MILLIS:
    case CONVERTED_TIMESTAMP_MICROS:
        element->logical = LOGICAL_TIMESTAMP;
        element->unit = element->converted == CONVERTED_TIMESTAMP_MILLIS ? UNIT_MILLIS : UNIT_MICROS;
        break;
    case CONVERTED_UINT_32:
    case CONVERTED_UINT_64:
        element->logical = LOGICAL_INTEGER;
        element->bits = element->converted == CONVERTED_UINT_32 ? 32 : 64;
        element->is_unsigned = true;
        break;
    default:
        break;
    }
}

static void become(struct parquet_leaf *leaf, enum column_kind kind, enum parquet_form form, int64_t factor)
{
    leaf->field.kind = kind;
    leaf->form = form;
    leaf->factor = factor;
}

static bool set_time(struct parquet_leaf *leaf, int64_t unit)
{
    static const int64_t nanoseconds[] = {0, 1000000, 1000, 1};

    if (unit < UNIT_MILLIS || unit > UNIT_NANOS) {
        return false;
    }
    become(leaf, COLUMN_TEXT, FORM_TIME, nanoseconds[unit]);
    return true;
}

static bool set_timestamp(struct parquet_leaf *leaf, int64_t unit)
{
    switch (unit) {
    case UNIT_MILLIS:
        become(leaf, COLUMN_TIMESTAMP, FORM_MULTIPLIED, MICROSECONDS_A_MILLISECOND);
        return true;
    case UNIT_MICROS:
        become(leaf, COLUMN_TIMESTAMP, FORM_AS_IS, 1);
        return true;
    case UNIT_NANOS:
        become(leaf, COLUMN_TIMESTAMP, FORM_DIVIDED, NANOSECONDS_A_MICROSECOND);
        return true;
    default:
        return false;
    }
}

static bool set_integer(struct parquet_leaf *leaf, const struct element *element)
{
    bool wide = leaf->type == TYPE_INT64;

    switch (element->logical) {
    case LOGICAL_DECIMAL:
        become(leaf, COLUMN_DECIMAL, FORM_AS_IS, 1);
        return true;
    case LOGICAL_DATE:
        become(leaf, COLUMN_DATE, FORM_AS_IS, 1);
        return !wide;
    case LOGICAL_TIME:
        return set_time(leaf, element->unit);
    case LOGICAL_TIMESTAMP:
        return wide && set_timestamp(leaf, element->unit);
    default:
        become(leaf, COLUMN_INTEGER, FORM_AS_IS, 1);
        if (element->logical == LOGICAL_INTEGER && element->is_unsigned) {
            leaf->form = wide ? FORM_UNSIGNED_64 : FORM_UNSIGNED_32;
        }
        return true;
    }
}

static bool set_bytes(struct parquet_leaf *leaf, const struct element *element)
{
    bool fixed = leaf->type == TYPE_FIXED_LEN_BYTE_ARRAY;

    if (fixed && leaf->size == 0) {
        return false;
    }
    if (element->logical == LOGICAL_DECIMAL) {
        become(leaf, COLUMN_DECIMAL, FORM_BIG_DECIMAL, 1);
    } else if (element->logical == LOGICAL_UUID) {
        become(leaf, COLUMN_TEXT, FORM_UUID, 1);
        return fixed && leaf->size == 16;
    } else if (element->logical == LOGICAL_FLOAT16) {
        become(leaf, COLUMN_TEXT, FORM_HALF, 1);
        return fixed && leaf->size == 2;
    } else {
        become(leaf, COLUMN_TEXT, FORM_TEXT, 1);
    }
    return element->converted != CONVERTED_INTERVAL;
}

/* What a column of the element's type is read as; false when Aisle has no kind for it. */
static bool set_form(struct parquet_leaf *leaf, const struct element *element)
{
    switch (leaf->type) {
    case TYPE_BOOLEAN:
        become(leaf, COLUMN_BOOLEAN, FORM_AS_IS, 1);
        return true;
    case TYPE_INT32:
    case TYPE_INT64:
        return set_integer(leaf, element);
    case TYPE_INT96:
        become(leaf, COLUMN_TIMESTAMP, FORM_INT96, 1);
        leaf->size = 12;
        return true;
    case TYPE_FLOAT:
        become(leaf, COLUMN_TEXT, FORM_FLOAT, 1);
        leaf->size = 4;
        return true;
    case TYPE_DOUBLE:
        become(leaf, COLUMN_TEXT, FORM_DOUBLE, 1);
        leaf->size = 8;
        return true;
    case TYPE_BYTE_ARRAY:
    case TYPE_FIXED_LEN_BYTE_ARRAY:
        return set_bytes(leaf, element);
    default:
        return false;
    }
}

static bool leaf_from_element(struct parquet_leaf *leaf, struct element *element, struct error *error)
{
    struct str name = element->name.length > 200 ? str_slice(element->name.data, 200) : element->name;

    if (element->type < 0 || element->children > 0 || element->repetition == REPETITION_REPEATED) {
        return error_set(error, ERROR_INVALID,
                         "column \"%.*s\" is nested or repeated; only flat columns can be read: flatten it first",
                         STR_ARGS(name));
    }
    if (element->type > TYPE_FIXED_LEN_BYTE_ARRAY || element->size < 0) {
        return error_set(error, ERROR_CORRUPT, "column \"%.*s\" is of type %lld, which does not exist", STR_ARGS(name),
                         (long long)element->type);
    }
    modernise(element);
    leaf->type = (enum parquet_type)element->type;
    leaf->size = (uint32_t)element->size;
    leaf->optional = element->repetition == REPETITION_OPTIONAL;
    if (!set_form(leaf, element)) {
        return error_set(error, ERROR_INVALID,
                         "column \"%.*s\" is of a type that cannot be read; write it as text, a number, a decimal, a "
                         "date or a timestamp",
                         STR_ARGS(name));
    }
    if (leaf->field.kind == COLUMN_DECIMAL) {
        if (element->scale < 0 || element->scale > MOST_SCALE) {
            return error_set(error, ERROR_LIMIT, "column \"%.*s\" has %lld decimals; at most %d can be read",
                             STR_ARGS(name), (long long)element->scale, MOST_SCALE);
        }
        leaf->field.scale = (int)element->scale;
    }
    return true;
}

static bool read_leaves(struct parquet_footer *footer, struct thrift_reader *reader, size_t count, size_t names_room,
                        struct error *error)
{
    char *name = footer->names;

    for (size_t i = 0; i < count; i++) {
        struct element element;
        struct parquet_leaf *leaf = &footer->leaves[i];

        read_element(reader, &element);
        if (reader->failed || element.name.length + 1 > names_room) {
            return error_set(error, ERROR_CORRUPT, "the footer is damaged: its schema cannot be read");
        }
        if (!leaf_from_element(leaf, &element, error)) {
            return false;
        }
        memcpy(name, element.name.data, element.name.length);
        leaf->field.name = name;
        name += element.name.length + 1;
        names_room -= element.name.length + 1;
    }
    return true;
}

bool schema_read(struct parquet_footer *footer, struct thrift_reader *reader, struct thrift_field *field,
                 struct error *error)
{
    uint32_t count = thrift_list(reader, field, THRIFT_STRUCT);
    struct element root = {0};

    if (count > 0) {
        read_element(reader, &root);
    }
    if (reader->failed || count < 2 || root.children < 1) {
        return error_set(error, ERROR_CORRUPT, "the footer is damaged: its schema has no column");
    }
    /* Each name stands in the bytes that are left, its element's end takes the place of its NUL. */
    size_t names_room = (size_t)(reader->end - reader->at) + 1;

    footer->leaves = memory_zeroed((count - 1) * sizeof *footer->leaves, error);
    footer->names = memory_zeroed(names_room, error);
    if (footer->leaves == NULL || footer->names == NULL || !read_leaves(footer, reader, count - 1, names_room, error)) {
        return false;
    }
    footer->leaf_count = count - 1;
    if ((uint64_t)root.children != footer->leaf_count) {
        return error_set(error, ERROR_CORRUPT, "the footer is damaged: its schema does not list every column");
    }
    return true;
}

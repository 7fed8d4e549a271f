#include "tabular/parquet_values.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/parquet_decode.h"
#include "tabular/parquet_forms.h"
#include "tabular/term_code.h"

static bool damaged(struct error *error, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "a page is damaged: %s", what);
}

static bool unsupported(int32_t encoding, struct error *error)
{
    return error_set(error, ERROR_INVALID, "encoding %d is not supported for this type of column", (int)encoding);
}

void value_sink_free(struct value_sink *sink)
{
    memory_free(sink->scratch);
    sink->scratch = NULL;
    sink->scratch_room = 0;
}

bool value_sink_texts(const struct value_sink *sink)
{
    return sink->leaf->field.kind == COLUMN_TEXT && sink->terms == NULL;
}

static bool is_number_type(enum parquet_type type)
{
    return type == TYPE_BOOLEAN || type == TYPE_INT32 || type == TYPE_INT64;
}

static bool decode_plain_numbers(enum parquet_type type, const uint8_t *data, size_t size, size_t count,
                                 int64_t *numbers, struct error *error)
{
    if (type == TYPE_BOOLEAN) {
        return decode_booleans(data, size, numbers, count) || damaged(error, "it ends before its values");
    }
    if (size / (type == TYPE_INT32 ? 4 : 8) < count) {
        return damaged(error, "it ends before its values");
    }
    if (type == TYPE_INT64) {
        memcpy(numbers, data, count * sizeof *numbers);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t value;

        memcpy(&value, data + i * sizeof value, sizeof value);
        numbers[i] = value;
    }
    return true;
}

/* Booleans in RLE: a length, then hybrid runs of one bit. */
static bool decode_rle_booleans(const uint8_t *data, size_t size, size_t count, int64_t *numbers, struct error *error)
{
    uint32_t length = 0;
    uint8_t bits[1024];

    if (size < sizeof length) {
        return damaged(error, "it ends before its values");
    }
    memcpy(&length, data, sizeof length);
    if (length > size - sizeof length) {
        return damaged(error, "its values go over its end");
    }
    uint8_t *all = count <= sizeof bits ? bits : memory_array(count, 1, error);

    if (all == NULL) {
        return false;
    }
    size_t present = 0;
    bool whole = decode_levels(data + sizeof length, length, all, count, &present) ||
                 damaged(error, "its booleans cannot be read");

    for (size_t i = 0; whole && i < count; i++) {
        numbers[i] = all[i];
    }
    if (all != bits) {
        memory_free(all);
    }
    return whole;
}

/* The bytes of BYTE_STREAM_SPLIT (all first bytes, then all second ones, …) put together again. */
static const uint8_t *join_streams(struct arena *arena, const uint8_t *data, size_t size, size_t count, size_t width,
                                   struct error *error)
{
    if (width == 0 || size / width < count) {
        damaged(error, "it ends before its values");
        return NULL;
    }
    uint8_t *joined = arena_take(arena, count * width + DECODE_PADDING, error);

    for (size_t byte = 0; joined != NULL && byte < width; byte++) {
        for (size_t i = 0; i < count; i++) {
            joined[i * width + byte] = data[byte * count + i];
        }
    }
    return joined;
}

static bool decode_numbers(struct value_sink *sink, int32_t encoding, const uint8_t *data, size_t size, size_t count,
                           int64_t *numbers, struct error *error)
{
    enum parquet_type type = sink->leaf->type;
    size_t width = type == TYPE_INT32 ? 4 : 8;

    switch (encoding) {
    case ENCODING_PLAIN:
        return decode_plain_numbers(type, data, size, count, numbers, error);
    case ENCODING_RLE:
        return type == TYPE_BOOLEAN ? decode_rle_booleans(data, size, count, numbers, error)
                                    : unsupported(encoding, error);
    case ENCODING_DELTA_BINARY_PACKED:
        if (type == TYPE_BOOLEAN) {
            return unsupported(encoding, error);
        }
        if (!decode_delta(data, size, numbers, count, NULL)) {
            return damaged(error, "its deltas cannot be read");
        }
        for (size_t i = 0; type == TYPE_INT32 && i < count; i++) {
            numbers[i] = (int32_t)(uint32_t)(uint64_t)numbers[i];
        }
        return true;
    case ENCODING_BYTE_STREAM_SPLIT:
        if (type == TYPE_BOOLEAN) {
            return unsupported(encoding, error);
        }
        data = join_streams(sink->arena, data, size, count, width, error);
        return data != NULL && decode_plain_numbers(type, data, count * width, count, numbers, error);
    default:
        return unsupported(encoding, error);
    }
}

static bool decode_fixed_texts(const uint8_t *data, size_t size, size_t width, size_t count, struct str *texts,
                               struct error *error)
{
    if (size / width < count) {
        return damaged(error, "it ends before its values");
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = str_slice((const char *)data + i * width, width);
    }
    return true;
}

static bool decode_plain_texts(const uint8_t *data, size_t size, size_t count, struct str *texts, struct error *error)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t length;

        if (size - at < sizeof length) {
            return damaged(error, "it ends before its values");
        }
        memcpy(&length, data + at, sizeof length);
        at += sizeof length;
        if (length > size - at) {
            return damaged(error, "a text goes over its end");
        }
        texts[i] = str_slice((const char *)data + at, length);
        at += length;
    }
    return true;
}

/* Lengths in DELTA_BINARY_PACKED at the front of the data; `*used` is what they take. Each is at most INT32_MAX. */
static int64_t *decode_lengths(struct value_sink *sink, const uint8_t *data, size_t size, size_t count, size_t *used,
                               struct error *error)
{
    int64_t *lengths = arena_take(sink->arena, count * sizeof *lengths + 1, error);
    bool fits = true;

    if (lengths == NULL) {
        return NULL;
    }
    if (!decode_delta(data, size, lengths, count, used)) {
        damaged(error, "its lengths cannot be read");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        fits = fits && lengths[i] >= 0 && lengths[i] <= INT32_MAX;
    }
    if (!fits) {
        damaged(error, "a length is out of range");
        return NULL;
    }
    return lengths;
}

static bool decode_delta_length_texts(struct value_sink *sink, const uint8_t *data, size_t size, size_t count,
                                      struct str *texts, struct error *error)
{
    size_t at = 0;
    const int64_t *lengths = decode_lengths(sink, data, size, count, &at, error);

    for (size_t i = 0; lengths != NULL && i < count; i++) {
        size_t length = (size_t)lengths[i];

        if (length > size - at) {
            return damaged(error, "a text goes over its end");
        }
        texts[i] = str_slice((const char *)data + at, length);
        at += length;
    }
    return lengths != NULL;
}

/* Bytes that texts take which are neither in the page nor, as a whole, in the text before: `joined` of them. Also
 * checks that no prefix is longer than the text before it. */
static bool measure_joins(const int64_t *prefixes, const struct str *suffixes, size_t count, size_t *joined)
{
    size_t before = 0;

    *joined = 0;
    for (size_t i = 0; i < count; i++) {
        size_t prefix = (size_t)prefixes[i];
        size_t length = prefix + suffixes[i].length;

        if (prefix > before ||
            __builtin_add_overflow(*joined, prefix > 0 && suffixes[i].length > 0 ? length : 0, joined)) {
            return false;
        }
        before = length;
    }
    return true;
}

/* A short copy, most of all, must not cost a call: whole words are copied where `into` has room for them. Both have
 * DECODE_PADDING bytes after their end. */
static inline void copy_padded(char *into, const char *from, size_t size)
{
    memmove(into, from, DECODE_PADDING); /* the text before may end where this one begins */
    if (size > DECODE_PADDING) {
        memcpy(into + DECODE_PADDING, from + DECODE_PADDING, size - DECODE_PADDING);
    }
}

/* Texts from the prefixes they share with the one before, and their suffixes, which stand in `texts`. Bytes are copied
 * only where neither the text before nor the suffix holds all of it. */
static bool join_texts(struct value_sink *sink, const int64_t *prefixes, struct str *texts, size_t count,
                       struct error *error)
{
    size_t joined = 0;

    if (!measure_joins(prefixes, texts, count, &joined)) {
        return damaged(error, "a prefix is longer than the text before it");
    }
    char *bytes = arena_take(sink->arena, joined + 2 * DECODE_PADDING, error);

    if (bytes == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t prefix = (size_t)prefixes[i];
        struct str suffix = texts[i];

        if (prefix > 0 && suffix.length == 0) {
            texts[i] = str_slice(texts[i - 1].data, prefix);
        } else if (prefix > 0) {
            copy_padded(bytes, texts[i - 1].data, prefix);
            copy_padded(bytes + prefix, suffix.data, suffix.length);
            texts[i] = str_slice(bytes, prefix + suffix.length);
            bytes += texts[i].length;
        }
    }
    return true;
}

static bool decode_delta_texts(struct value_sink *sink, const uint8_t *data, size_t size, size_t count,
                               struct str *texts, struct error *error)
{
    size_t prefix_size = 0;
    const int64_t *prefixes = decode_lengths(sink, data, size, count, &prefix_size, error);

    return prefixes != NULL &&
           decode_delta_length_texts(sink, data + prefix_size, size - prefix_size, count, texts, error) &&
           join_texts(sink, prefixes, texts, count, error);
}

static bool decode_texts(struct value_sink *sink, int32_t encoding, const uint8_t *data, size_t size, size_t count,
                         struct str *texts, struct error *error)
{
    bool variable = sink->leaf->type == TYPE_BYTE_ARRAY;
    size_t width = sink->leaf->size;

    switch (encoding) {
    case ENCODING_PLAIN:
        return variable ? decode_plain_texts(data, size, count, texts, error)
                        : decode_fixed_texts(data, size, width, count, texts, error);
    case ENCODING_BYTE_STREAM_SPLIT:
        if (variable) {
            return unsupported(encoding, error);
        }
        data = join_streams(sink->arena, data, size, count, width, error);
        return data != NULL && decode_fixed_texts(data, count * width, width, count, texts, error);
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        return variable ? decode_delta_length_texts(sink, data, size, count, texts, error)
                        : unsupported(encoding, error);
    case ENCODING_DELTA_BYTE_ARRAY:
        if (!decode_delta_texts(sink, data, size, count, texts, error)) {
            return false;
        }
        for (size_t i = 0; !variable && i < count; i++) {
            if (texts[i].length != width) {
                return damaged(error, "a value is not of its column's length");
            }
        }
        return true;
    default:
        return unsupported(encoding, error);
    }
}

static bool grow_scratch(struct value_sink *sink, size_t count, struct error *error)
{
    if (count <= sink->scratch_room) {
        return true;
    }
    struct str *scratch = memory_resize(sink->scratch, count, sizeof *scratch, error);

    if (scratch == NULL) {
        return false;
    }
    sink->scratch = scratch;
    sink->scratch_room = count;
    return true;
}

/* The code of a text; numbers and short texts, most ids, are told without the dictionary. */
static inline term code_of(struct terms *terms, struct str text, struct error *error)
{
    term code = term_of_number(text);

    if (code >= 0) {
        return code;
    }
    return text.length <= TERM_SHORT_BYTES ? term_of_short(text) : term_of(terms, text, error);
}

/* Texts as codes; a text that repeats the one before it is not looked up again. */
static bool enter_terms(struct terms *terms, const struct str *texts, size_t count, int64_t *numbers,
                        struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        bool repeats = i > 0 && texts[i].length == texts[i - 1].length &&
                       (texts[i].data == texts[i - 1].data || str_equal(texts[i], texts[i - 1]));

        numbers[i] = repeats ? numbers[i - 1] : code_of(terms, texts[i], error);
        if (numbers[i] == TERM_NULL) {
            return false;
        }
    }
    return true;
}

/* Times of day are stored as numbers and read as texts. */
static bool decode_times(struct value_sink *sink, int32_t encoding, const uint8_t *data, size_t size, size_t count,
                         struct str *texts, struct error *error)
{
    int64_t *stored = arena_take(sink->arena, count * sizeof *stored + 1, error);

    return stored != NULL && decode_numbers(sink, encoding, data, size, count, stored, error) &&
           form_times(sink->leaf, sink->arena, stored, count, texts, error);
}

bool values_decode(struct value_sink *sink, int32_t encoding, const uint8_t *data, size_t size, size_t count,
                   int64_t *numbers, struct str *texts, struct error *error)
{
    const struct parquet_leaf *leaf = sink->leaf;

    if (is_number_type(leaf->type) && leaf->form != FORM_TIME) {
        return decode_numbers(sink, encoding, data, size, count, numbers, error) &&
               form_numbers(leaf, numbers, count, error);
    }
    if (!value_sink_texts(sink)) {
        if (!grow_scratch(sink, count, error)) {
            return false;
        }
        texts = sink->scratch;
    }
    if (leaf->form == FORM_TIME) {
        if (!decode_times(sink, encoding, data, size, count, texts, error)) {
            return false;
        }
    } else if (!decode_texts(sink, encoding, data, size, count, texts, error)) {
        return false;
    } else if (leaf->field.kind != COLUMN_TEXT) {
        return form_numbers_of_bytes(leaf, texts, count, numbers, error);
    } else if (!form_texts(leaf, sink->arena, texts, count, error)) {
        return false;
    }
    return sink->terms == NULL || enter_terms(sink->terms, texts, count, numbers, error);
}

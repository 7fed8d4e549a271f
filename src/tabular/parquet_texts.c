#include "tabular/parquet_texts.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/parquet_encode.h"
#include "tabular/term_code.h"

enum {
    PAGE_BYTES = 1024 * 1024, /* a page ends with the text that reaches it */
    LARGEST_TEXT = 1024 * 1024 * 1024,
    FIRST_ROOM = 64,
    NUMBER_DIGITS = 18,
};

void text_encoder_free(struct text_encoder *encoder)
{
    buffer_free(&encoder->rendered[0]);
    buffer_free(&encoder->rendered[1]);
    buffer_free(&encoder->suffixes);
    memory_free(encoder->prefixes);
    memory_free(encoder->lengths);
    *encoder = (struct text_encoder){.terms = encoder->terms};
}

/* The first eight bytes as a number that orders as they do. */
static uint64_t head_of(struct str text)
{
    uint64_t head = 0;

    memcpy(&head, text.data, text.length < sizeof head ? text.length : sizeof head);
    return __builtin_bswap64(head);
}

static int compare_bytes(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.data, b.data, shorter);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static void keep_bound(char *bytes, size_t *length, uint64_t *head, struct str text, uint64_t text_head)
{
    memcpy(bytes, text.data, text.length);
    *length = text.length;
    *head = text_head;
}

void text_bounds_add(struct text_bounds *bounds, struct str text)
{
    if (bounds->over || text.length > TEXT_BOUND_BYTES) {
        bounds->over = true;
        return;
    }
    uint64_t head = head_of(text);

    if (!bounds->any || head < bounds->least_head ||
        (head == bounds->least_head && compare_bytes(text, str_slice(bounds->least, bounds->least_length)) < 0)) {
        keep_bound(bounds->least, &bounds->least_length, &bounds->least_head, text, head);
    }
    if (!bounds->any || head > bounds->most_head ||
        (head == bounds->most_head && compare_bytes(text, str_slice(bounds->most, bounds->most_length)) > 0)) {
        keep_bound(bounds->most, &bounds->most_length, &bounds->most_head, text, head);
    }
    bounds->any = true;
}

size_t text_common_prefix(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    size_t at = 0;

    for (; at + 8 <= shorter; at += 8) {
        uint64_t left;
        uint64_t right;

        memcpy(&left, a.data + at, sizeof left);
        memcpy(&right, b.data + at, sizeof right);
        if (left != right) {
            return at + (size_t)__builtin_ctzll(left ^ right) / 8;
        }
    }
    while (at < shorter && a.data[at] == b.data[at]) {
        at++;
    }
    return at;
}

static size_t digit_count(uint64_t value)
{
    static const uint64_t powers[] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
    };
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned digits = bits * 1233 >> 12; /* bits times log10(2), one too few at most */

    return digits + (value >= powers[digits] ? 1 : 0);
}

/* Decimal digits of a number of at most NUMBER_DIGITS. */
static size_t write_number(char *room, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    size_t length = digit_count(value);
    char *at = room + length;

    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(at - 2, pairs + value * 2, 2);
    } else {
        at[-1] = (char)('0' + value);
    }
    return length;
}

struct str text_encoder_render(struct text_encoder *encoder, unsigned turn, int64_t code, struct error *error)
{
    struct buffer *buffer = &encoder->rendered[turn];

    buffer_clear(buffer);
    if (buffer->capacity < FIRST_ROOM && buffer_room(buffer, FIRST_ROOM) == NULL) {
        buffer_check(buffer, error);
        return (struct str){NULL, 0};
    }
    if (term_tag(code) == TERM_TAG_NUMBER) {
        return str_slice(buffer->data, write_number(buffer->data, term_body(code)));
    }
    size_t length = term_text(encoder->terms, code, buffer->data, buffer->capacity);

    if (length > buffer->capacity) {
        if (buffer_room(buffer, length) == NULL) {
            buffer_check(buffer, error);
            return (struct str){NULL, 0};
        }
        term_text(encoder->terms, code, buffer->data, buffer->capacity);
    }
    return str_slice(buffer->data, length);
}

static bool make_room(struct text_encoder *encoder, size_t count, struct error *error)
{
    if (count <= encoder->room) {
        return true;
    }
    memory_free(encoder->prefixes);
    memory_free(encoder->lengths);
    encoder->room = 0;
    encoder->prefixes = memory_array(count, sizeof *encoder->prefixes, error);
    encoder->lengths = memory_array(count, sizeof *encoder->lengths, error);
    if (encoder->prefixes == NULL || encoder->lengths == NULL) {
        return false;
    }
    encoder->room = count;
    return true;
}

/* Adds one text: how much of the one before it repeats, and what follows. */
static inline bool add_text(struct text_encoder *encoder, size_t index, struct str text, size_t prefix,
                            struct error *error)
{
    size_t length = text.length - prefix;

    if (text.length > LARGEST_TEXT) {
        return error_set(error, ERROR_LIMIT, "a text of %zu bytes is too long for Parquet", text.length);
    }
    encoder->prefixes[index] = (int64_t)prefix;
    encoder->lengths[index] = (int64_t)length;
    if (encoder->suffixes.capacity - encoder->suffixes.length < length || encoder->suffixes.data == NULL) {
        if (buffer_room(&encoder->suffixes, length) == NULL) {
            return buffer_check(&encoder->suffixes, error);
        }
    }
    memcpy(encoder->suffixes.data + encoder->suffixes.length, text.data + prefix, length);
    encoder->suffixes.length += length;
    return true;
}

static bool add_codes(struct text_encoder *encoder, const struct text_input *input, bool with_prefix,
                      struct text_bounds *bounds, size_t *taken, struct error *error)
{
    struct str before = str_slice("", 0);
    size_t done = 0;
    unsigned turn = 0;

    for (; done < input->count && encoder->suffixes.length < PAGE_BYTES; done++) {
        bool repeats = done > 0 && input->codes[done] == input->codes[done - 1];
        struct str text = before;

        if (!repeats) {
            text = text_encoder_render(encoder, turn, input->codes[done], error);
            turn ^= 1;
            if (text.data == NULL) {
                return false;
            }
            if (bounds != NULL) {
                text_bounds_add(bounds, text);
            }
        }
        size_t prefix = !with_prefix ? 0 : repeats ? text.length : text_common_prefix(before, text);

        if (!add_text(encoder, done, text, prefix, error)) {
            return false;
        }
        before = text;
    }
    *taken = done;
    return true;
}

static bool add_texts(struct text_encoder *encoder, const struct text_input *input, bool with_prefix,
                      struct text_bounds *bounds, size_t *taken, struct error *error)
{
    struct str before = str_slice("", 0);
    size_t done = 0;

    for (; done < input->count && encoder->suffixes.length < PAGE_BYTES; done++) {
        struct str text = input->texts[done];
        size_t prefix = with_prefix ? text_common_prefix(before, text) : 0;

        if (bounds != NULL) {
            text_bounds_add(bounds, text);
        }
        if (!add_text(encoder, done, text, prefix, error)) {
            return false;
        }
        before = text;
    }
    *taken = done;
    return true;
}

bool text_encoder_page(struct text_encoder *encoder, const struct text_input *input, int32_t encoding,
                       struct buffer *into, struct text_bounds *bounds, size_t *taken, struct error *error)
{
    bool with_prefix = encoding == ENCODING_DELTA_BYTE_ARRAY;

    buffer_clear(&encoder->suffixes);
    if (!make_room(encoder, input->count, error)) {
        return false;
    }
    if (input->codes != NULL ? !add_codes(encoder, input, with_prefix, bounds, taken, error)
                             : !add_texts(encoder, input, with_prefix, bounds, taken, error)) {
        return false;
    }
    if (with_prefix) {
        encode_delta(into, encoder->prefixes, *taken, false);
    }
    encode_delta(into, encoder->lengths, *taken, false);
    buffer_append(into, encoder->suffixes.data, encoder->suffixes.length);
    return buffer_check(into, error);
}

#include "tabular/parquet_texts.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/parquet_encode.h"
#include "tabular/word_text.h"

enum {
    PAGE_BYTES = 1024 * 1024, /* a page ends with the text that reaches it */
    LARGEST_TEXT = 1024 * 1024 * 1024,
    FIRST_ROOM = 64,
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

static inline void add_bound(struct text_bounds *bounds, struct str text, uint64_t head)
{
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

void text_bounds_add(struct text_bounds *bounds, struct str text)
{
    if (bounds->over || text.length > TEXT_BOUND_BYTES) {
        bounds->over = true;
    } else {
        add_bound(bounds, text, head_of(text));
    }
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

/* Every buffer that is rendered into has room for FIRST_ROOM bytes. */
static bool render_room(struct buffer *buffer, size_t size, struct error *error)
{
    buffer_clear(buffer);
    return buffer_room(buffer, size < FIRST_ROOM ? FIRST_ROOM : size) != NULL || buffer_check(buffer, error);
}

struct str text_encoder_render(struct text_encoder *encoder, unsigned turn, int64_t code, struct error *error)
{
    struct buffer *buffer = &encoder->rendered[turn];
    struct word_text words;

    if (buffer->data == NULL && !render_room(buffer, FIRST_ROOM, error)) {
        return (struct str){NULL, 0};
    }
    if (word_text_of_term(code, &words)) {
        word_text_store(words, buffer->data);
        return str_slice(buffer->data, words.length);
    }
    size_t length = term_text(encoder->terms, code, buffer->data, buffer->capacity);

    if (length > buffer->capacity) {
        if (!render_room(buffer, length, error)) {
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

/* Room for one more suffix and for what a copy in whole words writes past it. */
static inline bool suffix_room(struct text_encoder *encoder, size_t length, struct error *error)
{
    struct buffer *suffixes = &encoder->suffixes;

    if (suffixes->capacity - suffixes->length >= length + WORD_TEXT_BYTES) {
        return true;
    }
    return buffer_room(suffixes, length + WORD_TEXT_BYTES) != NULL || buffer_check(suffixes, error);
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
    if (!suffix_room(encoder, length, error)) {
        return false;
    }
    memcpy(encoder->suffixes.data + encoder->suffixes.length, text.data + prefix, length);
    encoder->suffixes.length += length;
    return true;
}

/* As add_text, for a text in words: its suffix is written with what comes after it in the words. */
static inline bool add_words(struct text_encoder *encoder, size_t index, struct word_text text, size_t prefix,
                             struct error *error)
{
    if (!suffix_room(encoder, text.length - prefix, error)) {
        return false;
    }
    struct word_text suffix = word_text_from(text, prefix);

    word_text_store(suffix, encoder->suffixes.data + encoder->suffixes.length);
    encoder->suffixes.length += suffix.length;
    encoder->prefixes[index] = (int64_t)prefix;
    encoder->lengths[index] = (int64_t)suffix.length;
    return true;
}

/* As text_bounds_add. Where the first eight bytes decide, nothing is compared in memory. */
static inline void add_word_bound(struct text_bounds *bounds, struct word_text text)
{
    uint64_t head = __builtin_bswap64(text.low);

    if (!bounds->any || head == bounds->least_head || head == bounds->most_head) {
        char bytes[WORD_TEXT_BYTES];

        word_text_store(text, bytes);
        text_bounds_add(bounds, str_slice(bytes, text.length));
    } else if (head > bounds->most_head) {
        word_text_store(text, bounds->most);
        bounds->most_length = text.length;
        bounds->most_head = head;
    } else if (head < bounds->least_head) {
        word_text_store(text, bounds->least);
        bounds->least_length = text.length;
        bounds->least_head = head;
    }
}

/* Codes on their way out: the one before in words when it fits them, and as a text. */
struct code_run {
    unsigned turn;
    bool in_words;
    struct word_text words;
    struct str text; /* only when not in words */
};

/* Adds a code that is rendered into memory, because it or the one before does not fit in words. */
static bool add_rendered(struct text_encoder *encoder, size_t index, int64_t code, bool with_prefix,
                         struct code_run *before, struct text_bounds *bounds, struct error *error)
{
    char bytes[WORD_TEXT_BYTES];
    struct str last = before->text;
    struct str text = text_encoder_render(encoder, before->turn, code, error);

    if (text.data == NULL) {
        return false;
    }
    if (before->in_words) {
        word_text_store(before->words, bytes);
        last = str_slice(bytes, before->words.length);
    }
    before->turn ^= 1;
    before->text = text;
    before->in_words = false;
    text_bounds_add(bounds, text);
    return add_text(encoder, index, text, with_prefix ? text_common_prefix(last, text) : 0, error);
}

static bool add_codes(struct text_encoder *encoder, const struct text_input *input, bool with_prefix,
                      struct text_bounds *bounds, size_t *taken, struct error *error)
{
    struct code_run before = {.in_words = true};
    size_t done = 0;

    for (; done < input->count && encoder->suffixes.length < PAGE_BYTES; done++) {
        struct word_text words = before.words;
        bool repeats = done > 0 && input->codes[done] == input->codes[done - 1];

        if (before.in_words && (repeats || word_text_of_term(input->codes[done], &words))) {
            if (!repeats) {
                add_word_bound(bounds, words);
            }
            if (!add_words(encoder, done, words, with_prefix ? word_text_prefix(before.words, words) : 0, error)) {
                return false;
            }
            before.words = words;
        } else {
            if (!add_rendered(encoder, done, input->codes[done], with_prefix, &before, bounds, error)) {
                return false;
            }
            before.in_words = word_text_of_term(input->codes[done], &before.words);
        }
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

        text_bounds_add(bounds, text);
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

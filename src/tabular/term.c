#include "tabular/term.h"

#include <string.h>

#include "base/memory.h"
#include "tabular/dictionary.h"
#include "tabular/term_code.h"

/* Room for every text that is not a dictionary entry: the longest is a prefix and its digits. */
#define FORM_ROOM (TERM_PREFIX_BYTES + TERM_NUMBER_DIGITS + 1)

struct terms {
    struct dictionary *dictionary;
};

struct terms *terms_new(struct error *error)
{
    struct terms *terms = memory_zeroed(sizeof *terms, error);
    if (terms == NULL) return NULL;
    terms->dictionary = dictionary_new(error);
    if (terms->dictionary == NULL) {
        memory_free(terms);
        return NULL;
    }
    return terms;
}

void terms_free(struct terms *terms)
{
    if (terms == NULL) return;
    dictionary_free(terms->dictionary);
    memory_free(terms);
}

/* The bytes before the digits at the end of a text that has the prefixed form, else 0. */
static size_t prefix_length(struct str text)
{
    size_t digits = 0;
    while (digits < text.length && (unsigned)(unsigned char)text.data[text.length - digits - 1] - '0' <= 9) digits++;
    size_t prefix = text.length - digits;
    bool fits = digits >= 1 && digits <= TERM_PREFIX_DIGITS && prefix >= 1 && prefix <= TERM_PREFIX_BYTES;
    return fits ? prefix : 0;
}

/* How many runs of fewer digits there are: 0 + 10 + 100 + … */
static uint64_t digits_rank_base(size_t digits)
{
    uint64_t base = 0;
    for (uint64_t i = 1, runs = 10; i < digits; i++, runs *= 10) base += runs;
    return base;
}

static term prefixed_code(uint64_t prefix_number, struct str text, size_t prefix)
{
    size_t digits = text.length - prefix;
    uint64_t rank = digits_rank_base(digits) + (uint64_t)term_digits(text.data + prefix, digits);
    return term_tagged(TERM_TAG_PREFIXED, prefix_number << TERM_PREFIX_SHIFT | rank);
}

/* The code of a text whose form needs no dictionary, or TERM_NONE. */
static term plain_code(struct str text)
{
    term code = term_of_number(text);
    if (code == TERM_NONE && text.length <= TERM_SHORT_BYTES) code = term_of_short(text);
    return code;
}

term term_of(struct terms *terms, struct str text, struct error *error)
{
    term code = plain_code(text);
    if (code != TERM_NONE) return code;
    struct dictionary *dictionary = terms->dictionary;
    size_t prefix = prefix_length(text);
    if (prefix > 0) {
        struct str prefix_text = str_slice(text.data, prefix);
        uint64_t number = dictionary_find(dictionary, prefix_text);
        /* Past the limit no prefix can become usable any more, so a new one need not be entered. */
        if (number == DICTIONARY_NONE && dictionary_count(dictionary) < TERM_PREFIX_COUNT) {
            number = dictionary_enter(dictionary, prefix_text, error);
            if (number == DICTIONARY_NONE) return TERM_NULL;
        }
        if (number < TERM_PREFIX_COUNT) return prefixed_code(number, text, prefix);
    }
    uint64_t number = dictionary_enter(dictionary, text, error);
    return number == DICTIONARY_NONE ? TERM_NULL : term_tagged(TERM_TAG_DICTIONARY, number);
}

term term_find(const struct terms *terms, struct str text)
{
    term code = plain_code(text);
    if (code != TERM_NONE) return code;
    size_t prefix = prefix_length(text);
    if (prefix > 0) {
        uint64_t number = dictionary_find(terms->dictionary, str_slice(text.data, prefix));
        if (number < TERM_PREFIX_COUNT) return prefixed_code(number, text, prefix);
    }
    uint64_t number = dictionary_find(terms->dictionary, text);
    return number == DICTIONARY_NONE ? TERM_NULL : term_tagged(TERM_TAG_DICTIONARY, number);
}

static size_t write_number(char *room, uint64_t number, size_t least_digits)
{
    char reversed[20];
    size_t digits = 0;
    do {
        reversed[digits++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || digits < least_digits);
    for (size_t i = 0; i < digits; i++) room[i] = reversed[digits - 1 - i];
    return digits;
}

static size_t write_prefixed(const struct terms *terms, uint64_t body, char room[FORM_ROOM])
{
    struct str prefix = dictionary_text(terms->dictionary, body >> TERM_PREFIX_SHIFT);
    uint64_t rank = body & (((uint64_t)1 << TERM_PREFIX_SHIFT) - 1);
    size_t digits = 1;
    for (uint64_t runs = 10; rank >= runs; runs *= 10, digits++) rank -= runs;
    memcpy(room, prefix.data, prefix.length);
    return prefix.length + write_number(room + prefix.length, rank, digits);
}

/* The text of a code: in `room`, or where the dictionary keeps it. */
static struct str code_text(const struct terms *terms, term code, char room[FORM_ROOM])
{
    uint64_t body = term_body(code);
    switch (term_tag(code)) {
    case TERM_TAG_NUMBER:
        return str_slice(room, write_number(room, body, 1));
    case TERM_TAG_SHORT:
        for (size_t i = 0; i < body >> 56; i++) room[i] = (char)(body >> (8 * i));
        return str_slice(room, body >> 56);
    case TERM_TAG_PREFIXED:
        return str_slice(room, write_prefixed(terms, body, room));
    case TERM_TAG_DICTIONARY:
        return dictionary_text(terms->dictionary, body);
    default: /* TERM_NULL */
        return str_slice(NULL, 0);
    }
}

void term_append(const struct terms *terms, term code, struct buffer *buffer)
{
    char room[FORM_ROOM];
    buffer_append_str(buffer, code_text(terms, code, room));
}

size_t term_text(const struct terms *terms, term code, char *room, size_t room_size)
{
    char form[FORM_ROOM];
    struct str text = code_text(terms, code, form);
    if (text.length > 0 && text.length <= room_size) memcpy(room, text.data, text.length);
    return text.length;
}

int terms_compare(const struct terms *terms, term a, term b)
{
    if (a == b) return 0;
    if (a == TERM_NULL || b == TERM_NULL) return a == TERM_NULL ? -1 : 1;
    if (term_tag(a) == TERM_TAG_NUMBER && term_tag(b) == TERM_TAG_NUMBER) return a < b ? -1 : 1;
    char room_a[FORM_ROOM];
    char room_b[FORM_ROOM];
    return str_compare_natural(code_text(terms, a, room_a), code_text(terms, b, room_b));
}

uint64_t terms_count(const struct terms *terms)
{
    return dictionary_count(terms->dictionary);
}

bool terms_save_since(const struct terms *terms, uint64_t from, struct buffer *into, struct error *error)
{
    uint64_t count = terms_count(terms);
    for (uint64_t number = from; number < count; number++) {
        struct str text = dictionary_text(terms->dictionary, number);
        size_t rest = text.length;
        for (; rest >= 0x80; rest >>= 7) buffer_append_char(into, (char)(0x80 | (rest & 0x7f)));
        buffer_append_char(into, (char)rest);
        buffer_append_str(into, text);
    }
    return buffer_check(into, error);
}

/* Reads a LEB128 length that does not pass the ceiling; false when the bytes hold none. */
static bool read_length(const char **at, const char *end, size_t *length)
{
    *length = 0;
    for (unsigned shift = 0; *at < end && shift <= 21; shift += 7) {
        unsigned char byte = (unsigned char)*(*at)++;
        *length |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return *length <= DICTIONARY_TEXT_CEILING;
    }
    return false;
}

bool terms_load(struct terms *terms, const char *data, size_t size, struct error *error)
{
    if (size == 0) return true;
    const char *end = data + size;
    for (const char *at = data; at < end;) {
        const char *entry = at;
        size_t length;
        uint64_t expected = terms_count(terms);
        if (!read_length(&at, end, &length) || length > (size_t)(end - at))
            return error_set(error, ERROR_CORRUPT,
                             "the dictionary file is damaged at byte %zu (text %llu): restore "
                             "the data folder from a copy",
                             (size_t)(entry - data), (unsigned long long)expected);
        uint64_t number = dictionary_enter(terms->dictionary, str_slice(at, length), error);
        if (number == DICTIONARY_NONE) return false;
        if (number != expected)
            return error_set(error, ERROR_CORRUPT,
                             "the dictionary file holds text %llu twice, at byte %zu again: "
                             "restore the data folder from a copy",
                             (unsigned long long)number, (size_t)(entry - data));
        at += length;
    }
    return true;
}

#include "base/str.h"

struct str str_trim(struct str view)
{
    while (view.length > 0 && (view.data[0] == ' ' || view.data[0] == '\t')) {
        view.data++;
        view.length--;
    }
    while (view.length > 0 && (view.data[view.length - 1] == ' ' || view.data[view.length - 1] == '\t')) {
        view.length--;
    }
    return view;
}

bool str_starts_with(struct str view, const char *prefix)
{
    size_t length = strlen(prefix);

    return view.length >= length && (length == 0 || memcmp(view.data, prefix, length) == 0);
}

bool str_ends_with(struct str view, const char *suffix)
{
    size_t length = strlen(suffix);

    return view.length >= length && (length == 0 || memcmp(view.data + view.length - length, suffix, length) == 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The run of digits that starts at `at`, without its leading zeros; `*end` is where it stops. */
static struct str digits_at(struct str view, size_t at, size_t *end)
{
    size_t stop = at;

    while (stop < view.length && is_digit(view.data[stop])) {
        stop++;
    }
    *end = stop;
    while (at < stop && view.data[at] == '0') {
        at++;
    }
    return str_slice(view.data + at, stop - at);
}

static int compare_bytes(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

int str_compare_natural(struct str a, struct str b)
{
    size_t i = 0;
    size_t j = 0;

    while (i < a.length && j < b.length) {
        if (is_digit(a.data[i]) && is_digit(b.data[j])) {
            struct str x = digits_at(a, i, &i);
            struct str y = digits_at(b, j, &j);

            if (x.length != y.length) {
                return x.length < y.length ? -1 : 1;
            }
            int order = compare_bytes(x, y);

            if (order != 0) {
                return order;
            }
        } else if (a.data[i] != b.data[j]) {
            return (unsigned char)a.data[i] < (unsigned char)b.data[j] ? -1 : 1;
        } else {
            i++;
            j++;
        }
    }
    if (i < a.length || j < b.length) {
        return i < a.length ? 1 : -1;
    }
    return compare_bytes(a, b);
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the well-formed sequence at `bytes` (RFC 3629, section 4), or 0. */
static size_t sequence_length(const unsigned char *bytes, size_t left)
{
    unsigned char lead = bytes[0];

    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4 || left < 2) {
        return 0;
    }
    if (lead < 0xE0) {
        return is_continuation(bytes[1]) ? 2 : 0;
    }
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;

    if (bytes[1] < low || bytes[1] > high || left < 3 || !is_continuation(bytes[2])) {
        return 0;
    }
    if (lead < 0xF0) {
        return 3;
    }
    return left >= 4 && is_continuation(bytes[3]) ? 4 : 0;
}

/* The first place at or after `at` that may hold a byte over 0x7F, found 32 and then 8 bytes at a time. */
static size_t skip_ascii(const unsigned char *bytes, size_t at, size_t length)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    uint64_t words[4];

    while (length - at >= sizeof words) {
        memcpy(words, bytes + at, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & high_bits) != 0) {
            break;
        }
        at += sizeof words;
    }
    while (length - at >= sizeof words[0]) {
        memcpy(words, bytes + at, sizeof words[0]);
        if ((words[0] & high_bits) != 0) {
            break;
        }
        at += sizeof words[0];
    }
    return at;
}

bool str_is_utf8(struct str view, size_t *offset)
{
    const unsigned char *bytes = (const unsigned char *)view.data;
    size_t at = 0;

    while ((at = skip_ascii(bytes, at, view.length)) < view.length) {
        size_t stop = view.length - at > 8 ? at + 8 : view.length;

        while (at < stop) {
            size_t length = sequence_length(bytes + at, view.length - at);

            if (length == 0) {
                *offset = at;
                return false;
            }
            at += length;
        }
    }
    return true;
}

size_t str_distance(struct str a, struct str b)
{
    size_t row[64];

    if (a.length >= sizeof row / sizeof row[0] || b.length >= sizeof row / sizeof row[0]) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b.length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[b.length];
}

#include "aws/sign_canonical.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/memory.h"

static bool is_unreserved(unsigned char c)
{
    static const bool unreserved[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
        ['.'] = true,         ['_'] = true,         ['~'] = true,
    };

    return unreserved[c];
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool sign_escape_read(struct str text, unsigned char *c)
{
    int high = text.length < 3 ? -1 : hex_value(text.data[1]);
    int low = text.length < 3 ? -1 : hex_value(text.data[2]);

    if (high < 0 || low < 0) {
        return false;
    }
    *c = (unsigned char)(high << 4 | low);
    return true;
}

static char *put_byte(char *to, unsigned char c, bool keep_slashes)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved(c) || (c == '/' && keep_slashes)) {
        *to++ = (char)c;
    } else {
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

void sign_append_encoded(struct buffer *out, struct str text, bool keep_slashes)
{
    char *room = buffer_room(out, 3 * text.length);
    char *to = room;

    if (room == NULL) {
        return;
    }
    for (size_t i = 0; i < text.length; i++) {
        to = put_byte(to, (unsigned char)text.data[i], keep_slashes);
    }
    buffer_advance(out, (size_t)(to - room));
}

void sign_append_normal(struct buffer *out, struct str text, bool keep_slashes, bool plus_is_space)
{
    char *room = buffer_room(out, 3 * text.length);
    char *to = room;

    if (room == NULL) {
        return;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '%' && sign_escape_read(str_slice(text.data + i, text.length - i), &c)) {
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to = put_byte(to, c, keep_slashes);
    }
    buffer_advance(out, (size_t)(to - room));
}

const char *sign_decode_form(struct str text, struct arena *arena, struct error *error)
{
    char *copy = arena_text(arena, text.data, text.length, error);

    for (size_t i = 0; copy != NULL && i < text.length; i++) {
        if (copy[i] == '+') {
            copy[i] = ' ';
        }
    }
    return copy == NULL ? NULL : sign_decode(str_slice(copy, text.length), arena, error);
}

bool sign_name_is(struct str name, const char *lower_case)
{
    size_t i = 0;

    for (; i < name.length && lower_case[i] != '\0'; i++) {
        char c = name.data[i];

        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower_case[i]) {
            return false;
        }
    }
    return i == name.length && lower_case[i] == '\0';
}

bool sign_same_name(struct str a, struct str b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        char x = a.data[i];
        char y = b.data[i];

        if ((x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) != (y >= 'A' && y <= 'Z' ? y + ('a' - 'A') : y)) {
            return false;
        }
    }
    return true;
}

/* Cuts what stands before the first `mark` (or all) off the text. */
static struct str cut(struct str *text, char mark)
{
    const char *end = text->length == 0 ? NULL : memchr(text->data, mark, text->length);
    size_t length = end == NULL ? text->length : (size_t)(end - text->data);
    struct str piece = str_slice(text->data, length);
    size_t taken = end == NULL ? length : length + 1;

    *text = str_slice(text->data + taken, text->length - taken);
    return piece;
}

bool sign_next_name(struct str *list, struct str *name)
{
    if (list->length == 0) {
        return false;
    }
    *name = cut(list, ';');
    return true;
}

bool sign_next_pair(struct str *query, struct sign_field *pair)
{
    while (query->length > 0) {
        struct str piece = cut(query, '&');

        if (piece.length > 0) {
            pair->name = cut(&piece, '=');
            pair->value = piece;
            return true;
        }
    }
    return false;
}

/* The path of all services but S3: without empty and dot segments, and encoded once more than it comes. */
static void append_plain_path(struct buffer *out, struct str path)
{
    size_t start = out->length;
    bool slash_at_end = path.length == 0 || path.data[path.length - 1] == '/';

    if (path.length > 0 && path.data[0] == '/') {
        path = str_slice(path.data + 1, path.length - 1);
    }
    buffer_append_char(out, '/');
    while (path.length > 0) {
        struct str segment = cut(&path, '/');

        if (segment.length == 0 || str_is(segment, ".")) {
            slash_at_end = path.length == 0 || slash_at_end;
        } else if (str_is(segment, "..")) {
            if (out->length > start + 1) {
                out->length--;
                while (out->length > start + 1 && out->data[out->length - 1] != '/') {
                    out->length--;
                }
            }
        } else {
            sign_append_encoded(out, segment, false);
            buffer_append_char(out, '/');
        }
        if (out->failed) {
            return;
        }
    }
    if (!slash_at_end && out->length > start + 1) {
        out->length--;
    }
}

struct pair {
    size_t name, value, end; /* in the buffer */
    const char *base;
};

static int compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t least = a_length < b_length ? a_length : b_length;
    int order = least == 0 ? 0 : memcmp(a, b, least);

    return order != 0 ? order : a_length < b_length ? -1 : a_length > b_length;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left;
    const struct pair *b = right;
    int order = compare_bytes(a->base + a->name, a->value - a->name, b->base + b->name, b->value - b->name);

    return order != 0 ? order
                      : compare_bytes(a->base + a->value, a->end - a->value, b->base + b->value, b->end - b->value);
}

static void release_pairs(struct pair **pairs)
{
    memory_free(*pairs);
}

/* Pairs in the order of their encoded names and values. */
static bool append_query(struct buffer *out, struct str query, bool in_query, struct error *error)
{
    struct buffer pieces __attribute__((cleanup(buffer_free))) = {0};
    struct pair *pairs __attribute__((cleanup(release_pairs))) = NULL;
    size_t most = 1;
    size_t count = 0;
    struct sign_field field;

    if (query.length == 0) {
        return true;
    }
    for (size_t i = 0; i < query.length; i++) {
        most += query.data[i] == '&';
    }
    pairs = memory_array(most, sizeof *pairs, error);
    if (pairs == NULL) {
        return false;
    }
    while (sign_next_pair(&query, &field)) {
        struct pair *pair = &pairs[count];

        pair->name = pieces.length;
        sign_append_normal(&pieces, field.name, false, true);
        pair->value = pieces.length;
        if (in_query && pair->value - pair->name == strlen("X-Amz-Signature") &&
            memcmp(pieces.data + pair->name, "X-Amz-Signature", pair->value - pair->name) == 0) {
            continue;
        }
        sign_append_normal(&pieces, field.value, false, true);
        pair->end = pieces.length;
        count++;
    }
    if (!buffer_check(&pieces, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].base = pieces.data;
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_append_char(out, '&');
        }
        buffer_append(out, pieces.data + pairs[i].name, pairs[i].value - pairs[i].name);
        buffer_append_char(out, '=');
        buffer_append(out, pieces.data + pairs[i].value, pairs[i].end - pairs[i].value);
    }
    return true;
}

/* Without space at the ends, and one space for each run of them. */
static void append_value(struct buffer *out, struct str value)
{
    value = str_trim(value);
    char *room = buffer_room(out, value.length);
    char *to = room;

    if (room == NULL) {
        return;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] != ' ' || value.data[i - 1] != ' ') {
            *to++ = value.data[i];
        }
    }
    buffer_advance(out, (size_t)(to - room));
}

static bool append_values(struct buffer *out, struct str name, const struct sign_field *headers, size_t count, bool any)
{
    for (size_t i = 0; i < count; i++) {
        if (sign_same_name(headers[i].name, name)) {
            if (any) {
                buffer_append_char(out, ',');
            }
            append_value(out, headers[i].value);
            any = true;
        }
    }
    return any;
}

static bool append_request(struct buffer *out, const struct sign_parts *parts, struct error *error)
{
    const struct sign_request *request = parts->request;
    struct str list = parts->signed_headers;
    struct str name;

    buffer_append_str(out, request->method);
    buffer_append_char(out, '\n');
    if (strcmp(parts->scope->service, "s3") != 0) {
        append_plain_path(out, request->path);
    } else if (request->path.length == 0) {
        buffer_append_char(out, '/');
    } else {
        sign_append_normal(out, request->path, true, false);
    }
    buffer_append_char(out, '\n');
    if (!append_query(out, request->query, parts->in_query, error)) {
        return false;
    }
    buffer_append_char(out, '\n');
    while (sign_next_name(&list, &name)) {
        buffer_append_str(out, name);
        buffer_append_char(out, ':');
        bool any = append_values(out, name, request->headers, request->header_count, false);

        append_values(out, name, parts->more, parts->more_count, any);
        buffer_append_char(out, '\n');
    }
    buffer_append_char(out, '\n');
    buffer_append_str(out, parts->signed_headers);
    buffer_append_char(out, '\n');
    buffer_append_text(out, parts->payload_hash);
    return buffer_check(out, error);
}

void sign_append_scope(struct buffer *out, const struct sign_scope *scope)
{
    buffer_append_text(out, scope->date);
    buffer_append_char(out, '/');
    buffer_append_text(out, scope->region);
    buffer_append_char(out, '/');
    buffer_append_text(out, scope->service);
    buffer_append_text(out, "/aws4_request");
}

bool sign_canonical(const struct sign_parts *parts, const struct sign_key *key, char signature[65],
                    struct buffer *canonical, struct buffer *string_to_sign, struct error *error)
{
    struct buffer request __attribute__((cleanup(buffer_free))) = {0};
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    uint8_t hash[DIGEST_MAX_BYTES];
    char hex[65];
    char time[17];

    buffer_room(&request, 1024); /* most fit without growing */
    if (!append_request(&request, parts, error) ||
        !digest_once(DIGEST_SHA256, request.data, request.length, hash, error)) {
        return false;
    }
    digest_hex(hash, 32, hex);
    sign_time_format(parts->signed_us, time);
    buffer_room(&text, 256);
    buffer_append_text(&text, SIGN_ALGORITHM "\n");
    buffer_append_text(&text, time);
    buffer_append_char(&text, '\n');
    sign_append_scope(&text, parts->scope);
    buffer_append_char(&text, '\n');
    buffer_append_text(&text, hex);
    if (!buffer_check(&text, error) ||
        !digest_hmac_sha256(key->bytes, sizeof key->bytes, text.data, text.length, hash, error)) {
        return false;
    }
    digest_hex(hash, 32, signature);
    if (canonical != NULL) {
        buffer_append(canonical, request.data, request.length);
    }
    if (string_to_sign != NULL) {
        buffer_append(string_to_sign, text.data, text.length);
    }
    return true;
}

static void wipe(struct buffer *secret)
{
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->length);
    }
    buffer_free(secret);
}

bool sign_key_derive(const char *secret_access_key, const struct sign_scope *scope, struct sign_key *key,
                     struct error *error)
{
    struct buffer secret __attribute__((cleanup(wipe))) = {0};
    uint8_t value[32];

    buffer_append_text(&secret, "AWS4");
    buffer_append_text(&secret, secret_access_key);
    return buffer_check(&secret, error) &&
           digest_hmac_sha256(secret.data, secret.length, scope->date, strlen(scope->date), value, error) &&
           digest_hmac_sha256(value, sizeof value, scope->region, strlen(scope->region), value, error) &&
           digest_hmac_sha256(value, sizeof value, scope->service, strlen(scope->service), value, error) &&
           digest_hmac_sha256(value, sizeof value, "aws4_request", strlen("aws4_request"), key->bytes, error);
}

static void put_number(char *to, int64_t number, unsigned digits)
{
    while (digits-- > 0) {
        to[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

static bool take_number(const char *from, unsigned digits, int *number)
{
    *number = 0;
    for (; digits > 0; digits--, from++) {
        if (*from < '0' || *from > '9') {
            return false;
        }
        *number = *number * 10 + (*from - '0');
    }
    return true;
}

void sign_time_format(int64_t time_us, char text[17])
{
    time_t second = (time_t)(time_us / 1000000);
    struct tm parts = {0};

    gmtime_r(&second, &parts);
    put_number(text, parts.tm_year + 1900, 4);
    put_number(text + 4, parts.tm_mon + 1, 2);
    put_number(text + 6, parts.tm_mday, 2);
    text[8] = 'T';
    put_number(text + 9, parts.tm_hour, 2);
    put_number(text + 11, parts.tm_min, 2);
    put_number(text + 13, parts.tm_sec, 2);
    text[15] = 'Z';
    text[16] = '\0';
}

bool sign_time_read(struct str text, int64_t *time_us)
{
    struct tm parts = {0};
    char again[17];

    if (text.length != 16 || text.data[8] != 'T' || text.data[15] != 'Z' ||
        !take_number(text.data, 4, &parts.tm_year) || !take_number(text.data + 4, 2, &parts.tm_mon) ||
        !take_number(text.data + 6, 2, &parts.tm_mday) || !take_number(text.data + 9, 2, &parts.tm_hour) ||
        !take_number(text.data + 11, 2, &parts.tm_min) || !take_number(text.data + 13, 2, &parts.tm_sec) ||
        parts.tm_year < 1970) {
        return false;
    }
    parts.tm_year -= 1900;
    parts.tm_mon--;
    *time_us = (int64_t)timegm(&parts) * 1000000;
    /* A day or hour that does not exist comes back as another. */
    sign_time_format(*time_us, again);
    return memcmp(again, text.data, 16) == 0;
}

/* Framing of bodies in chunks.
 *
 * Source: Amazon S3 API Reference, "Signature calculations for the Authorization header: transferring payload in
 * multiple chunks" and "… including trailing headers". A signed chunk is "SIZE;chunk-signature=HEX\r\n" bytes "\r\n",
 * an unsigned one "SIZE\r\n" bytes "\r\n"; the last has size 0 and no bytes, and after it come the trailers,
 * "NAME:VALUE" lines, of which x-amz-trailer-signature signs the others; an empty line ends all.
 */
#include <inttypes.h>
#include <string.h>

#include "aws/sign_canonical.h"
#include "base/digest.h"
#include "base/memory.h"

enum {
    LONGEST_LINE = 4096,
    MOST_TRAILERS = 16,
};

#define LARGEST_CHUNK (UINT64_C(5) << 30)

enum state { AT_SIZE, IN_DATA, AFTER_DATA, IN_TRAILERS, ENDED };

struct trailer {
    char *name, *value;
};

struct sign_chunks {
    struct sign_chunks_options options;
    bool has_signatures, has_trailers;
    enum state state;
    char line[LONGEST_LINE];
    size_t line_length;
    uint64_t left;  /* of the chunk's bytes */
    uint64_t total; /* decoded so far */
    struct digest *hash;
    char expected[65]; /* the chunk's signature as it was sent */
    char before[65];   /* the signature before it, which each one is chained to */
    struct trailer trailers[MOST_TRAILERS];
    size_t trailer_count;
    bool trailers_checked;
};

struct sign_chunks *sign_chunks_new(const struct sign_chunks_options *options, struct error *error)
{
    struct sign_chunks *chunks = memory_zeroed(sizeof *chunks, error);
    const char *form = options->claim->payload_hash;

    if (chunks == NULL) {
        return NULL;
    }
    chunks->options = *options;
    chunks->has_signatures = strcmp(form, SIGN_UNSIGNED_TRAILER) != 0;
    chunks->has_trailers = strcmp(form, SIGN_STREAMING) != 0;
    memcpy(chunks->before, options->claim->signature, sizeof chunks->before);
    return chunks;
}

void sign_chunks_free(struct sign_chunks *chunks)
{
    if (chunks == NULL) {
        return;
    }
    for (size_t i = 0; i < chunks->trailer_count; i++) {
        memory_free(chunks->trailers[i].name);
        memory_free(chunks->trailers[i].value);
    }
    digest_free(chunks->hash);
    explicit_bzero(&chunks->options.key, sizeof chunks->options.key);
    memory_free(chunks);
}

static bool malformed(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_INVALID, "InvalidRequest", "the aws-chunked body is malformed: %s", what);
}

static bool mismatch(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The %s signature we calculated does not match the signature you provided. Check your key "
                           "and signing method.",
                           what);
}

/* Signs a chunk or the trailers: both name the time, the scope and the signature before. On a match the signature
 * becomes the one before. */
static bool check_signature(struct sign_chunks *chunks, const char *algorithm, const char *middle,
                            const uint8_t hash[DIGEST_MAX_BYTES], const char *what, struct error *error)
{
    const struct sign_claim *claim = chunks->options.claim;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    uint8_t value[32];
    char hex[65];

    sign_time_format(claim->signed_us, hex);
    buffer_append_text(&text, algorithm);
    buffer_append_char(&text, '\n');
    buffer_append_text(&text, hex);
    buffer_append_char(&text, '\n');
    sign_append_scope(&text, &claim->scope);
    buffer_append_char(&text, '\n');
    buffer_append_text(&text, chunks->before);
    buffer_append_char(&text, '\n');
    buffer_append_text(&text, middle);
    digest_hex(hash, 32, hex);
    buffer_append_text(&text, hex);
    if (!buffer_check(&text, error) || !digest_hmac_sha256(chunks->options.key.bytes, sizeof chunks->options.key.bytes,
                                                           text.data, text.length, value, error)) {
        return false;
    }
    digest_hex(value, sizeof value, hex);
    if (!digest_equal(hex, chunks->expected, 64)) {
        return mismatch(error, what);
    }
    memcpy(chunks->before, hex, sizeof hex);
    return true;
}

static bool take_signature(struct sign_chunks *chunks, struct str text, struct error *error)
{
    uint8_t bytes[32];

    if (text.length != 64) {
        return malformed(error, "a signature must have 64 hexadecimal digits");
    }
    memcpy(chunks->expected, text.data, 64);
    chunks->expected[64] = '\0';
    if (!digest_from_hex(chunks->expected, bytes, sizeof bytes)) {
        return malformed(error, "a signature must have 64 hexadecimal digits");
    }
    return true;
}

static bool end_chunk(struct sign_chunks *chunks, struct error *error)
{
    uint8_t hash[DIGEST_MAX_BYTES];
    bool ended = true;

    if (chunks->has_signatures) {
        ended = digest_value(chunks->hash, DIGEST_SHA256, hash, error) &&
                check_signature(chunks, SIGN_ALGORITHM "-PAYLOAD", SIGN_EMPTY_HASH "\n", hash, "chunk", error);
        digest_free(chunks->hash);
        chunks->hash = NULL;
    }
    return ended;
}

static bool read_size(struct str text, uint64_t *size)
{
    uint64_t value = 0;

    if (text.length == 0 || text.length > 16) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        unsigned digit = 16;

        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        }
        if (digit == 16) {
            return false;
        }
        value = value << 4 | digit;
    }
    *size = value;
    return true;
}

/* "SIZE" or "SIZE;chunk-signature=HEX" */
static bool begin_chunk(struct sign_chunks *chunks, struct str line, struct error *error)
{
    static const char mark[] = "chunk-signature=";
    const char *semicolon = line.length == 0 ? NULL : memchr(line.data, ';', line.length);
    struct str size = str_slice(line.data, semicolon == NULL ? line.length : (size_t)(semicolon - line.data));
    struct str extension =
        semicolon == NULL ? str_slice(NULL, 0) : str_trim(str_slice(semicolon + 1, line.length - size.length - 1));

    if (!read_size(str_trim(size), &chunks->left) || chunks->left > LARGEST_CHUNK) {
        return malformed(error, "a chunk's size must be a hexadecimal number, at most 5 GiB");
    }
    if (chunks->left > chunks->options.decoded_bytes || chunks->total > chunks->options.decoded_bytes - chunks->left) {
        return error_set_named(error, ERROR_INVALID, "IncompleteBody",
                               "The request body has more bytes than x-amz-decoded-content-length says");
    }
    if (chunks->has_signatures) {
        if (!str_starts_with(extension, mark)) {
            return malformed(error, "a chunk has no chunk-signature");
        }
        extension = str_slice(extension.data + strlen(mark), extension.length - strlen(mark));
        chunks->hash = digest_new(1U << DIGEST_SHA256, error);
        if (chunks->hash == NULL || !take_signature(chunks, extension, error)) {
            return false;
        }
    }
    if (chunks->left > 0) {
        chunks->state = IN_DATA;
        return true;
    }
    chunks->state = IN_TRAILERS;
    return end_chunk(chunks, error);
}

static bool is_declared(const char *list, struct str name)
{
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ",");

        if (sign_same_name(str_trim(str_slice(list, length)), name)) {
            return true;
        }
        list += length + (list[length] == ',');
    }
    return false;
}

/* The trailers' hash is over "name:value\n" of each. */
static bool check_trailers(struct sign_chunks *chunks, struct str signature, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    uint8_t hash[DIGEST_MAX_BYTES];

    if (!chunks->has_signatures || chunks->trailers_checked) {
        return malformed(error, "a trailer's signature is not awaited here");
    }
    for (size_t i = 0; i < chunks->trailer_count; i++) {
        buffer_append_text(&text, chunks->trailers[i].name);
        buffer_append_char(&text, ':');
        buffer_append_text(&text, chunks->trailers[i].value);
        buffer_append_char(&text, '\n');
    }
    chunks->trailers_checked = buffer_check(&text, error) && take_signature(chunks, signature, error) &&
                               digest_once(DIGEST_SHA256, text.data, text.length, hash, error) &&
                               check_signature(chunks, SIGN_ALGORITHM "-TRAILER", "", hash, "trailer", error);
    return chunks->trailers_checked;
}

static bool add_trailer(struct sign_chunks *chunks, struct str line, struct error *error)
{
    const char *colon = memchr(line.data, ':', line.length);

    if (colon == NULL) {
        return malformed(error, "a trailer has no colon");
    }
    struct str name = str_trim(str_slice(line.data, (size_t)(colon - line.data)));
    struct str value = str_trim(str_slice(colon + 1, line.length - (size_t)(colon - line.data) - 1));

    if (sign_name_is(name, "x-amz-trailer-signature")) {
        return check_trailers(chunks, value, error);
    }
    if (chunks->trailers_checked || chunks->trailer_count == MOST_TRAILERS ||
        !is_declared(chunks->options.trailer_names, name)) {
        return error_set_named(error, ERROR_INVALID, "MalformedTrailerError",
                               "The request contained trailing data that was not well-formed or did not conform to our "
                               "published schema.");
    }
    struct trailer *trailer = &chunks->trailers[chunks->trailer_count++];

    trailer->name = memory_copy_text(name.data, name.length, error);
    trailer->value = trailer->name == NULL ? NULL : memory_copy_text(value.data, value.length, error);
    for (char *c = trailer->name; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    return trailer->value != NULL;
}

/* Whether nothing but the last line's end can still come. */
static bool is_complete(const struct sign_chunks *chunks)
{
    return chunks->state == ENDED || (chunks->state == IN_TRAILERS && chunks->line_length == 0 &&
                                      (!chunks->has_trailers || !chunks->has_signatures || chunks->trailers_checked));
}

static bool take_line(struct sign_chunks *chunks, struct error *error)
{
    struct str line = str_slice(chunks->line, chunks->line_length);

    if (line.length > 0 && line.data[line.length - 1] == '\r') {
        line.length--;
    } else if (chunks->state != IN_TRAILERS) { /* where some clients write a bare line feed */
        return malformed(error, "a line does not end in CR LF");
    }
    chunks->line_length = 0;
    switch (chunks->state) {
    case AT_SIZE:
        return begin_chunk(chunks, line, error);
    case AFTER_DATA:
        chunks->state = AT_SIZE;
        return line.length == 0 || malformed(error, "a chunk is longer than its size says");
    case IN_TRAILERS:
        if (line.length > 0) {
            return chunks->has_trailers ? add_trailer(chunks, line, error)
                                        : malformed(error, "trailers come that were not announced");
        }
        /* Some clients write an empty line between trailers and their signature. */
        chunks->state = is_complete(chunks) ? ENDED : IN_TRAILERS;
        return true;
    case IN_DATA:
    case ENDED:
        break;
    }
    return malformed(error, "bytes follow its end");
}

/* Passes on what of these bytes belongs to the chunk; gives how many. */
static bool take_data(struct sign_chunks *chunks, const char *data, size_t size, size_t *taken, struct error *error)
{
    size_t piece = size < chunks->left ? size : (size_t)chunks->left;

    *taken = piece;
    if ((chunks->hash != NULL && !digest_add(chunks->hash, data, piece, error)) ||
        !chunks->options.take(chunks->options.context, data, piece, error)) {
        return false;
    }
    chunks->left -= piece;
    chunks->total += piece;
    if (chunks->left > 0) {
        return true;
    }
    chunks->state = AFTER_DATA;
    return end_chunk(chunks, error);
}

bool sign_chunks_add(struct sign_chunks *chunks, const void *data, size_t size, struct error *error)
{
    const char *at = data;

    while (size > 0) {
        size_t taken = 0;

        if (chunks->state == ENDED) {
            return malformed(error, "bytes follow its end");
        }
        if (chunks->state == IN_DATA) {
            if (!take_data(chunks, at, size, &taken, error)) {
                return false;
            }
        } else {
            const char *newline = memchr(at, '\n', size);
            size_t length = newline == NULL ? size : (size_t)(newline - at);

            if (length > LONGEST_LINE - chunks->line_length) {
                return malformed(error, "a line of its framing is too long");
            }
            memcpy(chunks->line + chunks->line_length, at, length);
            chunks->line_length += length;
            if (newline != NULL && !take_line(chunks, error)) {
                return false;
            }
            taken = newline == NULL ? length : length + 1;
        }
        at += taken;
        size -= taken;
    }
    return true;
}

bool sign_chunks_end(struct sign_chunks *chunks, struct error *error)
{
    if (!is_complete(chunks)) {
        return error_set_named(error, ERROR_INVALID, "IncompleteBody",
                               "The request body terminated unexpectedly: the last chunk is missing or cut");
    }
    if (chunks->options.decoded_bytes != UINT64_MAX && chunks->total != chunks->options.decoded_bytes) {
        return error_set_named(error, ERROR_INVALID, "IncompleteBody",
                               "You did not provide the number of bytes specified by the x-amz-decoded-content-length "
                               "HTTP header: %" PRIu64 " of %" PRIu64 " bytes came",
                               chunks->total, chunks->options.decoded_bytes);
    }
    return true;
}

const char *sign_chunks_trailer(const struct sign_chunks *chunks, const char *name)
{
    for (size_t i = 0; i < chunks->trailer_count; i++) {
        if (sign_name_is(str_of(name), chunks->trailers[i].name)) {
            return chunks->trailers[i].value;
        }
    }
    return NULL;
}

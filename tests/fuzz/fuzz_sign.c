/* What signatures are read from. The first byte chooses: 'c', a request (a line with method, path and query, then a
 * header a line) whose claim is read and checked; any other, a body in chunks, which must come out the same whether it
 * comes whole or byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sign.h"
#include "base/buffer.h"

enum { MOST_HEADERS = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str cut(struct str *text, char mark)
{
    const char *end = text->length == 0 ? NULL : memchr(text->data, mark, text->length);
    size_t length = end == NULL ? text->length : (size_t)(end - text->data);
    struct str piece = str_slice(text->data, length);
    size_t taken = end == NULL ? length : length + 1;

    *text = str_slice(text->data + taken, text->length - taken);
    return piece;
}

static void read_request(struct str text)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct sign_field headers[MOST_HEADERS];
    struct sign_request request = {.headers = headers};
    struct sign_key key = {{1}};
    struct sign_claim claim;
    struct str line = cut(&text, '\n');

    request.method = cut(&line, ' ');
    request.path = cut(&line, ' ');
    request.query = line;
    while (text.length > 0 && request.header_count < MOST_HEADERS) {
        line = cut(&text, '\n');
        headers[request.header_count].name = cut(&line, ':');
        headers[request.header_count++].value = line;
    }
    if (sign_claim_read(&request, arena, &claim, &error)) {
        if (claim.form != SIGN_ANONYMOUS && claim.payload_hash != NULL &&
            sign_claim_check(&request, &claim, &key, claim.signed_us, arena, &error)) {
            abort(); /* nobody guesses a signature */
        }
    } else if (error.code != ERROR_MEMORY && error.name == NULL) {
        abort();
    }
    if (sign_url_2_read(&request, arena, &claim, &error) &&
        sign_url_2_check(&request, &claim, "secret", "bucket", claim.expires_seconds * 1000000, arena, &error)) {
        abort();
    }
    sign_form_read(headers, request.header_count, arena, &claim, &error);
    sign_decode(request.path, arena, &error);
    arena_free(arena);
}

static bool take(void *context, const void *data, size_t size, struct error *error)
{
    (void)error;
    buffer_append(context, data, size);
    return true;
}

static bool receive(struct str body, const char *form, size_t piece, struct buffer *taken)
{
    struct error error = {0};
    struct sign_claim claim = {.payload_hash = form, .scope = {"20130524", "us-east-1", "s3"}};
    struct sign_chunks_options options = {.claim = &claim,
                                          .trailer_names = "x-amz-checksum-crc32c,x-amz-checksum-sha1",
                                          .decoded_bytes = UINT64_MAX,
                                          .take = take,
                                          .context = taken};
    struct sign_chunks *chunks = sign_chunks_new(&options, &error);
    bool good = true;

    while (good && body.length > 0) {
        size_t some = body.length < piece ? body.length : piece;

        good = sign_chunks_add(chunks, body.data, some, &error);
        body = str_slice(body.data + some, body.length - some);
    }
    good = good && sign_chunks_end(chunks, &error);
    sign_chunks_trailer(chunks, "x-amz-checksum-crc32c");
    sign_chunks_free(chunks);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const forms[] = {SIGN_UNSIGNED_TRAILER, SIGN_STREAMING, SIGN_STREAMING_TRAILER};
    struct buffer whole __attribute__((cleanup(buffer_free))) = {0};
    struct buffer pieces __attribute__((cleanup(buffer_free))) = {0};

    if (size == 0) {
        return 0;
    }
    struct str rest = str_slice((const char *)data + 1, size - 1);

    if (data[0] == 'c') {
        read_request(rest);
        return 0;
    }
    const char *form = forms[data[0] % 3];
    bool good = receive(rest, form, SIZE_MAX, &whole);

    if (receive(rest, form, 1, &pieces) != good ||
        (good &&
         (whole.length != pieces.length || (whole.length > 0 && memcmp(whole.data, pieces.data, whole.length) != 0)))) {
        abort();
    }
    return 0;
}

/* Any bytes as a request's target: decoded as a plain decoder does it, or refused. */
#include <stdlib.h>
#include <string.h>

#include "http/exchange_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t decode_plainly(struct str text, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        char digits[3] = "";

        if (text.data[i] == '%') {
            memcpy(digits, text.data + i + 1, 2);
            out[length++] = (char)strtol(digits, NULL, 16);
            i += 2;
        } else {
            out[length++] = text.data[i];
        }
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer answer = {.fd = -1};
    struct exchange exchange = {.arena = arena_new(0, NULL), .answer = &answer};
    struct error error = {0};
    const char *text = (const char *)data;
    const char *mark = size == 0 ? NULL : memchr(text, '?', size);
    size_t path = mark == NULL ? size : (size_t)(mark - text);

    /* A target comes without NUL: libmicrohttpd gives it as a text. */
    if (exchange.arena == NULL || (size > 0 && memchr(data, '\0', size) != NULL)) {
        arena_free(exchange.arena);
        return 0;
    }
    exchange.request.path = str_slice(size == 0 ? "" : text, path);
    exchange.request.query = mark == NULL ? str_of("") : str_slice(mark + 1, size - path - 1);
    if (exchange_decode(&exchange, &error)) {
        char *plain = arena_take(exchange.arena, size + 1, NULL);
        size_t length = plain == NULL ? 0 : decode_plainly(exchange.request.path, plain);

        if (plain != NULL && (strlen(exchange.path) != length || memcmp(exchange.path, plain, length) != 0)) abort();
        for (size_t i = 0; i < exchange.query_count; i++)
            if (exchange_query(&exchange, exchange.query[i].name.data) == NULL) abort();
    } else if (error.code != ERROR_INVALID) {
        abort();
    }
    arena_free(exchange.arena);
    return 0;
}

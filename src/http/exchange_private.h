/* The answer under construction, and how it is looked at by who sends it. */
#ifndef AISLE_HTTP_EXCHANGE_PRIVATE_H
#define AISLE_HTTP_EXCHANGE_PRIVATE_H

#include "http/exchange.h"

enum answer_kind { ANSWER_GATHERED, ANSWER_BYTES, ANSWER_FILE, ANSWER_STREAM };

struct answer_field {
    struct answer_field *next;
    const char *name, *value;
};

struct answer {
    unsigned status; /* 0: nobody has said, 200 */
    enum answer_kind kind;
    struct answer_field *first, *last;
    struct buffer gathered;
    const void *bytes;
    int fd;
    uint64_t offset, size;
    bool size_given; /* of an answer without a body, by a Content-Length header */
    ssize_t (*read)(void *owner, uint64_t offset, void *data, size_t size);
    void (*release)(void *owner);
    void *owner;
};

/* Takes back all that was put in, and keeps the buffer's memory unless it is large. */
void answer_reset(struct answer *answer);

/* Decodes the query (application/x-www-form-urlencoded, without a limit on names) and the path of the request. On
 * false the path is left as it came. */
bool exchange_decode(struct exchange *exchange, struct error *error);

#endif

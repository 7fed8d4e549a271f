/* Text of a declared encoding in, UTF-8 out, piece by piece, without a byte order mark. A mark at the start decides
 * over what is declared, as in the WHATWG Encoding Standard. */
#ifndef AISLE_TABULAR_CSV_TRANSCODE_H
#define AISLE_TABULAR_CSV_TRANSCODE_H

#include <stddef.h>
#include <stdint.h>

#include "tabular/csv_source.h"
#include "tabular/csv_unpack.h"

#define CSV_MARK_SIZE 3 /* bytes of the longest byte order mark */

struct csv_mark {
    enum csv_encoding encoding;
    bool big_endian;
    size_t size; /* of the mark; 0: none */
};

/* What the first bytes of a text (CSV_MARK_SIZE, or all when it has fewer) and the declaration say together. */
struct csv_mark csv_mark_of(const unsigned char *head, size_t size, enum csv_encoding declared);

struct csv_transcoder {
    const char *path;
    struct csv_sink sink;
    enum csv_encoding declared;
    struct csv_mark mark;
    bool decided;          /* `mark` is known */
    uint64_t offset;       /* bytes of the text decoded so far */
    unsigned char held[4]; /* bytes that wait for more: the start of the text, or part of a UTF-16 character */
    size_t held_size;
    char output[24576];
    size_t output_size;
};

/* `path` is borrowed, for errors. There is nothing to free. */
void csv_transcoder_init(struct csv_transcoder *transcoder, enum csv_encoding declared, const char *path,
                         struct csv_sink sink);

/* Takes the next bytes. ERROR_INVALID with the offset in the text for a UTF-16 surrogate without its pair. UTF-8 is
 * handed on as it is, right or wrong. */
bool csv_transcoder_feed(struct csv_transcoder *transcoder, const char *data, size_t size, struct error *error);

/* There are no more: ERROR_INVALID when half a UTF-16 character is left. */
bool csv_transcoder_end(struct csv_transcoder *transcoder, struct error *error);

#endif

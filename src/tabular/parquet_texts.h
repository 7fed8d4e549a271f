/* Texts of a column on their way into DELTA_LENGTH_BYTE_ARRAY or DELTA_BYTE_ARRAY, and their smallest and largest.
 *
 * The texts are given as they are, or as the codes of terms, which are rendered one after the other: a code that
 * repeats the one before costs nothing, and whole numbers, most ids, are rendered here.
 */
#ifndef AISLE_TABULAR_PARQUET_TEXTS_H
#define AISLE_TABULAR_PARQUET_TEXTS_H

#include "base/buffer.h"
#include "base/error.h"
#include "tabular/parquet_meta.h"

/* Texts longer than this are not kept as statistics. */
enum { TEXT_BOUND_BYTES = 256 };

/* Smallest and largest text so far, ordered by unsigned bytes. */
struct text_bounds {
    bool any;
    bool over;           /* a text was too long to keep */
    uint64_t least_head; /* first eight bytes, for a quick no */
    uint64_t most_head;
    size_t least_length;
    size_t most_length;
    char least[TEXT_BOUND_BYTES];
    char most[TEXT_BOUND_BYTES];
};

void text_bounds_add(struct text_bounds *bounds, struct str text);

/* Zero it to begin (and set `terms`); reused for page after page. */
struct text_encoder {
    const struct terms *terms;
    struct buffer rendered[2]; /* the text at hand and the one before */
    struct buffer suffixes;
    int64_t *prefixes;
    int64_t *lengths;
    size_t room;
};

void text_encoder_free(struct text_encoder *encoder);

/* The text of a term, in `rendered[turn]` until it is rendered into again. No data on failure. */
struct str text_encoder_render(struct text_encoder *encoder, unsigned turn, int64_t code, struct error *error);

/* Bytes that two texts have in common at their beginning. */
size_t text_common_prefix(struct str a, struct str b);

/* Where texts come from: one of the two is set. No nulls. */
struct text_input {
    const int64_t *codes;
    const struct str *texts;
    size_t count;
};

/* Appends one page of values in `encoding` to `into` and their bounds to `bounds`. `*taken` may be
 * less than the count: a page ends when it is large. */
bool text_encoder_page(struct text_encoder *encoder, const struct text_input *input, int32_t encoding,
                       struct buffer *into, struct text_bounds *bounds, size_t *taken, struct error *error);

#endif

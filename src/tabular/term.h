/* Terms: ids and other short repeated texts as one 64-bit code, exact and comparable by code.
 *
 * Two texts have the same code if and only if they have the same bytes. Below the tag bits a code holds
 *   a whole number    canonical decimal digits (no sign, no leading zero, at most 18 digits): the number;
 *   a short text      up to 7 bytes, packed with their count;
 *   a prefixed number `P1001`, `ORD0000123`: the index of the prefix in the dictionary (below 65,536), the count
 *                     of digits (1 to 13, leading zeros kept), the number;
 *   a text            an index in the dictionary of the data folder.
 * The first that fits in this order is the only form a text takes, so equality needs no look at the text.
 * Codes of numbers order as numbers; other codes have no useful order: use terms_compare to show them.
 *
 * A dictionary only grows. Its texts are immutable, so readers need no lock; term_of may be called from many
 * threads at once.
 */
#ifndef AISLE_TABULAR_TERM_H
#define AISLE_TABULAR_TERM_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

/* A code. Never negative, but for TERM_NULL, which stands for no value at all. */
typedef int64_t term;
#define TERM_NULL INT64_MIN

#define TERM_TAG_SHIFT 61
#define TERM_TAG_NUMBER 0 /* so the code of a number is that number */
#define TERM_TAG_SHORT 1
#define TERM_TAG_PREFIXED 2
#define TERM_TAG_DICTIONARY 3

struct terms;

/* An empty dictionary. */
struct terms *terms_new(struct error *error);
void terms_free(struct terms *terms);

/* The code of a text, entered in the dictionary where its form needs that. The empty text is a text like
 * any other. TERM_NULL with `error` on failure (memory, or a text over 1 MiB). */
term term_of(struct terms *terms, struct str text, struct error *error);

/* The code of a text if it can already be told without a new entry; TERM_NULL when it cannot. */
term term_find(const struct terms *terms, struct str text);

/* Appends the text of a code. */
void term_append(const struct terms *terms, term code, struct buffer *buffer);

/* Writes the text of a code to `room` when it fits and returns its length in bytes; a longer text is not
 * written and its length returned. */
size_t term_text(const struct terms *terms, term code, char *room, size_t room_size);

/* Orders two codes as their texts order for a reader: natural order, bytes on ties, null first. */
int terms_compare(const struct terms *terms, term a, term b);

/* Dictionary texts so far, and the texts entered since `from` as bytes to append to a file: for each a
 * LEB128 length and the bytes. Order is entry order, so that loading gives the same codes again. */
uint64_t terms_count(const struct terms *terms);
bool terms_save_since(const struct terms *terms, uint64_t from, struct buffer *into, struct error *error);

/* Enters the texts of a file written by terms_save_since, which must continue where the dictionary stands. */
bool terms_load(struct terms *terms, const char *data, size_t size, struct error *error);

#endif

/* Texts and their numbers: an append-only dictionary that many threads read without a lock.
 *
 * A text gets the next number, 0 first, when it is entered; texts and numbers never change after that. Entering
 * takes a lock, finding and reading do not.
 */
#ifndef AISLE_TABULAR_DICTIONARY_H
#define AISLE_TABULAR_DICTIONARY_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define DICTIONARY_NONE UINT64_MAX
#define DICTIONARY_TEXT_CEILING ((size_t)1 << 20)

struct dictionary;

struct dictionary *dictionary_new(struct error *error);
void dictionary_free(struct dictionary *dictionary);

/* Texts entered so far. */
uint64_t dictionary_count(const struct dictionary *dictionary);

/* The number of a text, or DICTIONARY_NONE when it is not there (yet). */
uint64_t dictionary_find(const struct dictionary *dictionary, struct str text);

/* The number of a text, entered when it is new. DICTIONARY_NONE with `error`: ERROR_LIMIT for a text over
 * DICTIONARY_TEXT_CEILING or the 2^32-th text, ERROR_MEMORY. */
uint64_t dictionary_enter(struct dictionary *dictionary, struct str text, struct error *error);

/* The text of a number below dictionary_count; it lives as long as the dictionary. */
struct str dictionary_text(const struct dictionary *dictionary, uint64_t number);

#endif

/* The dictionary file: any bytes either load or are refused; what loaded is saved and loads again as the same texts.
 * Each text, taken alone, has one code that gives it back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tabular/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct terms *terms, struct str text)
{
    struct error error;
    struct buffer back;
    term code = term_of(terms, text, &error);
    buffer_init(&back, 0);
    if (code < 0 || term_find(terms, text) != code) abort();
    term_append(terms, code, &back);
    if (!str_equal(str_slice(back.data, back.length), text)) abort();
    buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    struct terms *terms = terms_new(&error);
    struct terms *again = terms_new(&error);
    struct buffer saved;
    buffer_init(&saved, 0);
    if (terms_load(terms, (const char *)data, size, &error)) {
        if (!terms_save_since(terms, 0, &saved, &error)) abort();
        if (!terms_load(again, saved.data, saved.length, &error)) abort();
        if (terms_count(again) != terms_count(terms)) abort();
    }
    for (size_t length = 0; length <= size && length < 60; length++)
        check_text(terms, str_slice((const char *)data, length));
    buffer_free(&saved);
    terms_free(terms);
    terms_free(again);
    return 0;
}

#include "tabular/csv_scan.h"

#include <stdlib.h>
#include <string.h>

#include "tabular/csv_scan_forms.h"

static bool always(void)
{
    return true;
}

const struct csv_form *csv_forms(size_t *count)
{
    static const struct csv_form forms[] = {
        {"scalar", always, csv_scan_scalar, csv_block_facts_scalar},
        {"portable", always, csv_scan_portable, csv_block_facts_portable},
        {"avx2", csv_scan_has_avx2, csv_scan_avx2, csv_block_facts_avx2},
        {"avx512", csv_scan_has_avx512, csv_scan_avx512, csv_block_facts_avx512},
    };

    *count = sizeof forms / sizeof forms[0];
    return forms;
}

/* Asked once for each block of a file, so that looking at the environment again costs nothing that shows. */
static const struct csv_form *choose(void)
{
    size_t count;
    const struct csv_form *forms = csv_forms(&count);
    const struct csv_form *best = forms;
    const char *wanted = getenv("AISLE_SIMD");

    for (size_t i = 0; i < count; i++) {
        if (!forms[i].available()) {
            continue;
        }
        if (wanted != NULL && strcmp(wanted, forms[i].name) == 0) {
            return &forms[i];
        }
        best = &forms[i];
    }
    return best;
}

bool csv_scan(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
              size_t *consumed)
{
    return choose()->scan(data, size, dialect, index, consumed);
}

void csv_block_facts(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_block_facts *facts)
{
    choose()->facts(data, size, dialect, facts);
}

/* Writes what stands between the quotes to `room`, each doubled quote once. `pair` is the first of the first
 * doubled quote. False when the closing quote is missing or not the last byte. */
static bool unescape(const char *data, size_t size, const char *pair, char *room, size_t *value_size)
{
    const char quote = data[0];
    const char *from = data + 1;
    const char *end = data + size;
    size_t length = 0;

    while (pair != NULL && pair + 1 < end) {
        if (pair[1] != quote) {
            return false;
        }
        size_t part = (size_t)(pair + 1 - from);

        memcpy(room + length, from, part);
        length += part;
        from = pair + 2;
        pair = memchr(from, quote, (size_t)(end - from));
    }
    if (pair == NULL) {
        return false;
    }
    memcpy(room + length, from, (size_t)(pair - from));
    *value_size = length + (size_t)(pair - from);
    return true;
}

bool csv_field_value(const char *data, size_t size, char quote, char *room, const char **value, size_t *value_size)
{
    *value = data;
    *value_size = size;
    if (quote == '\0' || size == 0) {
        return true;
    }
    if (data[0] != quote) {
        return memchr(data, quote, size) == NULL;
    }
    const char *next = memchr(data + 1, quote, size - 1);

    if (next == NULL) {
        return false;
    }
    if (next + 1 == data + size) {
        *value = data + 1;
        *value_size = size - 2;
        return true;
    }
    if (!unescape(data, size, next, room, value_size)) {
        *value_size = size;
        return false;
    }
    *value = room;
    return true;
}

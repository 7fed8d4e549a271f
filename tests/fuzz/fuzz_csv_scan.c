/* The forms of the CSV scan, which must say the same of any bytes in any dialect. The first two bytes are the
 * delimiter and the quote. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tabular/csv_scan_forms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
    struct csv_index index;
    size_t consumed;
    bool inside;
    struct csv_block_facts facts;
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void find(const struct csv_form *form, const char *data, size_t size, const struct csv_dialect *dialect,
                 struct found *found)
{
    found->index.ends = memory_array(size + 64, sizeof *found->index.ends, NULL);
    found->index.record_ends = memory_array(size + 64, sizeof *found->index.record_ends, NULL);
    require(found->index.ends != NULL && found->index.record_ends != NULL);
    found->inside = form->scan(data, size, dialect, &found->index, &found->consumed);
    form->facts(data, size, dialect, &found->facts);
}

static void found_free(struct found *found)
{
    memory_free(found->index.ends);
    memory_free(found->index.record_ends);
}

static void require_same(const struct found *a, const struct found *b)
{
    require(a->inside == b->inside && a->consumed == b->consumed);
    require(a->index.field_count == b->index.field_count && a->index.record_count == b->index.record_count);
    require(memcmp(a->index.ends, b->index.ends, a->index.field_count * sizeof *a->index.ends) == 0);
    require(memcmp(a->index.record_ends, b->index.record_ends, a->index.record_count * sizeof *a->index.ends) == 0);
    require(a->index.traits.has_quote == b->index.traits.has_quote);
    require(a->index.traits.has_cr == b->index.traits.has_cr);
    require(a->index.traits.has_nul == b->index.traits.has_nul);
    require(a->index.traits.has_non_ascii == b->index.traits.has_non_ascii);
    require(a->facts.odd_quotes == b->facts.odd_quotes && a->facts.newlines == b->facts.newlines);
    require(a->facts.first_newline_outside == b->facts.first_newline_outside);
    require(a->facts.first_newline_inside == b->facts.first_newline_inside);
}

/* What holds of any scan: the facts say what it says, and every field can be read. */
static void require_sound(const struct found *found, const char *data, size_t size, const struct csv_dialect *dialect)
{
    char *room = memory_array(size + 1, 1, NULL);
    size_t at = 0;

    require(room != NULL && found->inside == found->facts.odd_quotes);
    require((found->index.record_count == 0) == (found->facts.first_newline_outside == size));
    for (size_t i = 0; i < found->index.field_count; i++) {
        const char *value = NULL;
        size_t value_size = 0;
        size_t end = found->index.ends[i];

        require(end >= at && end < size);
        csv_field_value(data + at, end - at, dialect->quote, room, &value, &value_size);
        require(value_size <= end - at);
        at = end + 1;
    }
    require(at == found->consumed);
    memory_free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    size_t count;
    const struct csv_form *forms = csv_forms(&count);
    struct found expected = {0};

    if (size < 2) {
        return 0;
    }
    struct csv_dialect dialect = {(char)input[0], (char)input[1]};

    if (dialect.delimiter == '\n' || dialect.quote == '\n' || dialect.delimiter == dialect.quote) {
        return 0;
    }
    size -= 2;
    /* Of exactly the promised size, for the sanitizer. */
    char *bytes = memory_array(size + (size_t)2 * CSV_PADDING, 1, NULL);

    require(bytes != NULL);
    memset(bytes, dialect.quote, size + (size_t)2 * CSV_PADDING);
    memcpy(bytes + CSV_PADDING, input + 2, size);
    find(&forms[0], bytes + CSV_PADDING, size, &dialect, &expected);
    require_sound(&expected, bytes + CSV_PADDING, size, &dialect);
    for (size_t i = 1; i < count; i++) {
        struct found found = {0};

        if (forms[i].available()) {
            find(&forms[i], bytes + CSV_PADDING, size, &dialect, &found);
            require_same(&found, &expected);
            found_free(&found);
        }
    }
    found_free(&expected);
    memory_free(bytes);
    return 0;
}

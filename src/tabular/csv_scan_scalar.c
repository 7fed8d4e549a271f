/* The specification of the scan: one byte after the other. */
#include "tabular/csv_scan_forms.h"

static void note_traits(char byte, bool is_quote, struct csv_traits *traits)
{
    traits->has_quote |= is_quote;
    traits->has_cr |= byte == '\r';
    traits->has_nul |= byte == '\0';
    traits->has_non_ascii |= (unsigned char)byte >= 0x80;
}

bool csv_scan_scalar(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                     size_t *consumed)
{
    bool inside = false;
    size_t fields = 0;

    index->field_count = 0;
    index->record_count = 0;
    index->traits = (struct csv_traits){0};
    *consumed = 0;
    for (size_t i = 0; i < size; i++) {
        bool is_quote = dialect->quote != '\0' && data[i] == dialect->quote;

        note_traits(data[i], is_quote, &index->traits);
        inside ^= is_quote;
        if (inside || (data[i] != dialect->delimiter && data[i] != '\n')) {
            continue;
        }
        index->ends[fields++] = (uint32_t)i;
        if (data[i] == '\n') {
            index->record_ends[index->record_count++] = (uint32_t)fields;
            index->field_count = fields;
            *consumed = i + 1;
        }
    }
    return inside;
}

void csv_block_facts_scalar(const char *data, size_t size, const struct csv_dialect *dialect,
                            struct csv_block_facts *facts)
{
    *facts = (struct csv_block_facts){.first_newline_outside = size, .first_newline_inside = size};
    for (size_t i = 0; i < size; i++) {
        facts->odd_quotes ^= dialect->quote != '\0' && data[i] == dialect->quote;
        if (data[i] != '\n') {
            continue;
        }
        size_t *first = facts->odd_quotes ? &facts->first_newline_inside : &facts->first_newline_outside;

        facts->newlines++;
        if (*first == size) {
            *first = i;
        }
    }
}

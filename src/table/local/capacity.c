/* What an operation counts for. Source: Amazon DynamoDB Developer Guide, "Read and write capacity units": 4 KB a
 * consistent read, half of it otherwise; 1 KB a write. */
#include "table/local/local_private.h"

enum { CAPACITY_NONE, CAPACITY_TOTAL, CAPACITY_INDEXES };

bool capacity_asked(const json_t *request, int *how, struct error *error)
{
    static const char *const choices[] = {"NONE", "TOTAL", "INDEXES", NULL};

    return request_choice(request, "ReturnConsumedCapacity", choices, how, error);
}

double capacity_read_units(uint64_t bytes, bool consistent)
{
    uint64_t units = bytes == 0 ? 1 : (bytes + 4095) / 4096;

    return consistent ? (double)units : (double)units / 2;
}

double capacity_write_units(uint64_t bytes)
{
    uint64_t units = bytes == 0 ? 1 : (bytes + 1023) / 1024;

    return (double)units;
}

void capacity_append(struct buffer *out, const struct table_definition *definition, const struct table_index *index,
                     int how, double units, double fetched)
{
    if (how == CAPACITY_NONE) {
        return;
    }
    buffer_append_format(out, "{\"TableName\":\"%s\",\"CapacityUnits\":%.1f", definition->name, units + fetched);
    if (how == CAPACITY_INDEXES) {
        buffer_append_format(out, ",\"Table\":{\"CapacityUnits\":%.1f}", index == NULL ? units : fetched);
        if (index != NULL) {
            buffer_append_format(out, ",\"%sSecondaryIndexes\":{\"%s\":{\"CapacityUnits\":%.1f}}",
                                 index->global ? "Global" : "Local", index->name, units);
        }
    }
    buffer_append_char(out, '}');
}

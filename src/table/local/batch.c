#include "table/local/batch.h"

#define VALIDATION "ValidationException"

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        definition_release(batch->call->tables, batch->writes[i].definition);
    }
}

bool batch_check_distinct(const struct batch *batch, const char *words, struct error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (batch->writes[i].definition->space == batch->writes[j].definition->space &&
                str_equal(batch->writes[i].key, batch->writes[j].key)) {
                return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
            }
        }
    }
    return true;
}

static double units_of(const struct write *write, const struct batch_cost *cost)
{
    uint64_t before = write->had ? attribute_item_bytes(&write->before) : 0;
    uint64_t after = write->has ? attribute_item_bytes(&write->after) : 0;
    bool consistent = write->consistent || cost->factor > 1;

    return cost->factor * (cost->reads ? capacity_read_units(before, consistent)
                                       : capacity_write_units(before > after ? before : after));
}

void batch_append_costs(const struct batch *batch, const struct batch_cost *cost)
{
    struct buffer *out = batch->call->response;
    const char *between = out->length > 1 ? ",\"ConsumedCapacity\":[" : "\"ConsumedCapacity\":[";

    if (cost->how == 0) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        double units = 0;
        bool told = false;

        for (size_t j = 0; j < batch->count; j++) {
            const struct write *write = &batch->writes[j];

            if (write->definition == batch->writes[i].definition) {
                told = told || j < i;
                units += units_of(write, cost);
            }
        }
        if (!told) {
            buffer_append_text(out, between);
            capacity_append(out, batch->writes[i].definition, NULL, cost->how, units, 0);
            if (cost->kind != NULL) {
                out->length--; /* the closing brace */
                buffer_append_format(out, ",\"%sCapacityUnits\":%.1f}", cost->kind, units);
            }
            between = ",";
        }
    }
    buffer_append_char(out, ']');
}

bool batch_get_one(struct batch *batch, struct statement_cache *db, const json_t *request, const char *duplicate,
                   struct error *error)
{
    struct write *write = &batch->writes[batch->count];

    if (!write_read_key(batch->call, request, write, error)) {
        return false;
    }
    batch->count++;
    int found = item_load(db, write->definition->space, write->key, batch->call->arena, &write->before, error);

    write->had = found == 1;
    return found >= 0 && batch_check_distinct(batch, duplicate, error);
}

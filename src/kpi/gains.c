#include "kpi/gains.h"

#include "base/memory.h"

struct trace_shape table_shape(const struct kpi_table *table)
{
    return (struct trace_shape){.keys = table->key_count,
                                .values = table->accumulator_count,
                                .merge = kpi_table_by_day(table) ? TRACE_REPLACE : TRACE_ADD};
}

struct trace_shape multiset_shape(const struct kpi_spec *spec, int multiset)
{
    return (struct trace_shape){
        .keys = spec->tables[spec->multisets[multiset].table].key_count + 1, .values = 1, .merge = TRACE_ADD};
}

bool entry_list_reserve(struct entry_list *list, const struct trace_shape *shape, size_t more, struct error *error)
{
    if (list->entries.count + more <= list->capacity) return true;
    size_t capacity = list->capacity * 2 > list->entries.count + more ? list->capacity * 2 : list->entries.count + more;
    for (int k = 0; k < shape->keys; k++) {
        int64_t *grown = memory_resize(list->entries.key[k], capacity, sizeof *grown, error);
        if (!grown) return false;
        list->entries.key[k] = grown;
    }
    for (int v = 0; v < shape->values; v++) {
        int64_t *grown = memory_resize(list->entries.value[v], capacity, sizeof *grown, error);
        if (!grown) return false;
        list->entries.value[v] = grown;
    }
    list->capacity = capacity;
    return true;
}

bool gains_new(struct gains *gains, const struct kpi_spec *spec, struct error *error)
{
    gains->tables = memory_zeroed(((size_t)spec->table_count + 1) * sizeof *gains->tables, error);
    gains->erased = memory_zeroed(((size_t)spec->table_count + 1) * sizeof *gains->erased, error);
    gains->multisets = memory_zeroed(((size_t)spec->multiset_count + 1) * sizeof *gains->multisets, error);
    return gains->tables && gains->erased && gains->multisets;
}

void gains_free(struct gains *gains, const struct kpi_spec *spec)
{
    for (int t = 0; gains->tables && t < spec->table_count; t++) entries_free(&gains->tables[t].entries);
    for (int t = 0; gains->erased && t < spec->table_count; t++) entries_free(&gains->erased[t].entries);
    for (int m = 0; gains->multisets && m < spec->multiset_count; m++) entries_free(&gains->multisets[m].entries);
    memory_free(gains->tables);
    memory_free(gains->erased);
    memory_free(gains->multisets);
    *gains = (struct gains){0};
}

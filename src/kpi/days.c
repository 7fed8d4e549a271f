/* Days touched by a run: which of them a step has whole, and working the others out anew from their cleaned rows. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/step.h"

static int compare_days(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool day_list_reserve(struct day_list *list, size_t more, struct error *error)
{
    if (list->count + more <= list->capacity) return true;
    size_t capacity = (list->count + more) * 2;
    int64_t *items = memory_resize(list->items, capacity, sizeof *items, error);
    if (!items) return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* Each day once, ascending. */
static void day_list_order(struct day_list *list)
{
    size_t kept = 0;
    if (list->count) qsort(list->items, list->count, sizeof *list->items, compare_days);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->items[kept - 1] != list->items[i]) list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* ---- the days of a step ---- */

static bool is_touched(const struct step *step, uint32_t partition)
{
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (joined_has(&step->new_rows[d], partition) || joined_has(&step->come[d], partition) ||
            joined_has(&step->gone[d], partition)) {
            return true;
        }
    }
    return false;
}

/* Whether the step has all rows of a partition: then there are none of earlier steps, and none that waited. */
static bool is_whole(const struct step *step, uint32_t partition)
{
    if (!step->engine->cleaned || step->days_only) return true;
    int64_t day = coding_value(&step->partition, partition);
    for (int d = 0; d < step->spec->dataset_count; d++) {
        if (step->spec->datasets[d].partition_column < 0) continue;
        if (joined_has(&step->come[d], partition) || joined_has(&step->gone[d], partition) ||
            cleaned_files(step->engine->cleaned, d, day) > 0) {
            return false;
        }
    }
    return true;
}

bool step_note_days(struct step *step, struct error *error)
{
    struct engine *engine = step->engine;
    uint32_t partitions = coding_count(&step->partition);
    memory_free(step->whole);
    step->whole = memory_zeroed(partitions + 1u, error);
    if (!step->whole || !day_list_reserve(&engine->days, partitions, error) ||
        !day_list_reserve(&engine->open_days, partitions, error)) {
        return false;
    }
    for (uint32_t p = 0; p < partitions; p++) {
        if (!is_touched(step, p)) continue;
        int64_t day = coding_value(&step->partition, p);
        step->whole[p] = is_whole(step, p);
        if (!step->whole[p]) engine->open_days.items[engine->open_days.count++] = day;
        if (!step->days_only) engine->days.items[engine->days.count++] = day;
    }
    day_list_order(&engine->days);
    return true;
}

/* ---- days that are worked out anew ---- */

/* The cleaned rows of some days, by day and dataset. */
struct reading_days {
    struct engine *engine;
    const int64_t *days;
    const bool *fields[KPI_MAX_DATASETS];
    struct rows *rows; /* days * datasets */
};

static bool read_day(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct reading_days *reading = context;
    size_t datasets = (size_t)reading->engine->options.spec->dataset_count, dataset = index % datasets;
    if (reading->engine->options.spec->datasets[dataset].partition_column < 0) return true;
    return cleaned_read_fields(reading->engine->cleaned, (int)dataset, reading->days[index / datasets],
                               reading->fields[dataset], &reading->rows[index], error);
}

/* Reads `count` days into the lists of a step. */
static bool read_days(struct engine *engine, const int64_t *days, size_t count, struct row_list *lists,
                      struct error *error)
{
    const struct kpi_spec *spec = engine->options.spec;
    struct reading_days reading = {.engine = engine, .days = days};
    bool fields[KPI_MAX_DATASETS][KPI_MAX_COLUMNS] = {{false}};
    size_t jobs = count * (size_t)spec->dataset_count;
    for (int d = 0; d < spec->dataset_count; d++) {
        kpi_fields_used(&spec->datasets[d], fields[d]);
        reading.fields[d] = fields[d];
    }
    reading.rows = memory_zeroed(jobs * sizeof *reading.rows, error);
    if (!reading.rows) return false;
    bool good = team_run(engine->options.team, jobs, read_day, &reading, error);
    for (size_t i = 0; i < jobs; i++) {
        if (!reading.rows[i].batch) continue;
        good = good && row_list_add(&lists[i % (size_t)spec->dataset_count], reading.rows[i], error);
        if (!good) batch_free(reading.rows[i].batch);
    }
    memory_free(reading.rows);
    return good;
}

static bool work_out(struct engine *engine, const int64_t *days, size_t count, struct error *error)
{
    struct step *step = memory_zeroed(sizeof *step, error);
    if (!step) return false;
    step->engine = engine;
    step->spec = engine->options.spec;
    step->days_only = true;
    bool good =
        read_days(engine, days, count, step->slice, error) && step_join(step, error) && step_settle(step, error);
    step_free(step);
    return good;
}

static bool has_tables_by_day(const struct kpi_spec *spec)
{
    for (int t = 0; t < spec->table_count; t++) {
        if (kpi_table_by_day(&spec->tables[t])) return true;
    }
    return false;
}

bool engine_close_days(struct engine *engine, struct error *error)
{
    struct day_list *open = &engine->open_days;
    day_list_order(open);
    bool good = true;
    size_t begin = 0;
    uint64_t rows = 0;
    for (size_t i = 0; good && i < open->count && has_tables_by_day(engine->options.spec); i++) {
        for (int d = 0; d < engine->options.spec->dataset_count; d++) {
            rows += cleaned_rows(engine->cleaned, d, open->items[i]);
        }
        if (rows < engine->options.step_rows && i + 1 < open->count) continue;
        good = work_out(engine, open->items + begin, i + 1 - begin, error);
        begin = i + 1;
        rows = 0;
    }
    if (good) open->count = 0;
    return good;
}

#include "kpi/cleaned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/cleaned_private.h"
#include "tabular/datetime.h"

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->dataset != y->dataset) return x->dataset - y->dataset;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->staged != y->staged) return x->staged - y->staged;
    return strcmp(x->path, y->path);
}

bool cleaned_add_part(struct cleaned *cleaned, struct part part, struct error *error)
{
    if (cleaned->count == cleaned->capacity) {
        size_t capacity = cleaned->capacity ? cleaned->capacity * 2 : 256;
        struct part *parts = memory_resize(cleaned->parts, capacity, sizeof *parts, error);
        if (!parts) return false;
        cleaned->parts = parts;
        cleaned->capacity = capacity;
    }
    cleaned->parts[cleaned->count++] = part;
    return true;
}

/* The place that a partition's text stands for. */
static bool place_of(const char *role, const char *partition, int64_t *place, struct error *error)
{
    if (strcmp(role, "pending") == 0) {
        *place = PLACE_PENDING + strtoll(partition, NULL, 10);
        return true;
    }
    if (*partition == '\0') {
        *place = PLACE_WHOLE;
        return true;
    }
    if (date_parse(str_of(partition), place)) return true;
    return error_set(error, ERROR_CORRUPT, "the partition \"%s\" is not a date", partition);
}

static bool load_parts(struct cleaned *cleaned, const char *role, struct error *error)
{
    struct folder_file *files;
    size_t count;
    if (!folder_files(cleaned->folder, cleaned->arena, role, NULL, NULL, &files, &count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        struct part part = {.dataset = kpi_dataset_find(cleaned->spec, files[i].dataset),
                            .path = files[i].path,
                            .rows = files[i].rows,
                            .size_bytes = files[i].size_bytes};
        if (part.dataset < 0) continue; /* of another pipeline in the same folder */
        if (!place_of(role, files[i].partition, &part.place, error) || !cleaned_add_part(cleaned, part, error))
            return false;
    }
    return true;
}

/* Rows are named by their dataset alone, so they belong to one pipeline: the one that has a state here. */
static bool check_owner(struct cleaned *cleaned, struct error *error)
{
    if (cleaned->count == 0) return true;
    const char *key = arena_format(cleaned->arena, error, "kpi/%s", cleaned->spec->pipeline);
    if (!key) return false;
    error->code = ERROR_NONE;
    if (folder_document(cleaned->folder, cleaned->arena, key, error)) return true;
    if (error->code != ERROR_NONE) return false;
    return error_set(error, ERROR_CONFLICT,
                     "%s holds rows of a dataset \"%s\" of another pipeline than \"%s\"; give each pipeline a data "
                     "folder of its own",
                     folder_path(cleaned->folder), cleaned->spec->datasets[cleaned->parts[0].dataset].name,
                     cleaned->spec->pipeline);
}

struct cleaned *cleaned_open(const struct kpi_spec *spec, struct folder *folder, struct change *change, const char *run,
                             struct terms *terms, unsigned workers, struct error *error)
{
    struct cleaned *cleaned = memory_zeroed(sizeof *cleaned, error);
    if (!cleaned) return NULL;
    *cleaned = (struct cleaned){.spec = spec, .folder = folder, .change = change, .run = run, .terms = terms};
    pthread_mutex_init(&cleaned->lock, NULL);
    cleaned->workers = workers;
    cleaned->desks = memory_zeroed(workers * sizeof *cleaned->desks, error);
    cleaned->arena = arena_new(0, error);
    if (cleaned->desks && cleaned->arena && load_parts(cleaned, "cleaned", error) &&
        load_parts(cleaned, "pending", error) && check_owner(cleaned, error)) {
        if (cleaned->count) qsort(cleaned->parts, cleaned->count, sizeof *cleaned->parts, compare_parts);
        cleaned->sorted = cleaned->count;
        return cleaned;
    }
    cleaned_close(cleaned);
    return NULL;
}

void cleaned_close(struct cleaned *cleaned)
{
    if (!cleaned) return;
    for (unsigned w = 0; cleaned->desks && w < cleaned->workers; w++) {
        struct desk *desk = &cleaned->desks[w];
        for (int d = 0; d < KPI_MAX_DATASETS; d++) {
            if (desk->writers[d]) parquet_writer_free(desk->writers[d]);
        }
        for (int c = 0; c < KPI_MAX_COLUMNS * 2; c++) memory_free(desk->columns[c]);
    }
    memory_free(cleaned->desks);
    pthread_mutex_destroy(&cleaned->lock);
    memory_free(cleaned->parts);
    if (cleaned->arena) arena_free(cleaned->arena);
    memory_free(cleaned);
}

/* Puts the parts that were added since in order, so that a place's parts are neighbours. */
static void order_parts(struct cleaned *cleaned)
{
    if (cleaned->sorted == cleaned->count) return;
    qsort(cleaned->parts, cleaned->count, sizeof *cleaned->parts, compare_parts);
    cleaned->sorted = cleaned->count;
}

size_t cleaned_find_parts(struct cleaned *cleaned, int dataset, int64_t place, size_t *count)
{
    order_parts(cleaned);
    size_t low = 0, high = cleaned->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct part *part = &cleaned->parts[middle];
        bool before = part->dataset != dataset ? part->dataset < dataset : part->place < place;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    size_t end = low;
    while (end < cleaned->count && cleaned->parts[end].dataset == dataset && cleaned->parts[end].place == place) end++;
    *count = end - low;
    return low;
}

size_t cleaned_files(struct cleaned *cleaned, int dataset, int64_t place)
{
    size_t count, live = 0;
    size_t first = cleaned_find_parts(cleaned, dataset, place, &count);
    for (size_t i = first; i < first + count; i++) live += !cleaned->parts[i].dropped;
    return live;
}

uint64_t cleaned_rows(struct cleaned *cleaned, int dataset, int64_t place)
{
    size_t count;
    uint64_t rows = 0;
    size_t first = cleaned_find_parts(cleaned, dataset, place, &count);
    for (size_t i = first; i < first + count; i++) rows += cleaned->parts[i].dropped ? 0 : cleaned->parts[i].rows;
    return rows;
}

bool cleaned_places(struct cleaned *cleaned, int dataset, int64_t **places, size_t *count, struct error *error)
{
    order_parts(cleaned);
    *count = 0;
    *places = memory_array(cleaned->count + 1, sizeof **places, error);
    if (!*places) return false;
    for (size_t i = 0; i < cleaned->count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (part->dataset != dataset || part->dropped) continue;
        if (*count == 0 || (*places)[*count - 1] != part->place) (*places)[(*count)++] = part->place;
    }
    return true;
}

bool cleaned_drop_part(struct cleaned *cleaned, struct part *part, struct error *error)
{
    if (part->dropped) return true;
    part->dropped = true;
    return change_forget(cleaned->change, part->path, error);
}

bool cleaned_drop(struct cleaned *cleaned, int dataset, int64_t place, struct error *error)
{
    size_t count;
    size_t first = cleaned_find_parts(cleaned, dataset, place, &count);
    for (size_t i = first; i < first + count; i++) {
        if (!cleaned_drop_part(cleaned, &cleaned->parts[i], error)) return false;
    }
    return true;
}

bool cleaned_finish(struct cleaned *cleaned, struct error *error)
{
    for (size_t i = 0; i < cleaned->count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->staged || part->dropped) continue;
        const struct kpi_dataset *dataset = &cleaned->spec->datasets[part->dataset];
        bool pending = part->place >= PLACE_PENDING;
        char partition[32] = "";
        if (pending) {
            snprintf(partition, sizeof partition, "%lld", (long long)(part->place - PLACE_PENDING));
        } else if (dataset->partition_column >= 0) {
            date_text(part->place, partition);
        }
        struct folder_file file = {.role = pending ? "pending" : "cleaned",
                                   .dataset = dataset->name,
                                   .partition = partition,
                                   .path = part->path,
                                   .rows = part->rows,
                                   .size_bytes = part->size_bytes,
                                   .run = cleaned->run};
        if (!change_name(cleaned->change, &file, error)) return false;
    }
    return true;
}

#include "task/sample.h"

#include "base/file.h"
#include "base/memory.h"
#include "task/sample_dirt.h"

#define ROWS_A_FILE 500000

/* What each kind consists of; the number of parts and of rows follow from the options. */
struct plan {
    const char *datasets[SAMPLE_MAX_DATASETS];
    size_t dataset_count;
    bool (*part)(struct sample_part *part, struct error *error);
    bool folders;       /* a folder for each dataset */
    uint64_t row_bytes; /* about, with what belongs to the row */
};

static const struct plan plans[] = {
    [SAMPLE_ORDERS] = {{"orders", "order_items", "products"}, 3, sample_orders_part, true, 360},
    [SAMPLE_SALES] = {{"sales"}, 1, sample_sales_part, false, 120},
    [SAMPLE_CATALOG] = {{"catalog"}, 1, sample_catalog_part, false, 400},
};

uint64_t sample_share(double share)
{
    return (uint64_t)(share * 9007199254740992.0);
}

static bool refuse_entry(void *context, const char *name, struct error *error)
{
    return error_set(error, ERROR_CONFLICT, "%s holds %s already: choose another --out or remove it",
                     (const char *)context, name);
}

static bool folders_make(const struct plan *plan, const struct sample_options *options, struct error *error)
{
    if (!plan->folders) return file_make_folders(options->folder, error);
    struct buffer path;
    buffer_init(&path, 0);
    bool made = true;
    for (size_t i = 0; made && i < plan->dataset_count; i++) {
        buffer_clear(&path);
        buffer_append_format(&path, "%s/%s", options->folder, plan->datasets[i]);
        const char *text = buffer_text(&path);
        made = buffer_check(&path, error) && file_make_folders(text, error) &&
               file_list(text, refuse_entry, path.data, error);
    }
    buffer_free(&path);
    return made;
}

static bool part_run(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct sample_part *part = &((struct sample_part *)context)[index];
    if (index == part->options->files) return sample_products_part(part, error);
    return plans[part->options->kind].part(part, error);
}

static const struct dirt_rules *rules_of(const struct sample_options *options, size_t dataset)
{
    if (options->kind == SAMPLE_SALES) return &dirt_sales;
    if (options->kind == SAMPLE_CATALOG) return &dirt_catalog;
    const struct dirt_rules *const all[] = {dirt_orders, dirt_items, dirt_products};
    return &all[dataset][options->family];
}

static void report_fill(struct sample_report *report, const struct plan *plan, const struct sample_part *parts,
                        size_t part_count)
{
    *report = (struct sample_report){.dataset_count = plan->dataset_count};
    for (size_t i = 0; i < plan->dataset_count; i++) {
        struct sample_dataset *sum = &report->datasets[i];
        const struct dirt_rules *rules = rules_of(parts[0].options, i);
        sum->name = plan->datasets[i];
        sum->defect_count = rules->count;
        for (size_t defect = 0; defect < rules->count; defect++) sum->defect[defect] = rules->rules[defect].name;
        for (size_t p = 0; p < part_count; p++) {
            const struct sample_dataset *counts = &parts[p].counts[i];
            sum->files += counts->bytes > 0;
            sum->bytes += counts->bytes;
            sum->rows += counts->rows;
            sum->dirty += counts->dirty;
            for (size_t defect = 0; defect < rules->count; defect++) sum->count[defect] += counts->count[defect];
        }
    }
}

static bool parts_run(struct team *team, const struct sample_options *options, const struct sample_world *world,
                      struct sample_report *report, struct error *error)
{
    const struct plan *plan = &plans[options->kind];
    size_t count = options->files + (options->kind == SAMPLE_ORDERS);
    struct sample_progress progress = {.options = options, .total_bytes = options->rows * plan->row_bytes};
    atomic_flag_clear(&progress.showing);
    struct sample_part *parts = memory_array(count, sizeof *parts, error);
    if (parts == NULL) return false;
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct sample_part){
            .options = options,
            .world = world,
            .index = i,
            .first = options->first_order + options->rows * i / options->files,
            .last = options->first_order + options->rows * (i + 1) / options->files - 1,
            .progress = &progress,
        };
    bool done = team_run(team, count, part_run, parts, error);
    if (done) report_fill(report, plan, parts, count);
    memory_free(parts);
    return done;
}

bool sample_write(struct team *team, const struct sample_options *options, struct sample_report *report,
                  struct error *error)
{
    struct sample_options settled = *options;
    if (settled.files == 0) settled.files = (uint32_t)((settled.rows + ROWS_A_FILE - 1) / ROWS_A_FILE);
    if (settled.files > settled.rows) settled.files = (uint32_t)settled.rows;
    struct sample_world world;
    if (!folders_make(&plans[settled.kind], &settled, error) || !sample_world_new(&world, &settled, error))
        return false;
    bool done = parts_run(team, &settled, &world, report, error);
    sample_world_free(&world);
    return done;
}

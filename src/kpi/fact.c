#include "kpi/fact.h"

#include <string.h>

#include "base/memory.h"

#define PILE_FIRST_ROWS 64
#define PILE_MOST_ROWS 4096

const struct fact_column *fact_column_find(const struct fact *fact, int column)
{
    for (int i = 0; i < fact->column_count; i++) {
        if (fact->columns[i].column == column) return &fact->columns[i];
    }
    return NULL;
}

/* Which columns of the dataset the tables use; `grouped` are those that must have 32-bit codes. */
static void mark_used(const struct kpi_spec *spec, int dataset, bool *used, bool *grouped)
{
    const struct kpi_dataset *d = &spec->datasets[dataset];
    for (int t = 0; t < spec->table_count; t++) {
        const struct kpi_table *table = &spec->tables[t];
        bool concerned = false;
        for (int m = 0; m < table->measure_count; m++) {
            const struct kpi_measure *measure = &table->measures[m];
            if (measure->dataset != dataset) continue;
            concerned = true;
            if (measure->column >= 0) {
                used[measure->column] = true;
                grouped[measure->column] |= measure->kind != MEASURE_COUNT && measure->kind != MEASURE_SUM;
            }
            for (size_t c = 0; c < measure->condition_count; c++) {
                used[measure->conditions[c].column] = grouped[measure->conditions[c].column] = true;
            }
        }
        for (int k = 0; concerned && k < table->key_count; k++) {
            int column = kpi_column_find(d, table->keys[k]);
            used[column] = grouped[column] = true;
        }
    }
}

static bool known_bounds(const struct kpi_dataset *dataset, const struct row_list *const *lists, size_t count,
                         int column, int64_t *low, int64_t *high)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int64_t least, most;
        if (!row_list_bounds(lists[i], dataset, column, &least, &most)) continue;
        *low = !any || least < *low ? least : *low;
        *high = !any || most > *high ? most : *high;
        any = true;
    }
    return any;
}

static int parent_position(const struct kpi_dataset *parent, int column)
{
    for (int i = 0; i < parent->parent_column_count; i++) {
        if (parent->parent_columns[i] == column) return i;
    }
    return -1;
}

/* Places for every field, two words where its values lie too far apart for one, and for the reference. */
static void lay_out_fields(struct fact *fact, const struct row_list *const *lists, size_t list_count)
{
    const struct schema *schema = fact->dataset->schema;
    for (size_t f = 0; f < schema->field_count; f++) {
        struct fact_field *field = &fact->fields[f];
        *field = (struct fact_field){.word = -1, .unit = 1};
        if (schema->fields[f].kind == COLUMN_TEXT) continue;
        bool any = false;
        int64_t low = 0, high = 0, unit = 1;
        for (size_t l = 0; l < list_count; l++) {
            int64_t least, most, own;
            if (!row_list_field_bounds(lists[l], (int)f, &least, &most, &own)) continue;
            low = !any || least < low ? least : low;
            high = !any || most > high ? most : high;
            unit = !any || own < unit ? own : unit;
            any = true;
        }
        field->word = fact->words;
        field->base = low;
        field->unit = unit;
        field->raw = ((uint64_t)high - (uint64_t)low) / (uint64_t)unit >= CODE_NULL;
        fact->words += field->raw ? 2 : 1;
    }
    fact->reference_word = fact->words;
    fact->words += 2;
}

/* Whether a column is one and the same value in all rows. */
static bool is_constant(const struct kpi_dataset *dataset, const struct row_list *const *lists, size_t count,
                        int column)
{
    const struct kpi_column *c = &dataset->columns[column];
    const struct column *first = NULL;
    for (size_t l = 0; l < count && c->operator== OPERATOR_FIELD; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct column *values = &lists[l]->items[i].batch->column[c->field];
            if (values->kind == COLUMN_ABSENT || values->width > 0 || values->has_null) return false;
            if (first && first->base != values->base) return false;
            first = values;
        }
    }
    return first != NULL;
}

/* Settled columns have their place after all that tuples hold. */
static void place_settled(struct fact *fact)
{
    fact->arrays = fact->words;
    for (int i = 0; i < fact->column_count; i++) {
        if (fact->columns[i].settled) fact->columns[i].word = fact->arrays++;
    }
}

bool fact_open(struct fact *fact, const struct kpi_spec *spec, int dataset, const struct row_list *const *lists,
               size_t list_count, struct coding *const *parents, bool with_rows, struct error *error)
{
    const struct kpi_dataset *d = &spec->datasets[dataset];
    bool used[KPI_MAX_COLUMNS] = {false}, grouped[KPI_MAX_COLUMNS] = {false};
    *fact = (struct fact){.dataset = d, .reference_word = -1};
    mark_used(spec, dataset, used, grouped);
    for (int c = 0; c < d->column_count; c++) {
        if (d->columns[c].operator== OPERATOR_PARENT) {
            int parent = d->joins[d->columns[c].join].dataset;
            fact->parent_coding[c] =
                &parents[parent][parent_position(&spec->datasets[parent], d->columns[c].parent_column)];
        }
        if (!used[c]) continue;
        struct fact_column *column = &fact->columns[fact->column_count];
        *column = (struct fact_column){.column = c, .word = fact->words, .join = -1};
        if (d->columns[c].operator== OPERATOR_PARENT) {
            const struct kpi_dataset *parent = &spec->datasets[d->joins[d->columns[c].join].dataset];
            column->join = d->columns[c].join;
            column->position = parent_position(parent, d->columns[c].parent_column);
            column->coding = &parents[d->joins[column->join].dataset][column->position];
        } else {
            int64_t low = INT64_MIN + 1, high = INT64_MAX;
            bool known = column_needs_parent(d, c) || known_bounds(d, lists, list_count, c, &low, &high);
            column->coding = &fact->own[fact->column_count];
            if (!coding_choose(column->coding, known, low, high, grouped[c], error)) return false;
            column->raw = column->coding->kind == CODING_RAW;
        }
        column->settled = c == d->partition_column || (!column->raw && is_constant(d, lists, list_count, c));
        if (!column->settled) fact->words += column->raw ? 2 : 1;
        fact->column_count++;
    }
    fact->data_words = fact->words;
    if (with_rows) lay_out_fields(fact, lists, list_count);
    if (fact->words == 0) fact->words = 1;
    place_settled(fact);
    return true;
}

void fact_close(struct fact *fact)
{
    for (int i = 0; i < fact->column_count; i++) coding_free(&fact->own[i]);
}

/* ---- joining ---- */

struct joining {
    const struct join_input *input;
    struct joined *joined;
};

/* One portion of rows under way. */
struct portion {
    const struct rows *rows;
    size_t from, count;
    uint32_t slots[KPI_MAX_JOINS][ROWS_PORTION];
    uint32_t partition[ROWS_PORTION];
    uint32_t words[KPI_MAX_COLUMNS * 4][ROWS_PORTION]; /* by tuple word */
    uint16_t selected[ROWS_PORTION];
    size_t selected_count;
};

static bool add_orphan(struct joined *joined, unsigned worker, struct orphan orphan, struct error *error)
{
    if (joined->worker[worker].orphan_count == joined->worker[worker].orphan_capacity) {
        size_t capacity = joined->worker[worker].orphan_capacity ? joined->worker[worker].orphan_capacity * 2 : 256;
        struct orphan *orphans = memory_resize(joined->worker[worker].orphans, capacity, sizeof *orphans, error);
        if (!orphans) return false;
        joined->worker[worker].orphans = orphans;
        joined->worker[worker].orphan_capacity = capacity;
    }
    joined->worker[worker].orphans[joined->worker[worker].orphan_count++] = orphan;
    return true;
}

/* Finds every parent, and selects the rows that are alive and have them all. */
static bool find_parents(const struct joining *joining, struct portion *portion, size_t item, unsigned worker,
                         struct error *error)
{
    const struct kpi_dataset *dataset = joining->input->fact->dataset;
    int64_t keys[ROWS_PORTION];
    for (int j = 0; j < dataset->join_count; j++) {
        column_unpack(&portion->rows->batch->column[dataset->joins[j].field], portion->from, portion->count, keys);
        view_find(&joining->input->views[dataset->joins[j].dataset], keys, portion->count, portion->slots[j]);
    }
    portion->selected_count = 0;
    for (size_t i = 0; i < portion->count; i++) {
        int missing = -1;
        for (int j = dataset->join_count - 1; j >= 0; j--) {
            if (portion->slots[j][i] != SLOT_NONE) continue;
            missing = j;
            /* the slot after the last holds nulls, so that what follows needs no case for these rows */
            portion->slots[j][i] = joining->input->views[dataset->joins[j].dataset].slots;
        }
        if (rows_is_dead(portion->rows, portion->from + i)) continue;
        if (missing < 0) {
            portion->selected[portion->selected_count++] = (uint16_t)i;
            continue;
        }
        struct orphan orphan = {.item = (uint32_t)item, .row = (uint32_t)(portion->from + i), .join = missing};
        if (!add_orphan(joining->joined, worker, orphan, error)) return false;
    }
    return true;
}

static void gather(const uint32_t *codes, const uint32_t *slots, size_t count, uint32_t *out)
{
    for (size_t i = 0; i < count; i++) out[i] = codes[slots[i]];
}

/* Values of a column whose arguments may come from parents. */
static bool evaluate(const struct joining *joining, const struct portion *portion, int column, int64_t *values,
                     struct error *error)
{
    const struct fact *fact = joining->input->fact;
    const struct kpi_column *c = &fact->dataset->columns[column];
    if (c->operator== OPERATOR_PARENT) {
        const struct view *view = &joining->input->views[fact->dataset->joins[c->join].dataset];
        int position = parent_position(view->dataset, c->parent_column);
        for (size_t i = 0; i < portion->count; i++) {
            values[i] = coding_value(fact->parent_coding[column], view->codes[position][portion->slots[c->join][i]]);
        }
        return true;
    }
    if (!column_needs_parent(fact->dataset, column)) {
        return rows_evaluate(fact->dataset, column, portion->rows->batch, portion->from, portion->count, values, error);
    }
    int64_t a[ROWS_PORTION], b[ROWS_PORTION];
    if (!evaluate(joining, portion, c->argument[0], a, error)) return false;
    if (c->argument[1] >= 0 && !evaluate(joining, portion, c->argument[1], b, error)) return false;
    return rows_operate(c, a, b, portion->count, values, error);
}

static void split_words(const int64_t *values, size_t count, uint32_t *low, uint32_t *high)
{
    for (size_t i = 0; i < count; i++) {
        low[i] = (uint32_t)values[i];
        high[i] = (uint32_t)((uint64_t)values[i] >> 32);
    }
}

static bool fill_words(const struct joining *joining, struct portion *portion, struct error *error)
{
    const struct fact *fact = joining->input->fact;
    int64_t values[ROWS_PORTION];
    for (int k = 0; k < fact->column_count; k++) {
        const struct fact_column *column = &fact->columns[k];
        uint32_t *out = portion->words[column->word];
        if (column->settled) continue;
        if (column->join >= 0) {
            const struct view *view = &joining->input->views[fact->dataset->joins[column->join].dataset];
            gather(view->codes[column->position], portion->slots[column->join], portion->count, out);
            continue;
        }
        if (!evaluate(joining, portion, column->column, values, error)) return false;
        if (!column->raw) {
            if (!coding_encode(column->coding, values, portion->count, out, error)) return false;
            continue;
        }
        split_words(values, portion->count, out, portion->words[column->word + 1]);
    }
    return true;
}

static void fill_fields(const struct fact *fact, struct portion *portion)
{
    int64_t values[ROWS_PORTION];
    for (size_t f = 0; fact->reference_word >= 0 && f < fact->dataset->schema->field_count; f++) {
        const struct fact_field *field = &fact->fields[f];
        const struct column *column = &portion->rows->batch->column[f];
        if (field->word < 0) continue;
        if (field->raw) {
            column_unpack(column, portion->from, portion->count, values);
            split_words(values, portion->count, portion->words[field->word], portion->words[field->word + 1]);
        } else {
            column_unpack_codes(column, portion->from, portion->count, field->base, field->unit,
                                portion->words[field->word]);
        }
    }
}

static bool find_partitions(const struct joining *joining, struct portion *portion, struct error *error)
{
    int64_t days[ROWS_PORTION];
    const struct fact *fact = joining->input->fact;
    int column = fact->dataset->partition_column;
    const struct kpi_column *c = &fact->dataset->columns[column];
    if (c->operator== OPERATOR_PARENT) {
        const struct view *view = &joining->input->views[fact->dataset->joins[c->join].dataset];
        /* The parent's partition column is coded by the partition coding itself. */
        gather(view->codes[parent_position(view->dataset, c->parent_column)], portion->slots[c->join], portion->count,
               portion->partition);
        return true;
    }
    return rows_evaluate(fact->dataset, column, portion->rows->batch, portion->from, portion->count, days, error) &&
           coding_encode(joining->input->partition, days, portion->count, portion->partition, error);
}

/* The partition of every row that was selected, for those who ask later. */
static void note_partitions(const struct portion *portion)
{
    uint32_t *codes = portion->rows->partition + portion->from;
    for (size_t i = 0; i < portion->count; i++) codes[i] = CODE_NULL;
    for (size_t s = 0; s < portion->selected_count; s++) {
        codes[portion->selected[s]] = portion->partition[portion->selected[s]];
    }
}

static struct pile *pile_for(struct joined *joined, unsigned worker, uint32_t partition, int words, struct error *error)
{
    if (partition >= joined->worker[worker].partitions) {
        uint32_t count = partition + 64;
        struct pile **piles = memory_resize(joined->worker[worker].piles, count, sizeof *piles, error);
        if (!piles) return NULL;
        memset(piles + joined->worker[worker].partitions, 0,
               (count - joined->worker[worker].partitions) * sizeof *piles);
        joined->worker[worker].piles = piles;
        joined->worker[worker].partitions = count;
    }
    struct pile *pile = joined->worker[worker].piles[partition];
    if (pile && pile->rows < pile->capacity) return pile;
    uint32_t capacity = !pile ? PILE_FIRST_ROWS : pile->capacity * 2;
    if (capacity > PILE_MOST_ROWS) capacity = PILE_MOST_ROWS;
    struct pile *fresh = memory_array(1, sizeof *fresh + (size_t)capacity * (size_t)words * sizeof(uint32_t), error);
    if (!fresh) return NULL;
    *fresh = (struct pile){.next = pile, .capacity = capacity};
    joined->worker[worker].piles[partition] = fresh;
    return fresh;
}

static bool scatter(const struct joining *joining, struct portion *portion, size_t item, unsigned worker,
                    struct error *error)
{
    const struct fact *fact = joining->input->fact;
    int words = fact->words, value_words = fact->reference_word < 0 ? words : fact->reference_word;
    struct joined *joined = joining->joined;
    for (size_t s = 0; s < portion->selected_count; s++) {
        size_t i = portion->selected[s];
        uint32_t partition = portion->partition[i];
        struct pile *pile =
            partition < joined->worker[worker].partitions ? joined->worker[worker].piles[partition] : NULL;
        if (!pile || pile->rows == pile->capacity) pile = pile_for(joined, worker, partition, words, error);
        if (!pile) return false;
        uint32_t *tuple = pile->words + (size_t)pile->rows++ * (size_t)words;
        for (int w = 0; w < value_words; w++) tuple[w] = portion->words[w][i];
        if (fact->reference_word >= 0) {
            tuple[fact->reference_word] = (uint32_t)item;
            tuple[fact->reference_word + 1] = (uint32_t)(portion->from + i);
        }
    }
    return true;
}

static bool join_item(void *context, size_t item, unsigned worker, struct error *error)
{
    const struct joining *joining = context;
    struct rows *rows = &joining->input->rows->items[item];
    if (joining->input->keep_partitions) {
        rows->partition = memory_array(rows->batch->rows + 1u, sizeof *rows->partition, error);
        if (!rows->partition) return false;
    }
    struct portion *portion = memory_array(1, sizeof *portion, error);
    bool good = portion != NULL;
    for (size_t from = 0; good && from < rows->batch->rows; from += ROWS_PORTION) {
        portion->rows = rows;
        portion->from = from;
        portion->count = rows->batch->rows - from < ROWS_PORTION ? rows->batch->rows - from : ROWS_PORTION;
        good = find_parents(joining, portion, item, worker, error) && fill_words(joining, portion, error) &&
               find_partitions(joining, portion, error);
        fill_fields(joining->input->fact, portion);
        good = good && scatter(joining, portion, item, worker, error);
        if (good && rows->partition) note_partitions(portion);
    }
    memory_free(portion);
    return good;
}

bool join_rows(struct joined *joined, struct team *team, const struct join_input *input, struct error *error)
{
    *joined = (struct joined){.workers = team_size(team)};
    joined->worker = memory_zeroed(joined->workers * sizeof *joined->worker, error);
    if (!joined->worker) return false;
    struct joining joining = {.input = input, .joined = joined};
    return team_run(team, input->rows->count, join_item, &joining, error);
}

bool joined_has(const struct joined *joined, uint32_t partition)
{
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        if (partition < joined->worker[w].partitions && joined->worker[w].piles[partition]) return true;
    }
    return false;
}

uint32_t joined_partitions(const struct joined *joined)
{
    uint32_t most = 0;
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        most = joined->worker[w].partitions > most ? joined->worker[w].partitions : most;
    }
    return most;
}

void joined_free(struct joined *joined)
{
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        for (uint32_t p = 0; p < joined->worker[w].partitions; p++) {
            for (struct pile *pile = joined->worker[w].piles[p]; pile;) {
                struct pile *next = pile->next;
                memory_free(pile);
                pile = next;
            }
        }
        memory_free(joined->worker[w].piles);
        memory_free(joined->worker[w].orphans);
    }
    memory_free(joined->worker);
    *joined = (struct joined){0};
}

/* Joining: every row finds its parents, and its tuple goes to the pile of its partition. */
#include <string.h>

#include "base/memory.h"
#include "kpi/fact.h"

#define PILE_FIRST_ROWS 64
#define PILE_MOST_ROWS 4096

/* Rows that are laid out by partition at once: enough for each partition to get some. */
#define BLOCK_ROWS (4 * ROWS_PORTION)

/* What one worker joins with: its rows laid out by column, and then by partition. */
struct desk {
    uint32_t *words; /* by tuple word, BLOCK_ROWS each */
    uint32_t slots[KPI_MAX_JOINS][ROWS_PORTION];
    uint32_t partition[BLOCK_ROWS];
    uint16_t selected[BLOCK_ROWS]; /* rows that are alive and have their parents */
    size_t selected_count;
    uint16_t ordered[BLOCK_ROWS]; /* the same, partition by partition */
    uint32_t touched[BLOCK_ROWS]; /* partitions that some row is of */
    size_t touched_count;
    uint16_t *counts; /* by partition: rows; 0 between blocks */
    uint16_t *begins; /* by partition: the first of its rows in `ordered`; then the end of them */
};

struct joining {
    const struct join_input *input;
    struct joined *joined;
    struct desk **desks; /* by worker; made when it first works */
};

/* Some rows of an item under way; `at` is the place of the first on the desk. */
struct portion {
    const struct rows *rows;
    size_t from, count, at;
};

static uint32_t *desk_word(const struct desk *desk, int word)
{
    return desk->words + (size_t)word * BLOCK_ROWS;
}

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
static bool find_parents(const struct joining *joining, struct desk *desk, const struct portion *portion, size_t item,
                         unsigned worker, struct error *error)
{
    const struct kpi_dataset *dataset = joining->input->fact->dataset;
    int64_t keys[ROWS_PORTION];
    for (int j = 0; j < dataset->join_count; j++) {
        column_unpack(&portion->rows->batch->column[dataset->joins[j].field], portion->from, portion->count, keys);
        view_find(&joining->input->views[dataset->joins[j].dataset], keys, portion->count, desk->slots[j]);
    }
    for (size_t i = 0; i < portion->count; i++) {
        int missing = -1;
        for (int j = dataset->join_count - 1; j >= 0; j--) {
            if (desk->slots[j][i] != SLOT_NONE) continue;
            missing = j;
            /* the slot after the last holds nulls, so that what follows needs no case for these rows */
            desk->slots[j][i] = joining->input->views[dataset->joins[j].dataset].slots;
        }
        if (rows_is_dead(portion->rows, portion->from + i)) continue;
        if (missing < 0) {
            desk->selected[desk->selected_count++] = (uint16_t)(portion->at + i);
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
static bool evaluate(const struct joining *joining, const struct desk *desk, const struct portion *portion, int column,
                     int64_t *values, struct error *error)
{
    const struct fact *fact = joining->input->fact;
    const struct kpi_column *c = &fact->dataset->columns[column];
    if (c->operator== OPERATOR_PARENT) {
        const struct view *view = &joining->input->views[fact->dataset->joins[c->join].dataset];
        int position = kpi_parent_position(view->dataset, c->parent_column);
        for (size_t i = 0; i < portion->count; i++) {
            values[i] = coding_value(fact->parent_coding[column], view->codes[position][desk->slots[c->join][i]]);
        }
        return true;
    }
    if (!column_needs_parent(fact->dataset, column)) {
        return rows_evaluate(fact->dataset, column, portion->rows->batch, portion->from, portion->count, values, error);
    }
    int64_t a[ROWS_PORTION], b[ROWS_PORTION];
    if (!evaluate(joining, desk, portion, c->argument[0], a, error)) return false;
    if (c->argument[1] >= 0 && !evaluate(joining, desk, portion, c->argument[1], b, error)) return false;
    return rows_operate(c, a, b, portion->count, values, error);
}

static void split_words(const int64_t *values, size_t count, uint32_t *low, uint32_t *high)
{
    for (size_t i = 0; i < count; i++) {
        low[i] = (uint32_t)values[i];
        high[i] = (uint32_t)((uint64_t)values[i] >> 32);
    }
}

static bool fill_words(const struct joining *joining, const struct desk *desk, const struct portion *portion,
                       struct error *error)
{
    const struct fact *fact = joining->input->fact;
    int64_t values[ROWS_PORTION];
    for (int k = 0; k < fact->column_count; k++) {
        const struct fact_column *column = &fact->columns[k];
        if (column->settled) continue;
        uint32_t *out = desk_word(desk, column->word) + portion->at;
        if (column->join >= 0) {
            const struct view *view = &joining->input->views[fact->dataset->joins[column->join].dataset];
            gather(view->codes[column->position], desk->slots[column->join], portion->count, out);
            continue;
        }
        if (!evaluate(joining, desk, portion, column->column, values, error)) return false;
        if (!column->raw) {
            if (!coding_encode(column->coding, values, portion->count, out, error)) return false;
            continue;
        }
        split_words(values, portion->count, out, desk_word(desk, column->word + 1) + portion->at);
    }
    return true;
}

/* The fields that columns do not give already, and the reference. */
static void fill_fields(const struct fact *fact, const struct desk *desk, const struct portion *portion, size_t item)
{
    int64_t values[ROWS_PORTION];
    if (fact->reference_word < 0) return;
    for (size_t f = 0; f < fact->dataset->schema->field_count; f++) {
        const struct fact_field *field = &fact->fields[f];
        const struct column *column = &portion->rows->batch->column[f];
        if (field->word < fact->data_words) continue;
        uint32_t *out = desk_word(desk, field->word) + portion->at;
        if (field->raw) {
            column_unpack(column, portion->from, portion->count, values);
            split_words(values, portion->count, out, desk_word(desk, field->word + 1) + portion->at);
        } else {
            column_unpack_codes(column, portion->from, portion->count, field->base, field->unit, out);
        }
    }
    uint32_t *items = desk_word(desk, fact->reference_word) + portion->at;
    uint32_t *rows = desk_word(desk, fact->reference_word + 1) + portion->at;
    for (size_t i = 0; i < portion->count; i++) {
        items[i] = (uint32_t)item;
        rows[i] = (uint32_t)(portion->from + i);
    }
}

static bool find_partitions(const struct joining *joining, struct desk *desk, const struct portion *portion,
                            struct error *error)
{
    int64_t days[ROWS_PORTION];
    const struct fact *fact = joining->input->fact;
    int column = fact->dataset->partition_column;
    const struct kpi_column *c = &fact->dataset->columns[column];
    uint32_t *partition = desk->partition + portion->at;
    if (c->operator== OPERATOR_PARENT) {
        const struct view *view = &joining->input->views[fact->dataset->joins[c->join].dataset];
        /* The parent's partition column is coded by the partition coding itself. */
        gather(view->codes[kpi_parent_position(view->dataset, c->parent_column)], desk->slots[c->join], portion->count,
               partition);
        return true;
    }
    return rows_evaluate(fact->dataset, column, portion->rows->batch, portion->from, portion->count, days, error) &&
           coding_encode(joining->input->partition, days, portion->count, partition, error);
}

/* ---- laying out by partition ---- */

/* Room for more partitions, in the joined piles of the worker and on its desk. */
static bool grow_partitions(struct joined *joined, unsigned worker, struct desk *desk, uint32_t partition,
                            struct error *error)
{
    uint32_t old = joined->worker[worker].partitions, count = partition + 64;
    struct pile **piles = memory_resize(joined->worker[worker].piles, count, sizeof *piles, error);
    if (!piles) return false;
    joined->worker[worker].piles = piles;
    uint16_t *counts = memory_resize(desk->counts, count, sizeof *counts, error);
    if (!counts) return false;
    desk->counts = counts;
    uint16_t *begins = memory_resize(desk->begins, count, sizeof *begins, error);
    if (!begins) return false;
    desk->begins = begins;
    memset(piles + old, 0, (count - old) * sizeof *piles);
    memset(counts + old, 0, (count - old) * sizeof *counts);
    joined->worker[worker].partitions = count;
    return true;
}

/* Puts the selected rows in order of their partitions, and in each as they came. */
static bool order_rows(struct joined *joined, unsigned worker, struct desk *desk, struct error *error)
{
    desk->touched_count = 0;
    for (size_t s = 0; s < desk->selected_count; s++) {
        uint32_t partition = desk->partition[desk->selected[s]];
        if (partition >= joined->worker[worker].partitions &&
            !grow_partitions(joined, worker, desk, partition, error)) {
            return false;
        }
        if (desk->counts[partition]++ == 0) desk->touched[desk->touched_count++] = partition;
    }
    uint16_t begin = 0;
    for (size_t t = 0; t < desk->touched_count; t++) {
        desk->begins[desk->touched[t]] = begin;
        begin = (uint16_t)(begin + desk->counts[desk->touched[t]]);
    }
    for (size_t s = 0; s < desk->selected_count; s++) {
        uint16_t row = desk->selected[s];
        desk->ordered[desk->begins[desk->partition[row]]++] = row;
    }
    return true;
}

/* The pile that takes the next row of a partition. */
static struct pile *pile_for(struct joined *joined, unsigned worker, uint32_t partition, int words, struct error *error)
{
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

/* Adds rows of one partition to its piles. */
static bool pile_rows(const struct joining *joining, unsigned worker, const struct desk *desk, uint32_t partition,
                      const uint16_t *rows, size_t count, struct error *error)
{
    int words = joining->input->fact->words;
    while (count > 0) {
        struct pile *pile = pile_for(joining->joined, worker, partition, words, error);
        if (!pile) return false;
        size_t here = pile->capacity - pile->rows < count ? pile->capacity - pile->rows : count;
        for (int w = 0; w < words; w++) {
            const uint32_t *from = desk_word(desk, w);
            uint32_t *to = pile->words + (size_t)w * pile->capacity + pile->rows;
            for (size_t i = 0; i < here; i++) to[i] = from[rows[i]];
        }
        pile->rows += (uint32_t)here;
        rows += here;
        count -= here;
    }
    return true;
}

static bool scatter(const struct joining *joining, unsigned worker, struct desk *desk, struct error *error)
{
    bool good = order_rows(joining->joined, worker, desk, error);
    for (size_t t = 0; t < desk->touched_count; t++) {
        uint32_t partition = desk->touched[t];
        size_t count = desk->counts[partition];
        const uint16_t *rows = desk->ordered + desk->begins[partition] - count;
        good = good && pile_rows(joining, worker, desk, partition, rows, count, error);
        desk->counts[partition] = 0;
    }
    return good;
}

/* The partition of every row that was selected, for those who ask later. */
static void note_partitions(const struct desk *desk, struct rows *rows, size_t from, size_t count)
{
    uint32_t *codes = rows->partition + from;
    for (size_t i = 0; i < count; i++) codes[i] = CODE_NULL;
    for (size_t s = 0; s < desk->selected_count; s++) codes[desk->selected[s]] = desk->partition[desk->selected[s]];
}

/* ---- all rows ---- */

static struct desk *desk_of(struct joining *joining, unsigned worker, struct error *error)
{
    if (joining->desks[worker]) return joining->desks[worker];
    struct desk *desk = memory_zeroed(sizeof *desk, error);
    if (!desk) return NULL;
    joining->desks[worker] = desk;
    desk->words = memory_array((size_t)joining->input->fact->words * BLOCK_ROWS, sizeof *desk->words, error);
    return desk->words ? desk : NULL;
}

static void desks_free(struct joining *joining)
{
    for (unsigned w = 0; joining->desks && w < joining->joined->workers; w++) {
        struct desk *desk = joining->desks[w];
        if (!desk) continue;
        memory_free(desk->words);
        memory_free(desk->counts);
        memory_free(desk->begins);
        memory_free(desk);
    }
    memory_free(joining->desks);
}

static bool join_item(void *context, size_t item, unsigned worker, struct error *error)
{
    struct joining *joining = context;
    struct rows *rows = &joining->input->rows->items[item];
    struct desk *desk = desk_of(joining, worker, error);
    if (!desk) return false;
    if (joining->input->keep_partitions) {
        rows->partition = memory_array(rows->batch->rows + 1u, sizeof *rows->partition, error);
        if (!rows->partition) return false;
    }
    for (size_t begin = 0; begin < rows->batch->rows; begin += BLOCK_ROWS) {
        size_t all = rows->batch->rows - begin < BLOCK_ROWS ? rows->batch->rows - begin : BLOCK_ROWS;
        desk->selected_count = 0;
        for (size_t at = 0; at < all; at += ROWS_PORTION) {
            struct portion portion = {.rows = rows, .from = begin + at, .at = at};
            portion.count = all - at < ROWS_PORTION ? all - at : ROWS_PORTION;
            if (!find_parents(joining, desk, &portion, item, worker, error) ||
                !fill_words(joining, desk, &portion, error) || !find_partitions(joining, desk, &portion, error)) {
                return false;
            }
            fill_fields(joining->input->fact, desk, &portion, item);
        }
        if (!scatter(joining, worker, desk, error)) return false;
        if (rows->partition) note_partitions(desk, rows, begin, all);
    }
    return true;
}

bool join_rows(struct joined *joined, struct team *team, const struct join_input *input, struct error *error)
{
    *joined = (struct joined){.workers = team_size(team)};
    joined->worker = memory_zeroed(joined->workers * sizeof *joined->worker, error);
    if (!joined->worker) return false;
    struct joining joining = {.input = input, .joined = joined};
    joining.desks = memory_zeroed(joined->workers * sizeof(struct desk *), error);
    bool good = joining.desks && team_run(team, input->rows->count, join_item, &joining, error);
    desks_free(&joining);
    return good;
}

uint64_t joined_rows(const struct joined *joined)
{
    uint64_t rows = 0;
    for (unsigned w = 0; joined->worker && w < joined->workers; w++) {
        for (uint32_t p = 0; p < joined->worker[w].partitions; p++) {
            for (const struct pile *pile = joined->worker[w].piles[p]; pile; pile = pile->next) rows += pile->rows;
        }
    }
    return rows;
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

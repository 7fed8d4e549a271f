#include "task/sample_dirt.h"

/* Cells of the widest row: the catalogue's. */
#define MAX_CELLS 32

/* The cells of a row as they stand in it, quotes included. A quoted cell may hold delimiters. */
struct cells {
    size_t count;
    struct str cell[MAX_CELLS];
};

static void cells_split(struct cells *cells, const char *row, const char *end)
{
    const char *begin = row;
    bool quoted = false;
    cells->count = 0;
    for (const char *at = row; at < end; at++) {
        if (*at == '"') quoted = !quoted;
        if (quoted || (*at != ',' && *at != '\n') || cells->count == MAX_CELLS) continue;
        cells->cell[cells->count++] = str_slice(begin, (size_t)(at - begin));
        begin = at + 1;
    }
}

static char *put_str(char *at, struct str text)
{
    return put_bytes(at, text.data, text.length);
}

static char *cells_join(char *at, const struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        if (i > 0) *at++ = ',';
        at = put_str(at, cells->cell[i]);
    }
    *at++ = '\n';
    return at;
}

/* Each cell in quotes; `column` begins with what needs them. */
static char *cells_join_quoted(char *at, const struct cells *cells, size_t column)
{
    for (size_t i = 0; i < cells->count; i++) {
        struct str cell = cells->cell[i];
        bool has_quotes = cell.length > 0 && cell.data[0] == '"';
        if (i > 0) *at++ = ',';
        if (!has_quotes) *at++ = '"';
        at = put_str(at, cell);
        if (has_quotes) at--;
        if (i == column) at = put_text(at, " (the \"\"new\"\" one,\nin a box)");
        *at++ = '"';
    }
    *at++ = '\n';
    return at;
}

static struct str rule_text(const struct dirt_rule *rule, struct random *random)
{
    size_t count = 0;
    while (count < DIRT_MAX_TEXTS && rule->texts[count] != NULL) count++;
    return str_of(rule->texts[random_below(random, count)]);
}

/* The row with the defect at `into`; for the rules that add a copy, that copy. */
static char *rule_write(const struct dirt_rule *rule, struct random *random, struct cells *cells, char *into)
{
    size_t column = (size_t)rule->column;
    switch (rule->act) {
    case DIRT_SET:
    case DIRT_COPY:
        if (rule->texts[0] != NULL) cells->cell[column] = rule_text(rule, random);
        return cells_join(into, cells);
    case DIRT_OLDER:
        cells->cell[column] = rule_text(rule, random);
        for (int i = rule->empty_from; i <= rule->empty_to; i++) cells->cell[i] = str_of("");
        return cells_join(into, cells);
    case DIRT_SHORT:
        cells->count = 1 + (size_t)random_below(random, cells->count - 1);
        return cells_join(into, cells);
    case DIRT_LONG:
        return put_text(cells_join(into, cells) - 1, ",,7\n");
    case DIRT_BYTES:
        cells->cell[column] = str_of("caf\xE9 \xFF\xFE");
        return cells_join(into, cells);
    case DIRT_QUOTING:
        cells->cell[column] = str_of("\"10\" pack");
        return cells_join(into, cells);
    case DIRT_QUOTED:
        return cells_join_quoted(into, cells, column);
    }
    return into;
}

char *dirt_apply(const struct dirt_rules *rules, uint64_t share, struct random *random, bool kept, char *row, char *end,
                 struct buffer *later, struct sample_dataset *counts)
{
    if (random_next(random) >> 11 >= share) return end;
    char changed[SAMPLE_ROW_BYTES];
    struct cells cells;
    size_t which = (size_t)random_below(random, rules->count);
    const struct dirt_rule *rule = &rules->rules[which];
    cells_split(&cells, row, end);
    size_t size = (size_t)(rule_write(rule, random, &cells, changed) - changed);
    if (!kept) return end;
    counts->dirty++;
    counts->count[which]++;
    if (rule->act != DIRT_COPY && rule->act != DIRT_OLDER) return put_bytes(row, changed, size);
    buffer_append(later, changed, size);
    counts->rows++;
    return end;
}

#define BAD_DATES                                                                                                      \
    {                                                                                                                  \
        "2025-02-30", "2025-13-01", "31/03/2025", "yesterday", "20250330", "2025-04-31T10:00:00", "0000-00-00"         \
    }
#define BAD_PRICES                                                                                                     \
    {                                                                                                                  \
        "free", "12.3.4", "nan", "19.90 EUR", "$19.90", "99999999999999999999.99", "inf"                               \
    }
#define NEGATIVE                                                                                                       \
    {                                                                                                                  \
        "-3", "-0.01", "-19.95"                                                                                        \
    }
#define NOT_POSITIVE                                                                                                   \
    {                                                                                                                  \
        "0", "-1"                                                                                                      \
    }
#define ODD_STATUS                                                                                                     \
    {                                                                                                                  \
        "teleported", "DELIVERED!", "unknown"                                                                          \
    }
#define ORPHAN_ORDER                                                                                                   \
    {                                                                                                                  \
        "900000000001", "900000000002", "900000000003", "900000000004", "900000000005"                                 \
    }

static const struct dirt_rule orders_pieces[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {"", "  "}},
    {.name = "missing_customer", .act = DIRT_SET, .column = 1, .texts = {""}},
    {.name = "missing_status", .act = DIRT_SET, .column = 2, .texts = {""}},
    {.name = "missing_date", .act = DIRT_SET, .column = 3, .texts = {""}},
    {.name = "bad_date", .act = DIRT_SET, .column = 3, .texts = BAD_DATES},
    {.name = "bad_later_date", .act = DIRT_SET, .column = 6, .texts = BAD_DATES},
    {.name = "bad_count", .act = DIRT_SET, .column = 7, .texts = {"two", "1.5", "9223372036854775808"}},
    {.name = "count_not_positive", .act = DIRT_SET, .column = 7, .texts = NOT_POSITIVE},
    {.name = "unknown_status", .act = DIRT_SET, .column = 2, .texts = ODD_STATUS},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 2, .texts = {"returned", "delivered", "cancelled"}},
    {.name = "duplicate_older",
     .act = DIRT_OLDER,
     .column = 2,
     .texts = {"processing"},
     .empty_from = 4,
     .empty_to = 6},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 2},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 2},
};
static const struct dirt_rule orders_quantity[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {"", "  "}},
    {.name = "missing_customer", .act = DIRT_SET, .column = 1, .texts = {""}},
    {.name = "missing_date", .act = DIRT_SET, .column = 2, .texts = {""}},
    {.name = "missing_status", .act = DIRT_SET, .column = 3, .texts = {""}},
    {.name = "bad_date", .act = DIRT_SET, .column = 2, .texts = BAD_DATES},
    {.name = "unknown_status", .act = DIRT_SET, .column = 3, .texts = ODD_STATUS},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 3, .texts = {"returned", "delivered", "cancelled"}},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 3},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 3},
};
static const struct dirt_rule items_pieces[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {""}},
    {.name = "missing_order", .act = DIRT_SET, .column = 1, .texts = {"", " "}},
    {.name = "missing_product", .act = DIRT_SET, .column = 3, .texts = {""}},
    {.name = "missing_price", .act = DIRT_SET, .column = 9, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 9, .texts = BAD_PRICES},
    {.name = "negative_price", .act = DIRT_SET, .column = 9, .texts = NEGATIVE},
    {.name = "bad_date", .act = DIRT_SET, .column = 5, .texts = BAD_DATES},
    {.name = "orphan_order", .act = DIRT_SET, .column = 1, .texts = ORPHAN_ORDER},
    {.name = "orphan_product", .act = DIRT_SET, .column = 3, .texts = {"900000001", "900000002", "discontinued"}},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 9, .texts = {"1.23", "49.9", "120.0"}},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 4},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 4},
};
static const struct dirt_rule items_quantity[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {""}},
    {.name = "missing_order", .act = DIRT_SET, .column = 1, .texts = {"", " "}},
    {.name = "missing_product", .act = DIRT_SET, .column = 2, .texts = {""}},
    {.name = "missing_price", .act = DIRT_SET, .column = 4, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 4, .texts = BAD_PRICES},
    {.name = "negative_price", .act = DIRT_SET, .column = 4, .texts = NEGATIVE},
    {.name = "bad_quantity", .act = DIRT_SET, .column = 3, .texts = {"two", "1.5", "9223372036854775808"}},
    {.name = "quantity_not_positive", .act = DIRT_SET, .column = 3, .texts = NOT_POSITIVE},
    {.name = "orphan_order", .act = DIRT_SET, .column = 1, .texts = ORPHAN_ORDER},
    {.name = "orphan_product", .act = DIRT_SET, .column = 2, .texts = {"P900000001", "P900000002", "discontinued"}},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 3, .texts = {"2", "5", "12"}},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 2},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 2},
};
static const struct dirt_rule products_pieces[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {"", " "}},
    {.name = "missing_category", .act = DIRT_SET, .column = 3, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 6, .texts = BAD_PRICES},
    {.name = "negative_price", .act = DIRT_SET, .column = 6, .texts = NEGATIVE},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 4, .texts = {"Renamed thing", "\"Thing, renamed\""}},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 4},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 4},
    {.name = "quoted", .act = DIRT_QUOTED, .column = 4},
};
static const struct dirt_rule products_quantity[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {"", " "}},
    {.name = "missing_category", .act = DIRT_SET, .column = 2, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 3, .texts = BAD_PRICES},
    {.name = "negative_price", .act = DIRT_SET, .column = 3, .texts = NEGATIVE},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "duplicate_other", .act = DIRT_COPY, .column = 1, .texts = {"Renamed thing"}},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 1},
    {.name = "bad_quoting", .act = DIRT_QUOTING, .column = 1},
    {.name = "quoted", .act = DIRT_QUOTED, .column = 1},
};
static const struct dirt_rule sales_rules[] = {
    {.name = "missing_id", .act = DIRT_SET, .column = 0, .texts = {""}},
    {.name = "missing_date", .act = DIRT_SET, .column = 1, .texts = {""}},
    {.name = "bad_date", .act = DIRT_SET, .column = 1, .texts = {"2025-02-30", "03/30/2025", "2025-13-01", "soon"}},
    {.name = "missing_model", .act = DIRT_SET, .column = 2, .texts = {""}},
    {.name = "missing_brand", .act = DIRT_SET, .column = 3, .texts = {""}},
    {.name = "missing_price", .act = DIRT_SET, .column = 5, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 5, .texts = {"free", "nan", "$899", "inf"}},
    {.name = "price_not_positive", .act = DIRT_SET, .column = 5, .texts = {"0", "-899"}},
    {.name = "price_over_limit", .act = DIRT_SET, .column = 5, .texts = {"10000.01", "89900"}},
    {.name = "bad_region", .act = DIRT_SET, .column = 6, .texts = {"Atlantis", "europe", "EU"}},
    {.name = "missing_region", .act = DIRT_SET, .column = 6, .texts = {""}},
    {.name = "bad_ram", .act = DIRT_SET, .column = 8, .texts = {"8GB", "eight", "0", "-4"}},
    {.name = "ram_over_limit", .act = DIRT_SET, .column = 8, .texts = {"64", "352"}},
    {.name = "ram_not_given", .act = DIRT_SET, .column = 8, .texts = {"N/A", ""}},
    {.name = "bad_storage", .act = DIRT_SET, .column = 9, .texts = {"big", "1TB", "0", "-128"}},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 7},
    {.name = "quoted", .act = DIRT_QUOTED, .column = 7},
};
static const struct dirt_rule catalog_rules[] = {
    {.name = "missing_title", .act = DIRT_SET, .column = 0, .texts = {"", "null"}},
    {.name = "missing_id", .act = DIRT_SET, .column = 15, .texts = {""}},
    {.name = "bad_price", .act = DIRT_SET, .column = 13, .texts = {"free", "null", "-1"}},
    {.name = "bad_rating", .act = DIRT_SET, .column = 9, .texts = {"five", "9.9"}},
    {.name = "bad_list", .act = DIRT_SET, .column = 3, .texts = {"[Home", "\"[\"\"Home\"\"\""}},
    {.name = "duplicate", .act = DIRT_COPY},
    {.name = "too_short", .act = DIRT_SHORT},
    {.name = "too_long", .act = DIRT_LONG},
    {.name = "not_utf8", .act = DIRT_BYTES, .column = 1},
};

#define RULES(array)                                                                                                   \
    {                                                                                                                  \
        array, sizeof(array) / sizeof((array)[0])                                                                      \
    }

const struct dirt_rules dirt_orders[2] = {RULES(orders_pieces), RULES(orders_quantity)};
const struct dirt_rules dirt_items[2] = {RULES(items_pieces), RULES(items_quantity)};
const struct dirt_rules dirt_products[2] = {RULES(products_pieces), RULES(products_quantity)};
const struct dirt_rules dirt_sales = RULES(sales_rules);
const struct dirt_rules dirt_catalog = RULES(catalog_rules);

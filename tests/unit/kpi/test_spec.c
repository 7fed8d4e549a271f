/* KPI specs: what is read of them, and what a wrong one is told. */
#include <stdio.h>

#include "kpi/trace.h"
#include "support/shop.h"
#include "support/torture.h"

static struct kpi_spec *load(struct shop *shop, const char *kpis, const char *only, struct error *error)
{
    shop_write(shop, kpis);
    return shop->spec = kpi_spec_load(shop->arena, shop->folder, only, error);
}

static void reads_the_shop(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, shop_kpis);
    const struct kpi_spec *spec = shop.spec;
    assert_string_equal(spec->pipeline, "shop");
    assert_string_equal(spec->partition, "day");
    assert_int_equal(spec->dataset_count, 3);
    assert_int_equal(kpi_dataset_find(spec, "lines"), LINES);
    assert_int_equal(kpi_dataset_find(spec, "line"), -1);
    assert_null(kpi_table_find(spec, "nothing"));

    const struct kpi_dataset *lines = &spec->datasets[LINES], *orders = &spec->datasets[ORDERS];
    assert_int_equal(spec->datasets[PRODUCTS].partition_column, -1);
    assert_true(orders->has_children && spec->datasets[PRODUCTS].has_children && !lines->has_children);
    assert_int_equal(orders->partition_column, kpi_column_find(orders, "day"));
    assert_int_equal(orders->partition_join, -1);
    assert_int_equal(lines->partition_join, 0);
    assert_int_equal(orders->cleaned_count, 1);
    assert_int_equal(orders->cleaned[0], kpi_column_find(orders, "month"));
    const struct kpi_column *total = &lines->columns[kpi_column_find(lines, "total")];
    assert_int_equal(total->kind, COLUMN_DECIMAL);
    assert_int_equal(total->scale, 2);
    assert_int_equal(orders->columns[kpi_column_find(orders, "month")].kind, COLUMN_TERM);
    assert_int_equal(orders->columns[kpi_column_find(orders, "seconds")].kind, COLUMN_INTEGER);
    /* the argument that comes from a parent is a column of its own, with a name that outlives the file */
    assert_true(kpi_column_find(lines, "products.cost") >= 0);
    shop_close(&shop);
}

static void reads_measures(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, shop_kpis);
    const struct kpi_table *day = kpi_table_find(shop.spec, "day"), *category = kpi_table_find(shop.spec, "category");
    assert_string_equal(day->title, "day");
    assert_int_equal(day->partition_key, 0);
    assert_int_equal(day->key_kinds[0], COLUMN_DATE);
    assert_int_equal(day->accumulator_count, 6); /* the rows, two counts, three sums */
    assert_int_equal(day->measures[3].condition_count, 1);
    assert_true(day->measures[3].conditions[0].negated);
    assert_int_equal(day->measures[3].conditions[0].value_count, 2);
    assert_int_equal(day->measures[5].argument[0], 2);
    assert_int_equal(day->measures[5].scale, 3);

    assert_int_equal(category->partition_key, -1);
    assert_int_equal(category->measures[2].multiset, category->measures[3].multiset); /* of the same days */
    assert_int_not_equal(category->measures[2].multiset, category->measures[4].multiset);
    assert_int_equal(category->measures[2].result, COLUMN_DATE);
    assert_int_equal(category->measures[4].scale, 2);
    assert_int_equal(shop.spec->multiset_count, 3);
    shop_close(&shop);
}

static bool column_is_kept(const struct kpi_dataset *dataset, const char *name)
{
    for (int i = 0; i < dataset->parent_column_count; i++) {
        if (strcmp(dataset->columns[dataset->parent_columns[i]].name, name) == 0) return true;
    }
    return false;
}

/* Columns that no wanted table needs cost nothing: they are not even kept for children. */
static void keeps_what_the_wanted_tables_need(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    shop_open(&shop, shop_kpis);
    assert_int_equal(shop.spec->datasets[ORDERS].parent_column_count, 3); /* day, month, status */
    assert_int_equal(shop.spec->datasets[PRODUCTS].parent_column_count, 2);
    char whole[65];
    strcpy(whole, shop.spec->text_hash);
    shop_close(&shop);

    assert_non_null(load(&shop, shop_kpis, "category", &error));
    assert_int_equal(shop.spec->table_count, 1);
    assert_null(kpi_table_find(shop.spec, "day"));
    assert_true(column_is_kept(&shop.spec->datasets[PRODUCTS], "category"));
    assert_false(column_is_kept(&shop.spec->datasets[PRODUCTS], "cost"));
    assert_false(column_is_kept(&shop.spec->datasets[ORDERS], "status"));
    assert_string_not_equal(shop.spec->text_hash, whole);
    shop_close(&shop);

    assert_non_null(load(&shop, shop_kpis, "day,category", &error));
    assert_int_equal(shop.spec->table_count, 2);
    shop_close(&shop);
}

/* The partition may be a plain field; state made under another text, of the spec or of a schema, is told by the hash.
 */
static void takes_a_field_as_partition(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    shop_write(&shop,
               "{'pipeline': 'p', 'partition': 'on', 'datasets': {'visits': {'schema': 'visits.json'}}, 'tables': ["
               "{'name': 't', 'key': ['on'], 'measures': [{'name': 'n', 'from': 'visits', 'count': true}]}]}");
    shop_file(&shop, "visits.json",
              "{'primaryKey': 'id', 'fields': [{'name': 'id', 'type': 'string', 'intern': true},"
              "{'name': 'on', 'type': 'date', 'constraints': {'required': true}}]}");
    shop.spec = kpi_spec_load(shop.arena, shop.folder, NULL, &error);
    if (!shop.spec) fail_msg("%s", error.message);
    assert_true(shop.spec->datasets[0].partition_column >= 0);
    char before[65];
    strcpy(before, shop.spec->text_hash);
    kpi_spec_free(shop.spec);
    shop_file(&shop, "visits.json",
              "{'primaryKey': 'id', 'fields': [{'name': 'id', 'type': 'string', 'intern': true}, "
              "{'name': 'on', 'type': 'date', 'constraints': {'required': true}}]}");
    shop.spec = kpi_spec_load(shop.arena, shop.folder, NULL, &error);
    assert_non_null(shop.spec);
    assert_string_not_equal(shop.spec->text_hash, before);
    shop_close(&shop);
}

/* ---- what is refused ---- */

struct refusal {
    const char *find, *replacement; /* in the shop's kpis.json */
    const char *words[4];           /* that the error must have */
};

static const struct refusal refusals[] = {
    {"{'pipeline'", "{'pipline'", {"pipeline"}},
    {"'pipeline': 'shop'", "'pipeline': 7", {"pipeline", "string"}},
    {"'pipeline': 'shop'", "'pipeline': '../shop'", {"pipeline", "../shop", "letters"}},
    {"'partition': 'day', ", "", {"partition", "missing"}},
    {"'partition': 'day'", "'partition': 'moment'", {"no dataset", "moment"}},
    {"'partition': 'day'", "'partition': 'created'", {"created", "orders", "date", "required"}},
    {"'partition': 'day'", "'partition': 'category'", {"category", "must be a date"}},
    {"'tables': [", "'table': [], 'tables': [", {"table", "did you mean \"tables\""}},
    {"'tables': [", "'tables': 5, 'x': [", {"not known"}},

    /* datasets */
    {"'schema': 'products.json'", "'schema': 'gone.json'", {"gone.json"}},
    {"'schema': 'products.json'", "'schema': 3", {"dataset \"products\"", "schema", "string"}},
    {"{'schema': 'products.json'}", "'products.json'", {"dataset \"products\"", "object"}},
    {"'schema': 'products.json'", "'shema': 'products.json'", {"products", "shema", "did you mean \"schema\""}},
    {" 'products': {", " 'pro/ducts': {", {"dataset", "pro/ducts", "letters"}},
    {"'cleaned': ['month']", "'cleaned': 'month'", {"dataset \"orders\"", "cleaned", "array"}},
    {"'cleaned': ['month']", "'cleaned': ['months']", {"dataset \"orders\"", "cleaned", "months"}},
    {"'cleaned': ['month']", "'cleaned': ['month', 'month']", {"dataset \"orders\"", "month", "twice"}},
    {"'cleaned': ['month']", "'cleaned': [1]", {"dataset \"orders\"", "cleaned"}},
    {"'joins': {'orders': 'order_id', ", "'joins': {'order': 'order_id', ", {"lines", "order", "no dataset before"}},
    {"'joins': {'orders': 'order_id', ", "'joins': {'lines': 'order_id', ", {"lines", "no dataset before"}},
    {"'joins': {'orders': 'order_id'", "'joins': {'orders': 'order'", {"lines", "orders", "must name a field"}},
    {"'joins': {'orders': 'order_id'", "'joins': {'orders': 'price'", {"lines", "price", "intern"}},
    {"'joins': {'orders': 'order_id'", "'joins': {'orders': 4", {"lines", "orders", "must name a field"}},
    {"'joins': {'orders': 'order_id', 'products': 'product_id'}", "'joins': ['orders']", {"lines", "joins", "object"}},

    /* columns */
    {"'month': {'month': 'created'}", "'month': {'month': 'create'}", {"orders", "create", "no field or column"}},
    {"'month': {'month': 'created'}", "'month': {'month': 'note'}", {"orders.note", "free text", "intern"}},
    {"'month': {'month': 'created'}", "'month': {'month': 'status'}", {"orders.month", "wrong type", "timestamps"}},
    {"'month': {'month': 'created'}", "'month': {'month': ['created', 'shipped']}", {"orders.month", "takes 1"}},
    {"'month': {'month': 'created'}", "'month': {'month': 3}", {"orders.month", "takes 1"}},
    {"'month': {'month': 'created'}", "'month': {'week': 'created'}", {"orders.month", "date, month, seconds"}},
    {"'month': {'month': 'created'}", "'month': {'month': 'created', 'date': 'created'}", {"orders.month", "one of"}},
    {"'month': {'month': 'created'}", "'month': 3", {"orders.month", "name or an object"}},
    {"'month': {'month': 'created'}", "'day': {'month': 'created'}", {"kpis.json", "day"}},
    {"'month': {'month': 'created'}", "'a.b': {'month': 'created'}", {"orders", "a.b", "dots"}},
    {"['created', 'shipped']", "['created']", {"orders.seconds", "takes 2"}},
    {"['created', 'shipped']", "'created'", {"orders.seconds", "takes 2"}},
    {"['created', 'shipped']", "['created', 'status']", {"orders.seconds", "wrong type", "timestamps"}},
    {"['price', 'quantity']", "['price', 'order_id']", {"lines.total", "wrong type", "numbers"}},
    {"'orders.month'", "'order.month'", {"lines", "does not join", "order.month"}},
    {"'orders.month'", "'orders.months'", {"orders", "months", "no field or column"}},
    {"'orders.month'", "'orders.note'", {"orders.note", "free text"}},

    /* tables */
    {"{'name': 'day', 'key'", "{'nam': 'day', 'key'", {"table 1", "name", "missing"}},
    {"{'name': 'day', 'key'", "5, {'name': 'day', 'key'", {"table 1", "object"}},
    {"{'name': 'day', 'key'", "{'name': 'a b', 'key'", {"table 1", "a b", "letters"}},
    {"{'name': 'category', 'key'", "{'name': 'day', 'key'", {"table \"day\"", "twice"}},
    {"'key': ['day']", "'keys': ['day']", {"table \"day\"", "key", "missing"}},
    {"'key': ['day']", "'key': []", {"table \"day\"", "1 to 3"}},
    {"'key': ['day']", "'key': ['day', 'month', 'status', 'id']", {"table \"day\"", "1 to 3"}},
    {"'key': ['day']", "'key': ['day', 'day']", {"table \"day\"", "twice"}},
    {"'key': ['day']", "'key': [1]", {"table \"day\"", "column names"}},
    {"'key': ['day']", "'key': ['day', 'note']", {"table \"day\"", "orders.note", "free text"}},
    {"'key': ['day']", "'key': ['day', 'created']", {"table \"day\"", "created", "text, a date or a whole number"}},
    {"'key': ['day']", "'key': ['day', 'region']", {"table \"day\"", "orders", "region"}},
    {"'key': ['day']", "'key': ['seconds']", {"table \"day\"", "lines", "seconds"}},
    {"'key': ['day'],", "'key': ['day'], 'title': 4,", {"table \"day\"", "title", "string"}},
    {"'key': ['day'],", "'key': ['day'], 'colour': 4,", {"table \"day\"", "colour", "not known"}},

    /* measures */
    {"{'name': 'orders', 'from'", "{'nam': 'orders', 'from'", {"table \"day\"", "measure 1", "name"}},
    {"{'name': 'orders', 'from'", "{'name': 'or ders', 'from'", {"table \"day\"", "or ders", "letters"}},
    {"{'name': 'orders', 'from'", "{'name': 'day', 'from'", {"measure \"day\"", "already"}},
    {"{'name': 'shipped', 'from'", "{'name': 'orders', 'from'", {"table \"day\"", "measure \"orders\"", "already"}},
    {"'count': true", "'cuont': true", {"table \"day\"", "orders", "did you mean \"count\""}},
    {", 'count': true", "", {"measure \"orders\"", "needs one of"}},
    {"'count': true", "'count': true, 'sum': 'seconds'", {"measure \"orders\"", "count", "sum"}},
    {"'count': true", "'count': 3", {"measure \"orders\"", "true or a column"}},
    {"'from': 'orders', ", "", {"table \"day\"", "measure \"orders\"", "from", "missing"}},
    {"'from': 'orders'", "'from': 'order'", {"measure \"orders\"", "no dataset", "order"}},
    {"'from': 'orders'", "'from': 'products'", {"measure \"orders\"", "partition", "day"}},
    {"'sum': 'total'", "'sum': 'totals'", {"measure \"revenue\"", "lines", "totals"}},
    {"'sum': 'total'", "'sum': true", {"measure \"revenue\"", "takes a column"}},
    {"'sum': 'total'", "'sum': 'order_id'", {"measure \"revenue\"", "only numbers"}},
    {"'min': 'day'", "'min': 'order_id'", {"measure \"first\"", "numbers and dates"}},
    {"'min': 'day'", "'min': 'day', 'scale': 1", {"measure \"first\"", "scale"}},
    {"'scale': 3", "'scale': 13", {"measure \"mean\"", "scale", "0 to 12"}},
    {"'scale': 3", "'scale': -1", {"measure \"mean\"", "scale", "0 to 12"}},
    {"'scale': 3", "'scale': 1.5", {"measure \"mean\"", "scale", "0 to 12"}},
    {"'scale': 3", "'hidden': 'yes'", {"measure \"mean\"", "hidden"}},
    {"'scale': 3", "'per': 0", {"measure \"mean\"", "per"}},
    {"'scale': 3", "'per': 'ten'", {"measure \"mean\"", "per"}},
    {"'scale': 3", "'where': {'status': ['returned']}", {"measure \"mean\"", "where"}},
    {"'count': true", "'count': true, 'per': 3", {"measure \"orders\"", "per", "ratio"}},
    {"'ratio': ['revenue', 'orders']", "'ratio': ['revenue', 'later']", {"measure \"mean\"", "takes 2", "before it"}},
    {"'ratio': ['revenue', 'orders']", "'ratio': ['revenue', 'mean']", {"measure \"mean\"", "before it"}},
    {"'ratio': ['revenue', 'orders']", "'ratio': ['revenue']", {"measure \"mean\"", "takes 2"}},
    {"'ratio': ['revenue', 'orders']", "'ratio': ['revenue', 'orders', 'kept']", {"measure \"mean\"", "takes 2"}},
    {"'ratio': ['revenue', 'orders']", "'rank': 'revenue', 'x': 1", {"mean", "\"x\"", "not known"}},
    {"['first', 'last', 'orders']", "['first', 'last', 'last']", {"measure \"gap\"", "last", "a count"}},
    {"['first', 'last', 'orders']", "['cheapest', 'last', 'orders']", {"measure \"gap\"", "cheapest"}},
    {"{'status': ['returned', 'lost']}", "{'state': ['returned']}", {"lines", "state", "no field or column"}},
    {"{'status': ['returned', 'lost']}", "{'quantity': ['1']}", {"measure \"kept\"", "quantity", "list of texts"}},
    {"{'status': ['returned', 'lost']}", "{'status': 'returned'}", {"measure \"kept\"", "status", "list"}},
    {"{'status': ['returned', 'lost']}",
     "{'status': ['returned', 3]}",
     {"measure \"kept\"", "status", "list of texts"}},
    {"{'status': ['returned', 'lost']}", "{'status': []}", {"measure \"kept\"", "status"}},
    {"'where_not': {'status': ['returned', 'lost']}", "'where_not': 'returned'", {"kept", "where_not", "object"}},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof refusals / sizeof *refusals; r++) {
        struct error error = {0};
        struct shop shop;
        char *kpis = shop_edit(shop_kpis, refusals[r].find, refusals[r].replacement);
        if (load(&shop, kpis, NULL, &error)) fail_msg("%s was taken", refusals[r].replacement);
        for (size_t w = 0; w < 4 && refusals[r].words[w]; w++) {
            if (strstr(error.message, refusals[r].words[w])) continue;
            fail_msg("%s: does not tell of %s: %s", refusals[r].replacement, refusals[r].words[w], error.message);
        }
        if (error.code == ERROR_INVALID && !strstr(error.message, ".json")) fail_msg("no file: %s", error.message);
        assert_true(error.code == ERROR_INVALID || error.code == ERROR_NOT_FOUND);
        memory_free(kpis);
        shop_close(&shop);
    }
}

static void tells_which_tables_there_are(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    assert_null(load(&shop, shop_kpis, "day,weeks", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "\"weeks\""));
    assert_non_null(strstr(error.message, "day, category"));
    shop_close(&shop);
    assert_null(load(&shop, shop_kpis, "da", &error)); /* the beginning of a name is another name */
    assert_non_null(strstr(error.message, "\"da\""));
    shop_close(&shop);
}

static void tells_of_broken_json_and_missing_files(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    assert_null(load(&shop, "{'pipeline': 'shop',\n 'partition' 'day'}", NULL, &error));
    assert_non_null(strstr(error.message, "kpis.json"));
    assert_non_null(strstr(error.message, "line 2"));
    assert_null(kpi_spec_load(shop.arena, "/nowhere/at/all", NULL, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nowhere/at/all/kpis.json"));
    shop_file(&shop, "kpis.json", shop_kpis);
    shop_file(&shop, "lines.json", "{'fields': [{'name': 'id', 'type': 'string'}], 'primaryKey': 'id'}");
    assert_null(kpi_spec_load(shop.arena, shop.folder, NULL, &error));
    assert_non_null(strstr(error.message, "lines.json"));
    assert_non_null(strstr(error.message, "primaryKey"));
    assert_non_null(strstr(error.message, "intern"));
    shop_close(&shop);
}

/* ---- ceilings ---- */

/* A spec with `tables` tables of `measures` counts each, over a dataset of `fields` fields and `columns` columns. */
static void many(struct buffer *into, int tables, int measures, int columns)
{
    buffer_init(into, 0);
    buffer_append_text(into, "{'pipeline': 'p', 'partition': 'day', 'datasets': {"
                             "'orders': {'schema': 'orders.json', 'columns': {'day': {'date': 'created'}");
    for (int c = 0; c < columns; c++) buffer_append_format(into, ", 'c%d': {'month': 'created'}", c);
    buffer_append_text(into, "}}, 'lines': {'schema': 'lines.json', 'joins': {'orders': 'order_id'}, 'columns': {"
                             "'day': 'orders.day'");
    for (int c = 0; c < columns; c++) buffer_append_format(into, ", 'c%d': 'orders.c%d'", c, c);
    buffer_append_text(into, "}}}, 'tables': [");
    for (int t = 0; t < tables; t++) {
        buffer_append_format(into, "%s{'name': 't%d', 'key': ['day'], 'measures': [", t ? ", " : "", t);
        for (int m = 0; m < measures; m++) {
            buffer_append_format(into, "%s{'name': 'm%d', 'from': 'lines', ", m ? ", " : "", m);
            if (m < columns)
                buffer_append_format(into, "'count': 'c%d'}", m);
            else
                buffer_append_text(into, "'count': true}");
        }
        buffer_append_text(into, "]}");
    }
    buffer_append_text(into, "]}");
}

static void keeps_its_ceilings(void **state)
{
    (void)state;
    static const struct {
        int tables, measures, columns;
        const char *words;
    } cases[] = {{KPI_MAX_TABLES, 1, 0, NULL},
                 {KPI_MAX_TABLES + 1, 1, 0, "more than 64 tables"},
                 {1, KPI_MAX_MEASURES, 0, NULL},
                 {1, KPI_MAX_MEASURES + 1, 0, "more than 24 measures"},
                 {1, 21, 21, NULL},
                 {2, 0, 0, "needs a measure"},
                 {1, 1, KPI_MAX_COLUMNS, "more than 64 columns"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        struct shop shop;
        struct buffer text;
        many(&text, cases[i].tables, cases[i].measures, cases[i].columns);
        bool good = load(&shop, buffer_text(&text), NULL, &error) != NULL;
        if (good != !cases[i].words) fail_msg("case %zu: %s", i, error.message);
        if (!good && !strstr(error.message, cases[i].words)) fail_msg("case %zu: %s", i, error.message);
        buffer_free(&text);
        shop_close(&shop);
    }
}

/* Two tables of 20 columns each: children take 41 of their parent, more than its index holds. */
static void refuses_too_many_parent_columns(void **state)
{
    (void)state;
    struct error error = {0};
    struct shop shop;
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "{'pipeline': 'p', 'partition': 'day', 'datasets': {"
                              "'orders': {'schema': 'orders.json', 'columns': {'day': {'date': 'created'}");
    for (int c = 0; c < 25; c++) buffer_append_format(&text, ", 'c%d': {'month': 'created'}", c);
    buffer_append_text(&text, "}}, 'lines': {'schema': 'lines.json', 'joins': {'orders': 'order_id'}, 'columns': {"
                              "'day': 'orders.day'");
    for (int c = 0; c < 25; c++) buffer_append_format(&text, ", 'c%d': 'orders.c%d'", c, c);
    buffer_append_text(&text, "}}}, 'tables': [");
    for (int t = 0; t < 25; t++) {
        buffer_append_format(&text,
                             "%s{'name': 't%d', 'key': ['c%d'], 'measures': ["
                             "{'name': 'n', 'from': 'lines', 'count': true}]}",
                             t ? ", " : "", t, t);
    }
    buffer_append_text(&text, "]}");
    assert_null(load(&shop, buffer_text(&text), NULL, &error));
    assert_non_null(strstr(error.message, "dataset \"orders\""));
    assert_non_null(strstr(error.message, "24 is the most"));
    buffer_free(&text);
    shop_close(&shop);
}

static void refuses_a_schema_of_too_many_fields(void **state)
{
    (void)state;
    for (int fields = KPI_MAX_FIELDS; fields <= KPI_MAX_FIELDS + 1; fields++) {
        struct error error = {0};
        struct shop shop;
        struct buffer text;
        shop_write(&shop, shop_kpis);
        buffer_init(&text, 0);
        buffer_append_text(&text, "{'primaryKey': 'id', 'fields': [{'name': 'id', 'type': 'string', 'intern': true},"
                                  "{'name': 'category', 'type': 'string', 'intern': true},"
                                  "{'name': 'cost', 'type': 'number', 'scale': 2}");
        for (int f = 3; f < fields; f++) buffer_append_format(&text, ", {'name': 'f%d', 'type': 'string'}", f);
        buffer_append_text(&text, "]}");
        shop_file(&shop, "products.json", buffer_text(&text));
        buffer_free(&text);
        shop.spec = kpi_spec_load(shop.arena, shop.folder, NULL, &error);
        assert_int_equal(shop.spec != NULL, fields <= KPI_MAX_FIELDS);
        if (!shop.spec) {
            assert_non_null(strstr(error.message, "products.json"));
            assert_non_null(strstr(error.message, "63 fields"));
        }
        shop_close(&shop);
    }
}

static bool load_once(void *context, struct error *error)
{
    const char *folder = context;
    struct arena *arena = arena_new(0, error);
    struct kpi_spec *spec = arena ? kpi_spec_load(arena, folder, "day", error) : NULL;
    if (spec) kpi_spec_free(spec);
    if (arena) arena_free(arena);
    return spec != NULL;
}

static void survives_want_of_memory(void **state)
{
    (void)state;
    struct shop shop;
    shop_write(&shop, shop_kpis);
    torture_walk(load_once, shop.folder);
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_shop),
        cmocka_unit_test(reads_measures),
        cmocka_unit_test(keeps_what_the_wanted_tables_need),
        cmocka_unit_test(takes_a_field_as_partition),
        cmocka_unit_test(refuses),
        cmocka_unit_test(tells_which_tables_there_are),
        cmocka_unit_test(tells_of_broken_json_and_missing_files),
        cmocka_unit_test(keeps_its_ceilings),
        cmocka_unit_test(refuses_too_many_parent_columns),
        cmocka_unit_test(refuses_a_schema_of_too_many_fields),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A small KPI pipeline in a temporary folder, for tests of the engine: products, orders and the lines of orders. Single
 * quotes in its texts stand for double ones. */
#ifndef AISLE_TESTS_SUPPORT_SHOP_H
#define AISLE_TESTS_SUPPORT_SHOP_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"
#include "kpi/rows.h"
#include "kpi/spec.h"
#include "support/unit.h"

enum { PRODUCTS, ORDERS, LINES };                                                  /* datasets */
enum { PRODUCT_ID, PRODUCT_CATEGORY, PRODUCT_COST, PRODUCT_NOTE, PRODUCT_FIELDS }; /* fields */
enum { ORDER_ID, ORDER_CREATED, ORDER_SHIPPED, ORDER_STATUS, ORDER_NOTE, ORDER_FIELDS };
enum { LINE_ID, LINE_ORDER, LINE_PRODUCT, LINE_PRICE, LINE_QUANTITY, LINE_FIELDS };

static const char shop_products[] =
    "{'primaryKey': 'id', 'match': ['products'], 'fields': ["
    "{'name': 'id', 'type': 'string', 'intern': true},"
    "{'name': 'category', 'type': 'string', 'intern': true, 'constraints': {'required': true}},"
    "{'name': 'cost', 'type': 'number', 'scale': 2, 'optional': true},"
    "{'name': 'note', 'type': 'string', 'optional': true}]}";

static const char shop_orders[] =
    "{'primaryKey': 'id', 'match': ['orders'], 'version': ['created', 'shipped'], 'fields': ["
    "{'name': 'id', 'type': 'string', 'intern': true},"
    "{'name': 'created', 'type': 'datetime', 'format': 'any', 'constraints': {'required': true}},"
    "{'name': 'shipped', 'type': 'datetime', 'format': 'any', 'optional': true},"
    "{'name': 'status', 'type': 'string', 'intern': true, 'optional': true},"
    "{'name': 'note', 'type': 'string', 'optional': true}]}";

static const char shop_lines[] =
    "{'primaryKey': 'id', 'match': ['lines', 'order_lines'], 'fields': ["
    "{'name': 'id', 'type': 'string', 'intern': true},"
    "{'name': 'order_id', 'type': 'string', 'intern': true, 'constraints': {'required': true}},"
    "{'name': 'product_id', 'type': 'string', 'intern': true, 'constraints': {'required': true}},"
    "{'name': 'price', 'type': 'number', 'scale': 2, 'constraints': {'required': true}},"
    "{'name': 'quantity', 'type': 'integer', 'optional': true}]}";

static const char shop_kpis[] =
    "{'pipeline': 'shop', 'partition': 'day', 'datasets': {"
    " 'products': {'schema': 'products.json'},"
    " 'orders': {'schema': 'orders.json', 'columns': {'day': {'date': 'created'}, 'month': {'month': 'created'},"
    "  'seconds': {'seconds': ['created', 'shipped']}}, 'cleaned': ['month']},"
    " 'lines': {'schema': 'lines.json', 'joins': {'orders': 'order_id', 'products': 'product_id'}, 'columns': {"
    "  'day': 'orders.day', 'month': 'orders.month', 'status': 'orders.status', 'category': 'products.category',"
    "  'total': {'multiply': ['price', 'quantity']}, 'spent': {'multiply': ['products.cost', 'quantity']}}}},"
    "'tables': ["
    " {'name': 'day', 'key': ['day'], 'measures': ["
    "  {'name': 'orders', 'from': 'orders', 'count': true},"
    "  {'name': 'shipped', 'from': 'orders', 'count': 'seconds'},"
    "  {'name': 'revenue', 'from': 'lines', 'sum': 'total'},"
    "  {'name': 'kept', 'from': 'lines', 'sum': 'total', 'where_not': {'status': ['returned', 'lost']}},"
    "  {'name': 'spent', 'from': 'lines', 'sum': 'spent'},"
    "  {'name': 'mean', 'ratio': ['revenue', 'orders'], 'scale': 3}]},"
    " {'name': 'category', 'key': ['category', 'month'], 'measures': ["
    "  {'name': 'orders', 'from': 'lines', 'distinct': 'order_id'},"
    "  {'name': 'units', 'from': 'lines', 'sum': 'quantity'},"
    "  {'name': 'first', 'from': 'lines', 'min': 'day'},"
    "  {'name': 'last', 'from': 'lines', 'max': 'day'},"
    "  {'name': 'cheapest', 'from': 'lines', 'min': 'price'},"
    "  {'name': 'gap', 'mean_gap': ['first', 'last', 'orders'], 'scale': 2},"
    "  {'name': 'rank', 'rank': 'units'}]}]}";

struct shop {
    struct arena *arena;
    char folder[32];
    struct kpi_spec *spec;
};

/* Writes a file of the folder. */
static inline void shop_file(const struct shop *shop, const char *name, const char *text)
{
    struct error error = {0};
    char path[256];
    char *copy = memory_copy_text(text, strlen(text), &error);
    assert_non_null(copy);
    for (char *c = copy; *c; c++) *c = *c == '\'' ? '"' : *c;
    assert_true((size_t)snprintf(path, sizeof path, "%s/%s", shop->folder, name) < sizeof path);
    if (!file_store(path, copy, strlen(copy), &error)) fail_msg("%s", error.message);
    memory_free(copy);
}

/* The folder and its files; the spec is not read yet. */
static inline void shop_write(struct shop *shop, const char *kpis)
{
    struct error error = {0};
    strcpy(shop->folder, "/tmp/aisle-shop-XXXXXX");
    assert_non_null(mkdtemp(shop->folder));
    shop->spec = NULL;
    shop->arena = arena_new(0, &error);
    assert_non_null(shop->arena);
    shop_file(shop, "products.json", shop_products);
    shop_file(shop, "orders.json", shop_orders);
    shop_file(shop, "lines.json", shop_lines);
    shop_file(shop, "kpis.json", kpis);
}

static inline void shop_open(struct shop *shop, const char *kpis)
{
    struct error error = {0};
    shop_write(shop, kpis);
    shop->spec = kpi_spec_load(shop->arena, shop->folder, NULL, &error);
    if (!shop->spec) fail_msg("%s", error.message);
}

static inline void shop_close(struct shop *shop)
{
    struct error error;
    if (shop->spec) kpi_spec_free(shop->spec);
    arena_free(shop->arena);
    assert_true(file_remove_tree(shop->folder, &error));
}

/* `text` with the first `find` in it replaced. The caller frees. */
static inline char *shop_edit(const char *text, const char *find, const char *replacement)
{
    struct error error = {0};
    const char *at = strstr(text, find);
    if (!at) fail_msg("there is no %s to replace", find);
    struct buffer edited;
    buffer_init(&edited, 0);
    buffer_append(&edited, text, (size_t)(at - text));
    buffer_append_text(&edited, replacement);
    buffer_append_text(&edited, at + strlen(find));
    char *copy = memory_copy_text(buffer_text(&edited), edited.length, &error);
    buffer_free(&edited);
    assert_non_null(copy);
    return copy;
}

/* The text of a free text field whose value is `value`: a few bytes that differ where values do. */
static inline int shop_text(int64_t value, char text[24])
{
    return snprintf(text, 24, "note %lld", (long long)value);
}

static inline void shop_text_column(struct column *column, const int64_t *values, size_t stride, size_t rows)
{
    struct error error = {0};
    column->kind = COLUMN_TEXT;
    column->starts = memory_array(rows + 1, sizeof *column->starts, &error);
    column->bytes = memory_array(rows + 1, 24, &error);
    column->nulls = memory_zeroed((rows / 64 + 1) * sizeof *column->nulls, &error);
    assert_true(column->starts && column->bytes && column->nulls);
    column->starts[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        int64_t value = values[i * stride];
        char text[24];
        int length = value == COLUMN_NULL ? 0 : shop_text(value, text);
        memcpy(column->bytes + column->starts[i], text, (size_t)length);
        column->starts[i + 1] = column->starts[i] + (uint32_t)length;
        if (value == COLUMN_NULL) column->nulls[i / 64] |= UINT64_C(1) << i % 64;
    }
}

/* A batch of rows from their values, row by row in the order of the schema's fields. Line 2 is the first. */
static inline struct batch *shop_batch(const struct kpi_dataset *dataset, const int64_t *values, size_t rows)
{
    struct error error = {0};
    size_t fields = dataset->schema->field_count;
    struct batch *batch = memory_zeroed(sizeof *batch, &error);
    int64_t *column = memory_array(rows + 1, sizeof *column, &error);
    assert_true(batch && column);
    batch->rows = (uint32_t)rows;
    batch->columns = (uint32_t)fields;
    batch->first_line = 2;
    batch->column = memory_zeroed(fields * sizeof *batch->column, &error);
    assert_non_null(batch->column);
    for (size_t f = 0; f < fields; f++) {
        enum column_kind kind = dataset->schema->fields[f].kind;
        for (size_t i = 0; i < rows; i++) column[i] = values[i * fields + f];
        if (kind == COLUMN_TEXT)
            shop_text_column(&batch->column[f], values + f, fields, rows);
        else
            assert_true(column_pack(&batch->column[f], kind, column, rows, &error));
    }
    memory_free(column);
    return batch;
}

/* Adds such a batch to a list. */
static inline void shop_add(struct row_list *list, const struct kpi_dataset *dataset, const int64_t *values,
                            size_t rows, int64_t source)
{
    struct error error = {0};
    struct rows item = {.batch = shop_batch(dataset, values, rows), .source = source};
    assert_true(row_list_add(list, item, &error));
}

#endif

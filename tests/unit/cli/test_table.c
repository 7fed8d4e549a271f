#include "cli/table.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "support/torture.h"
#include "support/unit.h"

static const struct table_column columns[] = {
    {.title = "category", .kind = TABLE_TEXT},
    {.title = "orders", .kind = TABLE_NUMBER},
    {.title = "", .kind = TABLE_BAR},
    {.title = "revenue", .kind = TABLE_NUMBER},
};

struct row {
    const char *category, *orders;
    double bar;
    const char *revenue;
};

static const struct row rows[] = {
    {"Electronics", "1200", 12, "98765.40"},
    {"Möbel", "5", 3, "12.00"},
    {"日本", "", 0, "-1234.50"},
};

static void put(struct table *table, const struct row *row)
{
    table_text(table, str_of(row->category));
    table_text(table, str_of(row->orders));
    table_bar(table, row->bar);
    table_text(table, str_of(row->revenue));
}

static bool fill(FILE *out, const struct terminal *terminal, bool thousands, bool totals, struct error *error)
{
    struct table *table = table_new(out, terminal, columns, 4, error);
    if (table == NULL) return false;
    if (thousands) table_separate_thousands(table);
    for (size_t i = 0; i < 3; i++) {
        put(table, &rows[i]);
        table_end_row(table);
    }
    if (totals) {
        table_text(table, str_of("total"));
        table_text(table, str_of("1205"));
        table_blank(table);
        table_text(table, str_of("97542.90"));
        table_end_totals(table);
    }
    bool good = table_finish(table, error);
    table_free(table);
    return good;
}

static void shows(const struct terminal *terminal, bool thousands, bool totals, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct error error = {0};
    assert_true(fill(out, terminal, thousands, totals, &error));
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void aligns_words_left_and_numbers_right(void **state)
{
    (void)state;
    static const struct terminal terminal = {.utf8 = true};
    shows(&terminal, false, false,
          "category     orders                 revenue\n"
          "───────────  ──────  ────────────  ────────\n"
          "Electronics    1200  ████████████  98765.40\n"
          "Möbel             5  ███              12.00\n"
          "日本              -                -1234.50\n");
}

static void sums_stand_below_a_line(void **state)
{
    (void)state;
    static const struct terminal terminal = {.utf8 = false};
    shows(&terminal, true, true,
          "category     orders                  revenue\n"
          "-----------  ------  ------------  ---------\n"
          "Electronics   1,200  ############  98,765.40\n"
          "Möbel             5  ###               12.00\n"
          "日本              -                -1,234.50\n"
          "-----------  ------  ------------  ---------\n"
          "total         1,205                97,542.90\n");
}

static void fits_a_narrow_terminal(void **state)
{
    (void)state;
    static const struct terminal bar_shrinks = {.utf8 = true, .width = 38};
    shows(&bar_shrinks, false, false,
          "category     orders            revenue\n"
          "───────────  ──────  ───────  ────────\n"
          "Electronics    1200  ███████  98765.40\n"
          "Möbel             5  █▊          12.00\n"
          "日本              -           -1234.50\n");
    static const struct terminal text_is_cut = {.utf8 = true, .width = 27};
    shows(&text_is_cut, false, false,
          "category   orders   revenue\n"
          "─────────  ──────  ────────\n"
          "Electron…    1200  98765.40\n"
          "Möbel           5     12.00\n"
          "日本            -  -1234.50\n");
    static const struct terminal column_goes = {.utf8 = true, .width = 20};
    shows(&column_goes, false, false,
          "category  orders\n"
          "────────  ──────\n"
          "Electro…    1200\n"
          "Möbel          5\n"
          "日本           -\n"
          "1 more column: widen the terminal\n");
}

static void long_titles_break_before_anything_is_cut(void **state)
{
    (void)state;
    static const struct table_column broken[] = {
        {.title = "order_date", .kind = TABLE_WHOLE},
        {.title = "avg_order_value", .kind = TABLE_NUMBER},
        {.title = "brand", .kind = TABLE_TEXT},
    };
    static const struct {
        int width;
        const char *expected;
    } cases[] = {
        {40, "order_date  avg_order_value  brand\n"
             "──────────  ───────────────  ─────────\n"
             "2025-04-01             7.50  Acme Corp\n"},
        {35, "              avg_order_\n"
             "order_date         value  brand\n"
             "──────────  ────────────  ─────────\n"
             "2025-04-01          7.50  Acme Corp\n"},
        {29, "              avg_\n"
             "            order_\n"
             "order_date   value  brand\n"
             "──────────  ──────  ─────────\n"
             "2025-04-01    7.50  Acme Corp\n"},
        {28, "              avg_\n"
             "            order_\n"
             "order_date   value  brand\n"
             "──────────  ──────  ────────\n"
             "2025-04-01    7.50  Acme Co…\n"},
        {20, "              avg_\n"
             "            order_\n"
             "order_date   value\n"
             "──────────  ──────\n"
             "2025-04-01    7.50\n"
             "1 more column: widen the terminal\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct terminal terminal = {.utf8 = true, .width = cases[i].width};
        char *text = NULL;
        size_t size = 0;
        struct error error = {0};
        FILE *out = open_memstream(&text, &size);
        struct table *table = table_new(out, &terminal, broken, 3, &error);
        table_text(table, str_of("2025-04-01"));
        table_text(table, str_of("7.50"));
        table_text(table, str_of("Acme Corp"));
        table_end_row(table);
        assert_true(table_finish(table, &error));
        table_free(table);
        fclose(out);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
}

static void long_tables_stream(void **state)
{
    (void)state;
    static const struct terminal terminal = {.utf8 = true};
    static const struct table_column two[] = {{.title = "n", .kind = TABLE_NUMBER}, {.title = "text"}};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct error error = {0};
    struct table *table = table_new(out, &terminal, two, 2, &error);
    size_t last = (size_t)TABLE_MEASURED * 3 + 7;
    for (size_t i = 1; i <= last; i++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", i);
        table_text(table, str_of(number));
        table_text(table, str_of("x"));
        table_end_row(table);
        if (i == TABLE_MEASURED) {
            fflush(out);
            assert_true(size > 0);
        }
    }
    assert_true(table_finish(table, &error));
    table_free(table);
    fclose(out);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
    assert_int_equal(lines, last + 2);
    assert_non_null(strstr(text, "\n   1  x\n   2  x\n"));
    assert_non_null(strstr(text, "\n2000  x\n2001  x\n"));
    assert_non_null(strstr(text, "\n6007  x\n"));
    free(text);
}

static bool fill_nowhere(void *context, struct error *error)
{
    static const struct terminal terminal = {.utf8 = true, .width = 27};
    return fill(context, &terminal, true, true, error);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    FILE *nowhere = fopen("/dev/null", "w");
    torture_walk(fill_nowhere, nowhere);
    fclose(nowhere);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns_words_left_and_numbers_right),
        cmocka_unit_test(sums_stand_below_a_line),
        cmocka_unit_test(fits_a_narrow_terminal),
        cmocka_unit_test(long_titles_break_before_anything_is_cut),
        cmocka_unit_test(long_tables_stream),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

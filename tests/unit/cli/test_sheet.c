#include "cli/sheet.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "support/torture.h"
#include "support/unit.h"

enum { COLUMNS = 4 };
static const struct value_column named[COLUMNS] = {
    {.name = "category", .kind = COLUMN_TERM},
    {.name = "order_date", .kind = COLUMN_DATE},
    {.name = "revenue", .kind = COLUMN_DECIMAL, .scale = 2, .least_decimals = 2},
    {.name = "rate", .kind = COLUMN_DECIMAL, .scale = 4, .least_decimals = 4},
};
static const bool additive[COLUMNS] = {false, false, true, false};

struct job {
    struct terms *terms;
    struct sheet_options options;
    size_t rows;
};

static bool write_rows(void *context, struct error *error)
{
    const struct job *job = context;
    static const int64_t dates[] = {20179, 20180, 20181}, revenues[] = {125000, 50, COLUMN_NULL},
                         rates[] = {333, 333, 333};
    int64_t names[] = {
        term_of(job->terms, str_of("Home, \"&\" Garden"), error),
        term_of(job->terms, str_of("Toys"), error),
        term_of(job->terms, str_of("a\nb"), error),
    };
    if (names[0] == TERM_NULL || names[1] == TERM_NULL || names[2] == TERM_NULL) return false;
    const int64_t *const values[COLUMNS] = {names, dates, revenues, rates};
    struct value_column columns[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        columns[c] = named[c];
        columns[c].values = values[c];
    }
    struct sheet *sheet = sheet_new(columns, COLUMNS, &job->options, error);
    bool good = sheet != NULL;
    for (size_t i = 0; i < job->rows && good; i++) good = sheet_write(sheet, columns, i, 1, error);
    good = good && sheet_finish(sheet, error);
    sheet_free(sheet);
    return good;
}

static void shows(enum sheet_form form, size_t rows, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    struct error error = {0};
    struct job job = {
        .terms = terms_new(&error),
        .options =
            {.form = form, .out = open_memstream(&text, &size), .additive = additive, .bar = 2, .thousands = true},
        .rows = rows,
    };
    job.options.terms = job.terms;
    if (!write_rows(&job, &error)) fail_msg("%s", error.message);
    fclose(job.options.out);
    assert_string_equal(text, expected);
    free(text);
    terms_free(job.terms);
}

static void csv_quotes_what_must_be_quoted(void **state)
{
    (void)state;
    shows(SHEET_CSV, 3,
          "category,order_date,revenue,rate\n"
          "\"Home, \"\"&\"\" Garden\",2025-04-01,1250.00,0.0333\n"
          "Toys,2025-04-02,0.50,0.0333\n"
          "\"a\nb\",2025-04-03,,0.0333\n");
    shows(SHEET_CSV, 0, "category,order_date,revenue,rate\n");
}

static void json_is_one_array(void **state)
{
    (void)state;
    shows(SHEET_JSON, 3,
          "[{\"category\":\"Home, \\\"&\\\" Garden\",\"order_date\":\"2025-04-01\",\"revenue\":1250.00,"
          "\"rate\":0.0333},\n"
          " {\"category\":\"Toys\",\"order_date\":\"2025-04-02\",\"revenue\":0.50,\"rate\":0.0333},\n"
          " {\"category\":\"a\\nb\",\"order_date\":\"2025-04-03\",\"revenue\":null,\"rate\":0.0333}]\n");
    shows(SHEET_JSON, 0, "[]\n");
}

static void json_lines_are_objects(void **state)
{
    (void)state;
    shows(SHEET_JSON_LINES, 2,
          "{\"category\":\"Home, \\\"&\\\" Garden\",\"order_date\":\"2025-04-01\",\"revenue\":1250.00,"
          "\"rate\":0.0333}\n"
          "{\"category\":\"Toys\",\"order_date\":\"2025-04-02\",\"revenue\":0.50,\"rate\":0.0333}\n");
    shows(SHEET_JSON_LINES, 0, "");
}

static void a_table_has_bars_and_sums(void **state)
{
    (void)state;
    shows(SHEET_TABLE, 3,
          "category          order_date   revenue                  rate\n"
          "────────────────  ──────────  ────────  ────────────  ──────\n"
          "Home, \"&\" Garden  2025-04-01  1,250.00  ████████████  0.0333\n"
          "Toys              2025-04-02      0.50  ▏             0.0333\n"
          "a\uFFFDb               2025-04-03         -                0.0333\n"
          "────────────────  ──────────  ────────  ────────────  ──────\n"
          "total                         1,250.50\n");
    shows(SHEET_TABLE, 1,
          "category          order_date   revenue                  rate\n"
          "────────────────  ──────────  ────────  ────────────  ──────\n"
          "Home, \"&\" Garden  2025-04-01  1,250.00  ████████████  0.0333\n");
}

static void a_sum_that_does_not_fit_is_not_shown(void **state)
{
    (void)state;
    static const int64_t days[] = {0, 0}, numbers[] = {INT64_MAX, INT64_MAX};
    static const struct value_column one[] = {
        {.name = "day", .kind = COLUMN_DATE, .values = days},
        {.name = "n", .kind = COLUMN_INTEGER, .values = numbers},
    };
    static const bool summed[] = {false, true};
    char *text = NULL;
    size_t size = 0;
    struct error error = {0};
    struct sheet_options options = {
        .form = SHEET_TABLE, .out = open_memstream(&text, &size), .additive = summed, .bar = SHEET_NO_BAR};
    struct sheet *sheet = sheet_new(one, 2, &options, &error);
    assert_true(sheet_write(sheet, one, 0, 2, &error) && sheet_finish(sheet, &error));
    sheet_free(sheet);
    fclose(options.out);
    assert_string_equal(strrchr(text, 'l'), "l\n");
    free(text);
}

static void texts_stand_beside_values(void **state)
{
    (void)state;
    static const int64_t ids[] = {1, 2, 3};
    const struct str notes[] = {str_of("a,b"), {NULL, 0}, str_of("")};
    const struct value_column two[] = {
        {.name = "id", .kind = COLUMN_INTEGER, .values = ids},
        {.name = "note", .kind = COLUMN_TEXT, .texts = notes},
    };
    static const char *const expected[] = {
        [SHEET_TABLE] = "id  note\n──  ────\n 1  a,b\n 2\n 3\n",
        [SHEET_CSV] = "id,note\n1,\"a,b\"\n2,\n3,\"\"\n",
        [SHEET_JSON] = "[{\"id\":1,\"note\":\"a,b\"},\n {\"id\":2,\"note\":null},\n {\"id\":3,\"note\":\"\"}]\n",
        [SHEET_JSON_LINES] = "{\"id\":1,\"note\":\"a,b\"}\n{\"id\":2,\"note\":null}\n{\"id\":3,\"note\":\"\"}\n",
    };
    for (int form = SHEET_TABLE; form <= SHEET_JSON_LINES; form++) {
        char *text = NULL;
        size_t size = 0;
        struct error error = {0};
        struct sheet_options options = {
            .form = (enum sheet_form)form, .out = open_memstream(&text, &size), .bar = SHEET_NO_BAR};
        struct sheet *sheet = sheet_new(two, 2, &options, &error);
        assert_true(sheet_write(sheet, two, 0, 3, &error));
        assert_true(sheet_finish(sheet, &error));
        sheet_free(sheet);
        fclose(options.out);
        assert_string_equal(text, expected[form]);
        free(text);
    }
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    struct job job = {.terms = terms, .options = {.terms = terms, .additive = additive, .bar = 2}, .rows = 3};
    FILE *nowhere = fopen("/dev/null", "w");
    for (int form = SHEET_TABLE; form <= SHEET_JSON_LINES; form++) {
        job.options.form = (enum sheet_form)form;
        job.options.out = nowhere;
        torture_walk(write_rows, &job);
    }
    fclose(nowhere);
    terms_free(terms);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_what_must_be_quoted),
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(a_table_has_bars_and_sums),
        cmocka_unit_test(a_sum_that_does_not_fit_is_not_shown),
        cmocka_unit_test(texts_stand_beside_values),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

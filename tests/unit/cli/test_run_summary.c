#include "cli/run_summary.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "support/torture.h"
#include "support/unit.h"

static const char *const record_text =
    "{\"run\": \"01JX3\", \"pipeline\": \"orders\", \"status\": \"DONE\", \"seconds\": 0.834, \"datasets\": {"
    "\"orders\": {\"read\": 1200, \"valid\": 1190, \"rejected\": 7, \"duplicate\": 3, \"pending\": 0},"
    "\"order_items\": {\"read\": 3400, \"valid\": 3300, \"rejected\": 0, \"duplicate\": 0, \"pending\": 100}},"
    "\"totals\": {\"orders\": {\"read\": 2200, \"valid\": 2190, \"rejected\": 7, \"duplicate\": 3, \"pending\": 0}},"
    "\"files\": ["
    "{\"file\": \"orders_part1.csv\", \"outcome\": \"taken\", \"read\": 10, \"rejected\": 0, "
    "\"dataset\": \"orders\", \"notice\": \"unknown column x\"},"
    "{\"file\": \"orders_part2.csv\", \"outcome\": \"taken\", \"read\": 1000, \"rejected\": 7, "
    "\"rejects\": \"rejected/o2.csv\", \"dataset\": \"orders\", \"notice\": \"unknown column x\"},"
    "{\"file\": \"a\\u001b[2Jb.csv\", \"outcome\": \"invalid\", \"problem\": \"no header\"},"
    "{\"file\": \"old.csv\", \"outcome\": \"skipped\", \"reason\": \"taken by run 01JX2\"}],"
    "\"not_of_a_dataset\": [\"readme.txt\"], \"pending_resolved\": 12, \"days_recomputed\": 3, \"invalid\": [],"
    "\"notices\": [\"a\\u001b[2Jb\", {\"file\": \"x.csv\"}]}";

static void shows(const char *json, const char *expected)
{
    struct error error = {0};
    json_t *record = json_read(json, strlen(json), "test", &error);
    assert_non_null(record);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_true(run_summary_write(out, record, &error));
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    json_decref(record);
}

static void the_rows_of_each_dataset_add_up(void **state)
{
    (void)state;
    shows(record_text, "Run 01JX3  DONE  in 0.83 s\n"
                       "\n"
                       "this run      read  valid  rejected  duplicate  pending\n"
                       "───────────  ─────  ─────  ────────  ─────────  ───────\n"
                       "orders       1,200  1,190         7          3        0\n"
                       "order_items  3,400  3,300         0          0      100\n"
                       "───────────  ─────  ─────  ────────  ─────────  ───────\n"
                       "total        4,600  4,490         7          3      100\n"
                       "\n"
                       "all runs   read  valid  rejected  duplicate  pending\n"
                       "────────  ─────  ─────  ────────  ─────────  ───────\n"
                       "orders    2,200  2,190         7          3        0\n"
                       "────────  ─────  ─────  ────────  ─────────  ───────\n"
                       "total     2,200  2,190         7          3        0\n"
                       "\n"
                       "orders_part2.csv: 7 of 1,000 rows rejected, kept in rejected/o2.csv\n"
                       "a\uFFFD[2Jb.csv: invalid: no header\n"
                       "old.csv: skipped: taken by run 01JX2\n"
                       "\n"
                       "orders: unknown column x (2 files)\n"
                       "\n"
                       "left alone, of no dataset: 1 (--json lists them)\n"
                       "\n"
                       "  pending resolved: 12\n"
                       "  days recomputed: 3\n"
                       "  notices:\n"
                       "    a\uFFFD[2Jb\n"
                       "    {\"file\":\"x.csv\"}\n");
}

static void what_is_not_there_is_left_out(void **state)
{
    (void)state;
    shows("{\"status\": \"FAILED\", \"datasets\": {}, \"error\": null}", "FAILED\n\n");
}

struct job {
    FILE *out;
    json_t *record;
};

static bool write_some(void *context, struct error *error)
{
    const struct job *job = context;
    return run_summary_write(job->out, job->record, error);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct error error = {0};
    struct job job = {
        .out = fopen("/dev/null", "w"),
        .record = json_read(record_text, strlen(record_text), "test", &error),
    };
    torture_walk(write_some, &job);
    fclose(job.out);
    json_decref(job.record);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_of_each_dataset_add_up),
        cmocka_unit_test(what_is_not_there_is_left_out),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

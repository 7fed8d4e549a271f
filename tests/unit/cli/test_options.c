#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "support/torture.h"
#include "support/unit.h"

static const char *const formats[] = {"csv", "jsonl", "parquet", NULL};

enum { ROWS, LIMIT, DIRTY, FROM, FORMAT, OUTPUT, JSON, QUIET, DATA };
static const struct option table[] = {
    [ROWS] = {.name = "rows",
              .letter = 'n',
              .kind = VALUE_COUNT,
              .argument = "N",
              .fallback = "1000",
              .minimum = 1,
              .maximum = 5000,
              .help = "rows to make"},
    [LIMIT] = {.name = "memory-limit", .kind = VALUE_SIZE, .argument = "SIZE", .help = "memory to use"},
    [DIRTY] = {.name = "dirty", .kind = VALUE_SHARE, .argument = "SHARE", .fallback = "0.01", .help = "dirty rows"},
    [FROM] = {.name = "from", .kind = VALUE_DATE, .argument = "DATE", .help = "first day"},
    [FORMAT] = {.name = "format",
                .letter = 'f',
                .kind = VALUE_CHOICE,
                .argument = "FORMAT",
                .choices = formats,
                .help = "what to write"},
    [OUTPUT] = {.name = "output", .letter = 'o', .kind = VALUE_FILE, .argument = "FILE", .help = "where to"},
    [JSON] = {.name = "json", .letter = 'j', .kind = VALUE_FLAG, .help = "print JSON"},
    [QUIET] = {.name = "quiet", .letter = 'q', .kind = VALUE_FLAG, .help = "say less"},
    [DATA] = {.name = "data",
              .kind = VALUE_FOLDER,
              .argument = "DIR",
              .fallback = "./aisle-data",
              .environment = "AISLE_TEST_DATA",
              .help = "the data folder"},
};

static const struct operand operands[] = {
    {.name = "TABLE", .kind = VALUE_TEXT, .help = "which"},
    {.name = "PATH", .kind = VALUE_FILE, .help = "where", .optional = true, .repeats = true},
};

static const struct command command = {
    .name = "thing",
    .options = table,
    .option_count = COUNT_OF(table),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
};

/* Splits `line` at its spaces and parses it. */
static bool parse_with(const struct command *with, const char *line, struct options *options, struct error *error)
{
    static char words[500];
    static char *argv[40];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) argv[argc++] = word;
    argv[argc] = NULL;
    return options_parse(options, with, argc, argv, error);
}

static void refuse(const char *line, const char *message)
{
    struct options options;
    struct error error = {0};
    assert_false(parse_with(&command, line, &options, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.message, message);
    options_free(&options);
}

static struct options accept(const char *line)
{
    struct options options;
    struct error error = {0};
    if (!parse_with(&command, line, &options, &error)) fail_msg("'%s' was refused: %s", line, error.message);
    return options;
}

static void takes_every_way_to_write_an_option(void **state)
{
    (void)state;
    struct options given = accept("thing -jq --rows 12 t --memory-limit=2G -ofile.csv -f jsonl --dirty 5% a b");
    assert_int_equal(given.values[ROWS].number, 12);
    assert_int_equal(given.values[LIMIT].number, INT64_C(2) << 30);
    assert_true(given.values[DIRTY].real > 0.0499 && given.values[DIRTY].real < 0.0501);
    assert_int_equal(given.values[FORMAT].number, 1);
    assert_string_equal(given.values[OUTPUT].text, "file.csv");
    assert_int_equal(given.values[JSON].number, 1);
    assert_int_equal(given.values[QUIET].number, 1);
    assert_int_equal(given.operand_count, 3);
    assert_string_equal(given.operands[0], "t");
    assert_string_equal(given.operands[2], "b");
    options_free(&given);
}

static void words_after_two_dashes_are_operands(void **state)
{
    (void)state;
    struct options given = accept("thing -j - -- --rows -- -q");
    assert_int_equal(given.operand_count, 4);
    assert_string_equal(given.operands[0], "-");
    assert_string_equal(given.operands[1], "--rows");
    assert_string_equal(given.operands[2], "--");
    assert_false(given.values[QUIET].given);
    options_free(&given);
}

static void falls_back_to_variable_then_default(void **state)
{
    (void)state;
    unsetenv("AISLE_TEST_DATA");
    struct options given = accept("thing t");
    assert_int_equal(given.values[ROWS].number, 1000);
    assert_false(given.values[ROWS].given);
    assert_string_equal(given.values[DATA].text, "./aisle-data");
    assert_int_equal(given.values[FORMAT].number, -1);
    assert_null(given.values[FROM].text);
    options_free(&given);
    setenv("AISLE_TEST_DATA", "/somewhere", 1);
    given = accept("thing t");
    assert_string_equal(given.values[DATA].text, "/somewhere");
    options_free(&given);
    given = accept("thing t --data here");
    assert_string_equal(given.values[DATA].text, "here");
    options_free(&given);
    setenv("AISLE_TEST_DATA", "", 1);
    given = accept("thing t");
    assert_string_equal(given.values[DATA].text, "./aisle-data");
    options_free(&given);
    unsetenv("AISLE_TEST_DATA");
}

static void help_comes_before_any_fault(void **state)
{
    (void)state;
    static const char *const lines[] = {"thing --help", "thing -h", "thing -jh", "thing --rows 5 --help --nonsense"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct options given = accept(lines[i]);
        assert_true(given.help);
        options_free(&given);
    }
}

static void says_what_is_wrong_with_the_words(void **state)
{
    (void)state;
    refuse("thing", "'aisle thing' needs TABLE (which)");
    refuse("thing t --row 5", "'aisle thing' has no option '--row'; did you mean '--rows'?");
    refuse("thing t --zzzz", "'aisle thing' has no option '--zzzz'; 'aisle help thing' lists them");
    refuse("thing t -jx", "'aisle thing' has no option '-x'; 'aisle help thing' lists them");
    refuse("thing t --rows", "--rows needs a value: --rows N");
    refuse("thing t -n", "--rows needs a value: --rows N");
    refuse("thing t --json=yes", "--json takes no value, got 'yes'");
    refuse("thing t --output=", "--output: must be a path, is empty");
}

static void says_what_is_wrong_with_a_value(void **state)
{
    (void)state;
    refuse("thing t --rows abc", "--rows: must be a whole number from 1 to 5000, is 'abc'");
    refuse("thing t --rows 5001", "--rows: must be a whole number from 1 to 5000, is '5001'");
    refuse("thing t --rows 0", "--rows: must be a whole number from 1 to 5000, is '0'");
    refuse("thing t --rows -1", "--rows: must be a whole number from 1 to 5000, is '-1'");
    refuse("thing t --rows 99999999999999999999", "--rows: must be a whole number from 1 to 5000, is "
                                                  "'99999999999999999999'");
    refuse("thing t --memory-limit 5X", "--memory-limit: must be a size such as 512M or 2G, is '5X'");
    refuse("thing t --memory-limit M", "--memory-limit: must be a size such as 512M or 2G, is 'M'");
    refuse("thing t --memory-limit 9223372036854775807K",
           "--memory-limit: '9223372036854775807K' is more bytes than can "
           "be counted");
    refuse("thing t --dirty 1.5", "--dirty: must be a share from 0 to 1 (0% to 100%), is '1.5'");
    refuse("thing t --dirty nan", "--dirty: must be a share such as 0.05 or 5%, is 'nan'");
    refuse("thing t --dirty 1.2.3", "--dirty: must be a share such as 0.05 or 5%, is '1.2.3'");
    refuse("thing t --dirty 1e-3", "--dirty: must be a share such as 0.05 or 5%, is '1e-3'");
    refuse("thing t --from 2025-4-1", "--from: must be a date such as 2025-04-01, is '2025-4-1'");
    refuse("thing t --from 2025-02-29", "--from: there is no day '2025-02-29' in the calendar");
    refuse("thing t --format xml", "--format: must be csv, jsonl or parquet, is 'xml'");
    refuse("thing t --format jsnol", "--format: must be csv, jsonl or parquet, is 'jsnol' (did you mean 'jsonl'?)");
}

static void a_needed_option_is_asked_for(void **state)
{
    (void)state;
    static const struct option needed[] = {
        {.name = "schema", .kind = VALUE_FILE, .argument = "FILE", .required = true, .help = "the schema"},
    };
    static const struct command with_needed = {.name = "check", .options = needed, .option_count = 1};
    struct options options;
    struct error error = {0};
    assert_false(parse_with(&with_needed, "check", &options, &error));
    assert_string_equal(error.message, "'aisle check' needs --schema FILE (the schema)");
    options_free(&options);
    assert_false(parse_with(&with_needed, "check --schema s extra", &options, &error));
    assert_string_equal(error.message,
                        "'aisle check' does not know what to do with 'extra'; 'aisle help check' says what it takes");
    options_free(&options);
}

static void reads_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {
        {"0", 0},
        {"1048576", 1048576},
        {"7b", 7},
        {"1K", 1024},
        {"512M", 536870912},
        {"512m", 536870912},
        {"512MB", 536870912},
        {"512MiB", 536870912},
        {"2G", INT64_C(2147483648)},
        {"1T", INT64_C(1099511627776)},
    };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct value value = {0};
        struct error error = {0};
        assert_true(value_parse(&table[LIMIT], sizes[i].text, "--memory-limit", &value, &error));
        assert_int_equal(value.number, sizes[i].bytes);
    }
}

static void counts_days_as_the_calendar_does(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct error error = {0};
    struct value value = {0};
    assert_true(value_parse(&table[FROM], "1970-01-01", "--from", &value, &error));
    assert_int_equal(value.number, 0);
    assert_true(value_parse(&table[FROM], "0001-01-01", "--from", &value, &error));
    int64_t expected = value.number;
    assert_int_equal(expected, -719162);
    for (int year = 1; year < 2200; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= length; day++, expected++) {
                char text[40];
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                assert_true(value_parse(&table[FROM], text, "--from", &value, &error));
                assert_int_equal(value.number, expected);
            }
            char beyond[40];
            snprintf(beyond, sizeof beyond, "%04d-%02d-%02d", year, month, length + 1);
            assert_false(value_parse(&table[FROM], beyond, "--from", &value, &error));
        }
    }
}

static void suggests_only_what_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"run", "check", "profile", "sample", "kpi", "export", "trace", "runs", NULL};
    assert_string_equal(options_nearest("chek", names), "check");
    assert_string_equal(options_nearest("kip", names), "kpi");
    assert_string_equal(options_nearest("exprot", names), "export");
    assert_string_equal(options_nearest("prof", names), "profile");
    assert_string_equal(options_nearest("sampel", names), "sample");
    assert_string_equal(options_nearest("rnu", names), "run");
    assert_null(options_nearest("delete", names));
    assert_null(options_nearest("x", names));
    assert_null(options_nearest("", names));
    assert_null(options_nearest("averyveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword", names));
}

static bool parse_some(void *context, struct error *error)
{
    (void)context;
    struct options options;
    bool good = parse_with(&command, "thing t --rows 5 a b", &options, error);
    options_free(&options);
    return good;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    torture_walk(parse_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_way_to_write_an_option),  cmocka_unit_test(words_after_two_dashes_are_operands),
        cmocka_unit_test(falls_back_to_variable_then_default), cmocka_unit_test(help_comes_before_any_fault),
        cmocka_unit_test(says_what_is_wrong_with_the_words),   cmocka_unit_test(says_what_is_wrong_with_a_value),
        cmocka_unit_test(a_needed_option_is_asked_for),        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(counts_days_as_the_calendar_does),    cmocka_unit_test(suggests_only_what_is_near),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

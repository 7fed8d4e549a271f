#include "cli/check_view.h"

#include <inttypes.h>

#include "base/json.h"
#include "cli/human.h"
#include "cli/table.h"

const char *check_view_status(const struct check_report *report)
{
    switch (report->verdict) {
    case FILE_EMPTY:
        return "empty";
    case FILE_BAD_HEADER:
        return "bad_header";
    case FILE_BROKEN:
        return "broken";
    default:
        break;
    }
    if (report->over_budget) return "over_budget";
    return report->rejected > 0 ? "rejects" : "clean";
}

const char *check_view_column(const struct check_report *report, const struct check_finding *finding)
{
    return finding->field < 0 ? "(row)" : report->schema->fields[finding->field].name;
}

static void add_count(struct buffer *into, uint64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    human_number(into, str_slice(digits, (size_t)length), true);
}

static void add_facts(struct buffer *into, const struct check_view *view)
{
    const struct check_report *report = view->report;
    add_count(into, report->read);
    buffer_append_text(into, report->read == 1 ? " row: " : " rows: ");
    add_count(into, report->valid);
    buffer_append_text(into, " valid, ");
    add_count(into, report->rejected);
    buffer_append_text(into, " rejected");
    if (report->warned > 0) {
        buffer_append_text(into, ", ");
        add_count(into, report->warned);
        buffer_append_text(into, " valid with warnings");
    }
    buffer_append_text(into, " (");
    human_bytes(into, report->bytes);
    buffer_append_text(into, " in ");
    human_duration(into, view->duration_us);
    buffer_append_text(into, ")\n");
}

/* One line that says how it stands: "orders.csv: clean". */
static void add_verdict(struct buffer *into, const struct terminal *terminal, const struct check_view *view)
{
    const struct check_report *report = view->report;
    bool clean = report->verdict == FILE_TAKEN && report->rejected == 0;
    terminal_append(terminal, into, str_of(view->path), 0);
    buffer_append_text(into, ": ");
    buffer_append_text(into, terminal_style(terminal, clean ? STYLE_GREEN : STYLE_RED));
    if (report->verdict != FILE_TAKEN)
        buffer_append_text(into, "not taken");
    else if (clean)
        buffer_append_text(into, "clean");
    else
        buffer_append_text(into, report->over_budget ? "over the reject budget" : "has rejects");
    buffer_append_text(into, terminal_style(terminal, STYLE_PLAIN));
    buffer_append_char(into, '\n');
    if (!report->problem) return;
    terminal_append(terminal, into, str_of(report->problem), 0);
    buffer_append_char(into, '\n');
}

static void add_tail(struct buffer *into, const struct terminal *terminal, const struct check_view *view)
{
    const struct check_report *report = view->report;
    if (report->notice) {
        buffer_append_text(into, "note: ");
        terminal_append(terminal, into, str_of(report->notice), 0);
        buffer_append_char(into, '\n');
    }
    for (size_t i = 0; i < report->unchecked_count; i++)
        buffer_append_format(into, "note: references to %s were not checked: give the file with --with %s=FILE\n",
                             report->unchecked[i], report->unchecked[i]);
    if (report->valid_path) buffer_append_format(into, "valid rows:    %s\n", report->valid_path);
    if (report->rejected_path) buffer_append_format(into, "rejected rows: %s\n", report->rejected_path);
}

static void put_number(struct table *table, uint64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    table_text(table, str_slice(digits, (size_t)length));
}

/* Findings by rule and column. */
static bool print_findings(FILE *out, const struct terminal *terminal, const struct check_report *report,
                           struct error *error)
{
    static const struct table_column columns[] = {
        {"column", TABLE_TEXT, 0}, {"rule", TABLE_TEXT, 0}, {"severity", TABLE_TEXT, 0},
        {"rows", TABLE_NUMBER, 0}, {"", TABLE_BAR, 0},
    };
    struct table *table = table_new(out, terminal, columns, sizeof columns / sizeof columns[0], error);
    if (!table) return false;
    table_separate_thousands(table);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct check_finding *finding = &report->findings[i];
        table_text(table, str_of(check_view_column(report, finding)));
        table_text(table, str_of(rule_name(finding->rule)));
        table_text(table, str_of(finding->warning ? "warning" : "error"));
        put_number(table, finding->count);
        table_bar(table, (double)finding->count);
        table_end_row(table);
    }
    bool good = table_finish(table, error);
    table_free(table);
    return good;
}

/* The first rows of each finding. */
static bool print_samples(FILE *out, const struct terminal *terminal, const struct check_report *report,
                          struct error *error)
{
    static const struct table_column columns[] = {
        {"line", TABLE_NUMBER, 0}, {"column", TABLE_TEXT, 0}, {"rule", TABLE_TEXT, 0},
        {"value", TABLE_TEXT, 0},  {"reason", TABLE_TEXT, 0},
    };
    struct table *table = table_new(out, terminal, columns, sizeof columns / sizeof columns[0], error);
    if (!table) return false;
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct check_finding *finding = &report->findings[i];
        for (size_t s = 0; s < finding->sample_count; s++) {
            put_number(table, finding->samples[s].line);
            table_text(table, str_of(check_view_column(report, finding)));
            table_text(table, str_of(rule_name(finding->rule)));
            table_text(table, str_of(finding->samples[s].value));
            table_text(table, str_of(finding->samples[s].reason));
            table_end_row(table);
        }
    }
    bool good = table_finish(table, error);
    table_free(table);
    return good;
}

static bool has_samples(const struct check_report *report)
{
    for (size_t i = 0; i < report->finding_count; i++)
        if (report->findings[i].sample_count > 0) return true;
    return false;
}

bool check_view_text(FILE *out, const struct check_view *view, struct error *error)
{
    struct terminal terminal = terminal_of(out);
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    const struct check_report *report = view->report;
    add_verdict(&text, &terminal, view);
    if (report->verdict == FILE_TAKEN) add_facts(&text, view);
    if (!buffer_check(&text, error)) return false;
    fwrite(text.data, 1, text.length, out);
    if (report->finding_count > 0) {
        fputc('\n', out);
        if (!print_findings(out, &terminal, report, error)) return false;
        if (has_samples(report)) {
            fputs("\nthe first of each:\n", out);
            if (!print_samples(out, &terminal, report, error)) return false;
        }
        fputc('\n', out);
    }
    buffer_clear(&text);
    add_tail(&text, &terminal, view);
    if (!buffer_check(&text, error)) return false;
    if (text.length > 0) fwrite(text.data, 1, text.length, out);
    return true;
}

static void json_finding(struct buffer *into, const struct check_report *report, const struct check_finding *finding)
{
    buffer_append_text(into, "{\"column\": ");
    if (finding->field < 0)
        buffer_append_text(into, "null");
    else
        json_append_string(into, str_of(check_view_column(report, finding)));
    buffer_append_format(into, ", \"rule\": \"%s\", \"severity\": \"%s\", \"count\": %" PRIu64 ", \"samples\": [",
                         rule_name(finding->rule), finding->warning ? "warning" : "error", finding->count);
    for (size_t i = 0; i < finding->sample_count; i++) {
        const struct check_sample *sample = &finding->samples[i];
        buffer_append_format(into, "%s{\"line\": %" PRIu64 ", \"row\": %" PRIu64, i > 0 ? ", " : "", sample->line,
                             sample->row);
        json_append_member(into, "value", sample->value);
        json_append_member(into, "reason", sample->reason);
        buffer_append_char(into, '}');
    }
    buffer_append_text(into, "]}");
}

void check_view_json(struct buffer *into, const struct check_view *view)
{
    const struct check_report *report = view->report;
    buffer_append_text(into, "{\"file\": ");
    json_append_string(into, str_of(view->path));
    json_append_member(into, "schema", view->schema_path);
    json_append_member(into, "status", check_view_status(report));
    json_append_member(into, "problem", report->problem);
    if (report->problem_line > 0) buffer_append_format(into, ", \"problem_line\": %" PRIu64, report->problem_line);
    json_append_member(into, "notice", report->notice);
    buffer_append_format(into,
                         ", \"bytes\": %" PRIu64 ", \"read\": %" PRIu64 ", \"valid\": %" PRIu64
                         ", \"rejected\": %" PRIu64 ", \"warned\": %" PRIu64 ", \"seconds\": %.3f, \"findings\": [",
                         report->bytes, report->read, report->valid, report->rejected, report->warned,
                         (double)view->duration_us / 1e6);
    for (size_t i = 0; i < report->finding_count; i++) {
        buffer_append_text(into, i > 0 ? ", " : "");
        json_finding(into, report, &report->findings[i]);
    }
    buffer_append_text(into, "], \"unchecked_references\": [");
    for (size_t i = 0; i < report->unchecked_count; i++) {
        buffer_append_text(into, i > 0 ? ", " : "");
        json_append_string(into, str_of(report->unchecked[i]));
    }
    buffer_append_char(into, ']');
    json_append_member(into, "valid_file", report->valid_path);
    json_append_member(into, "rejected_file", report->rejected_path);
    buffer_append_text(into, "}\n");
}

/* A check's report as a page that can be mailed or kept. */
#include <inttypes.h>

#include "cli/check_view.h"
#include "cli/human.h"

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c2430;"
    "background:#fff}"
    "h1{font-size:1.4rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    "p{margin:.3rem 0}.muted{color:#5b6675}"
    ".badge{display:inline-block;padding:.1rem .6rem;border-radius:1rem;color:#fff;font-size:.85rem}"
    ".good{background:#1a7f37}.bad{background:#b42318}"
    "dl{display:flex;gap:2rem;flex-wrap:wrap;margin:1rem 0}dt{color:#5b6675;font-size:.85rem}"
    "dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;"
    "border-bottom:1px solid #e3e7ec;vertical-align:top}th{color:#5b6675;font-weight:600}"
    "td.number{text-align:right;font-variant-numeric:tabular-nums}"
    "td.value{font-family:ui-monospace,monospace;word-break:break-all}"
    ".bar{background:#d5dfee;height:.7rem;min-width:2px;border-radius:2px}"
    "@media (prefers-color-scheme:dark){body{background:#12161c;color:#e6eaf0}th,td{border-color:#2c333d}"
    ".bar{background:#3c5f96}.muted,dt,th{color:#9aa6b5}}";

/* Text between tags and in quoted attributes; what is not UTF-8 or a control character becomes U+FFFD. */
static void add_text(struct buffer *into, const char *text)
{
    struct str rest = str_of(text);
    while (rest.length > 0) {
        size_t good = 0;
        if (str_is_utf8(rest, &good)) good = rest.length;
        for (size_t i = 0; i < good; i++) {
            char c = rest.data[i];
            if (c == '&')
                buffer_append_text(into, "&amp;");
            else if (c == '<')
                buffer_append_text(into, "&lt;");
            else if (c == '>')
                buffer_append_text(into, "&gt;");
            else if (c == '"')
                buffer_append_text(into, "&quot;");
            else if (c == '\'')
                buffer_append_text(into, "&#39;");
            else if (((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
                buffer_append_text(into, "\xEF\xBF\xBD");
            else
                buffer_append_char(into, c);
        }
        if (good < rest.length) {
            buffer_append_text(into, "\xEF\xBF\xBD");
            good++;
        }
        rest = str_slice(rest.data + good, rest.length - good);
    }
}

static void add_number(struct buffer *into, uint64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    human_number(into, str_slice(digits, (size_t)length), true);
}

static void add_fact(struct buffer *into, const char *name, uint64_t number)
{
    buffer_append_format(into, "<div><dt>%s</dt><dd>", name);
    add_number(into, number);
    buffer_append_text(into, "</dd></div>\n");
}

static void add_findings(struct buffer *into, const struct check_report *report)
{
    uint64_t most = 1;
    for (size_t i = 0; i < report->finding_count; i++)
        most = report->findings[i].count > most ? report->findings[i].count : most;
    buffer_append_text(into, "<h2>What is wrong</h2>\n<table><thead><tr><th>Column</th><th>Rule</th><th>Severity</th>"
                             "<th>Rows</th><th style=\"width:30%\"></th></tr></thead><tbody>\n");
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct check_finding *finding = &report->findings[i];
        buffer_append_text(into, "<tr><td>");
        add_text(into, check_view_column(report, finding));
        buffer_append_format(into, "</td><td>%s</td><td>%s</td><td class=\"number\">", rule_name(finding->rule),
                             finding->warning ? "warning" : "error");
        add_number(into, finding->count);
        buffer_append_format(into, "</td><td><div class=\"bar\" style=\"width:%.1f%%\"></div></td></tr>\n",
                             100.0 * (double)finding->count / (double)most);
    }
    buffer_append_text(into, "</tbody></table>\n");
}

static void add_samples(struct buffer *into, const struct check_report *report)
{
    buffer_append_text(into, "<h2>The first of each</h2>\n<table><thead><tr><th>Line</th><th>Column</th><th>Rule</th>"
                             "<th>Value</th><th>Reason</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct check_finding *finding = &report->findings[i];
        for (size_t s = 0; s < finding->sample_count; s++) {
            buffer_append_text(into, "<tr><td class=\"number\">");
            add_number(into, finding->samples[s].line);
            buffer_append_text(into, "</td><td>");
            add_text(into, check_view_column(report, finding));
            buffer_append_format(into, "</td><td>%s</td><td class=\"value\">", rule_name(finding->rule));
            add_text(into, finding->samples[s].value);
            buffer_append_text(into, "</td><td>");
            add_text(into, finding->samples[s].reason);
            buffer_append_text(into, "</td></tr>\n");
        }
    }
    buffer_append_text(into, "</tbody></table>\n");
}

static void add_note(struct buffer *into, const char *before, const char *text)
{
    buffer_append_format(into, "<p>%s", before);
    add_text(into, text);
    buffer_append_text(into, "</p>\n");
}

void check_view_html(struct buffer *into, const struct check_view *view)
{
    const struct check_report *report = view->report;
    bool clean = report->verdict == FILE_TAKEN && report->rejected == 0;
    buffer_append_text(into, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                             "content=\"width=device-width,initial-scale=1\"><title>Check of ");
    add_text(into, view->path);
    buffer_append_format(into, "</title><style>%s</style></head><body>\n<h1>", style);
    add_text(into, view->path);
    buffer_append_format(into, "</h1>\n<p><span class=\"badge %s\">%s</span> <span class=\"muted\">checked against ",
                         clean ? "good" : "bad", check_view_status(report));
    add_text(into, view->schema_path);
    buffer_append_text(into, "</span></p>\n");
    if (report->problem) add_note(into, "", report->problem);
    if (report->verdict == FILE_TAKEN) {
        buffer_append_text(into, "<dl>\n");
        add_fact(into, "rows read", report->read);
        add_fact(into, "valid", report->valid);
        add_fact(into, "rejected", report->rejected);
        add_fact(into, "valid with warnings", report->warned);
        buffer_append_text(into, "</dl>\n");
    }
    if (report->finding_count > 0) {
        add_findings(into, report);
        add_samples(into, report);
    }
    if (report->notice) add_note(into, "Note: ", report->notice);
    for (size_t i = 0; i < report->unchecked_count; i++)
        add_note(into, "Not checked: references to ", report->unchecked[i]);
    if (report->valid_path) add_note(into, "Valid rows: ", report->valid_path);
    if (report->rejected_path) add_note(into, "Rejected rows: ", report->rejected_path);
    buffer_append_text(into, "</body></html>\n");
}

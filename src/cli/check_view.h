/* A check's report for people and for programs. */
#ifndef AISLE_CLI_CHECK_VIEW_H
#define AISLE_CLI_CHECK_VIEW_H

#include <stdio.h>

#include "base/buffer.h"
#include "task/check.h"

struct check_view {
    const struct check_report *report;
    const char *path, *schema_path; /* as they were given */
    int64_t duration_us;
};

/* In one word: "clean", "rejects", "over_budget", "empty", "bad_header" or "broken". */
const char *check_view_status(const struct check_report *report);

/* The name of a finding's column, "(row)" for the row as a whole. */
const char *check_view_column(const struct check_report *report, const struct check_finding *finding);

/* Readable text on a terminal. */
bool check_view_text(FILE *out, const struct check_view *view, struct error *error);

/* One JSON object and a newline. */
void check_view_json(struct buffer *into, const struct check_view *view);

/* A page that stands alone: no script, nothing loaded, every value escaped. */
void check_view_html(struct buffer *into, const struct check_view *view);

#endif

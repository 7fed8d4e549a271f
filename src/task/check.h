/* One CSV file checked against a schema: what is wrong, where, how often, and the good and the bad rows in files of
 * their own.
 *
 * Clean files take the fast way of tabular/validate.h alone. Where rows are rejected, the file is walked once more to
 * tell each finding's column, line and value. Keys (primaryKey, unique) are compared over the whole file, rejected rows
 * included; of several rows with one key the first keeps it. Foreign keys are looked up in the files given for them.
 * Memory: 8 bytes a row and key column, besides blocks.
 */
#ifndef AISLE_TASK_CHECK_H
#define AISLE_TASK_CHECK_H

#include <stdint.h>

#include "base/arena.h"
#include "base/thread.h"
#include "tabular/schema.h"
#include "tabular/validate.h"

/* A file that foreign keys refer to. */
struct check_with {
    const char *resource; /* as the schema's foreignKeys name it */
    const char *path;
};

struct check_options {
    const char *path;
    const char *schema_path;
    const char *out_folder; /* where NAME_valid.csv and NAME_rejected.csv go; NULL: nowhere */
    const struct check_with *with;
    size_t with_count;
    size_t samples; /* kept for each finding */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

struct check_sample {
    uint64_t line; /* in the file */
    uint64_t row;  /* the header is row 1 */
    const char *value;
    const char *reason;
};

/* A rule that some rows break. */
struct check_finding {
    int field; /* -1: the row as a whole */
    enum rule rule;
    bool warning; /* the rows stay valid */
    uint64_t count;
    struct check_sample *samples; /* the first ones, in file order */
    size_t sample_count;
};

struct check_report {
    struct arena *arena; /* owns all below */
    struct schema *schema;
    enum file_verdict verdict;
    const char *problem; /* for a verdict other than FILE_TAKEN; else NULL */
    uint64_t problem_line;
    const char *notice; /* NULL: none */
    uint64_t bytes;     /* of the file, unpacked */
    uint64_t read, valid, rejected, warned;
    struct check_finding *findings; /* errors first, each by falling count */
    size_t finding_count;
    const char *valid_path, *rejected_path; /* NULL: not written */
    const char **unchecked;                 /* resources of foreign keys for which no file was given */
    size_t unchecked_count;
    bool over_budget; /* the schema has a reject budget, and it is spent */
};

/* Checks a file. Fails for what is not the file's data: a schema that is wrong, a file that cannot be read or written.
 * check_report_free releases the report, also after a failure. */
bool check_run(struct team *team, const struct check_options *options, struct check_report *report,
               struct error *error);
void check_report_free(struct check_report *report);

#endif

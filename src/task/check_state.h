/* What the files of task/check share; nobody else includes it. */
#ifndef AISLE_TASK_CHECK_STATE_H
#define AISLE_TASK_CHECK_STATE_H

#include "tabular/csv_scan.h"
#include "task/check.h"
#include "task/check_keys.h"

/* A key that is compared over the whole file. */
struct check_key {
    const int *fields;
    size_t width;
    enum rule rule;                    /* RULE_UNIQUE or RULE_REFERENCE */
    const struct reference *reference; /* NULL for RULE_UNIQUE */
    const char *foreign_path;
    struct keyed_rows rows;
};

/* Rows on their way to one of the files. */
struct check_output {
    char *path;      /* as it will be named; NULL: not written */
    char *temporary; /* as it is named until all is well */
    int fd;          /* -1: not open */
    struct buffer pending;
};

struct check {
    const struct check_options *options;
    struct check_report *report;
    struct team *team;
    struct terms *terms;
    struct csv_source source;
    bool source_open;
    struct csv_dialect dialect;
    struct validate_file file;
    struct check_key *keys;
    size_t key_count;
    bool *keep; /* fields that keys need */
    struct check_output valid, rejected;
    uint64_t *rejected_rows; /* row numbers that validation rejected, rising */
    size_t rejected_count;
    struct key_breaks breaks;
};

/* Judges every field of a record; `map` says where they stand. */
bool check_judge(const struct check *check, const struct header_map *map, const struct str *fields, size_t count,
                 struct verdict *verdicts, struct error *error);

/* Validates a file; `take` gets each batch of valid rows, which it borrows. */
bool check_validate(const struct check *check, struct validate_file *file, const struct validate_options *options,
                    bool (*take)(void *context, const struct batch *batch, struct error *error), void *context,
                    struct error *error);

/* The keys that the schema asks for. */
bool check_list_keys(struct check *check, struct error *error);

/* Appends the keys of a batch of valid rows; for check_validate, with the check for its context. */
bool check_take_batch(void *context, const struct batch *batch, struct error *error);

/* Reads the reject stream: which rows they are, and their keys. */
bool check_take_rejects(struct check *check, struct error *error);

/* Compares the keys; fills `breaks`. */
bool check_compare_keys(struct check *check, struct error *error);

/* Walks the file once more to tell what is wrong where; writes both files anew when keys are broken, or when the
 * reject stream holds rows as they came. */
bool check_explain(struct check *check, struct error *error);

/* Opens an output under its temporary name, empty. */
bool check_output_open(struct check_output *output, struct error *error);
void check_output_close(struct check_output *output);

#endif

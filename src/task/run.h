/* One run of a KPI pipeline over files: find, validate, deduplicate, join, work out, commit.
 *
 * A file that was taken before (SHA-256) is passed over; one that cannot be taken is copied to invalid/ with a JSON
 * that says why; rejected rows go to rejected/ with their reasons; everything else goes through the engine, in slices
 * that fit the memory limit, and is committed at the end by one atomic step. A run that is killed leaves the state of
 * before.
 */
#ifndef AISLE_TASK_RUN_H
#define AISLE_TASK_RUN_H

#include <jansson.h>

#include "kpi/state.h"

struct run_options {
    const char *pipeline_folder; /* holds kpis.json */
    char *const *paths;
    size_t path_count;   /* files, folders, and URLs of objects */
    struct store *store; /* that URLs mean; NULL: the data folder's own buckets */
    const char *output;  /* URL below which cleaned/, rejected/ and invalid/ are to be, too; NULL: none */
    const char *data_folder;
    bool kpi_only;         /* keep nothing: KPI tables of these files alone */
    const char *tables;    /* with kpi_only: the tables wanted, by commas; NULL: all */
    bool reprocess;        /* take files that were taken before too */
    uint64_t memory_limit; /* bytes; 0: a quarter of the machine */
    unsigned threads;      /* 0: one for each processor */
    void (*progress)(void *context, const char *stage, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_context;
};

enum run_status {
    RUN_DONE,
    RUN_NOTHING_NEW,       /* every file had been taken before */
    RUN_INVALID_FILES,     /* some files could not be taken; what the others hold is done */
    RUN_OVER_BUDGET,       /* more rejects than the schema's rejectBudget; what is valid is done */
    RUN_REJECTED_ALL,      /* no row was fit to be taken */
    RUN_VALIDATION_FAILED, /* no file could be taken */
};

const char *run_status_name(enum run_status status);

struct run;

struct run *run_new(const struct run_options *options, struct error *error);

/* Does it all. False only for failures that are nobody's data; nothing has changed then. */
bool run_execute(struct run *run, struct error *error);

/* Brings what is at the URL of the options' `output` up to what the folder holds, once a run has committed: this run's
 * files, and what earlier ones left undone. The record tells how many files that were. When it fails, another run
 * finishes it. */
bool run_write_output(struct run *run, struct error *error);

enum run_status run_status(const struct run *run);

/* The run's record, borrowed: {"run", "pipeline", "status", "started", "seconds", "datasets": {NAME: {"read", "valid",
 * "rejected", "duplicate", "pending", …}}, "totals", "pending_resolved", "replaced", "days_recomputed", "files": […]}.
 */
json_t *run_record(const struct run *run);

/* The KPI tables as the run left them. */
const struct state *run_state(const struct run *run);
const struct kpi_spec *run_spec(const struct run *run);
const struct terms *run_terms(const struct run *run);

void run_free(struct run *run);

#endif

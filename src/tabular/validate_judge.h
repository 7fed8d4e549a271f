/* The rows of a block, a few hundred at a time: kernels column by column, field_judge where they doubt, then what
 * the verdicts mean for each row. */
#ifndef AISLE_TABULAR_VALIDATE_JUDGE_H
#define AISLE_TABULAR_VALIDATE_JUDGE_H

#include "tabular/validate_output.h"

struct counts {
    uint64_t rejected, warned;
    uint64_t broken[RULE_COUNT];
};

/* One block under work. */
struct job {
    struct validation *validation;
    struct file_state *state;
    const struct plan *plan;
    struct block *block;
    size_t index;
    struct worker *worker;
    struct kernel_cache **caches;
    struct records records;
    uint64_t first_line; /* of the first record */
    bool numbered;       /* rows_before is known */
    uint64_t rows_before;
    bool stopped;     /* the file is broken by an earlier block: nothing of this one counts */
    bool valid_whole; /* all bytes of the block are valid rows so far */
    bool scattered;   /* rows kept do not stand on consecutive lines */
    size_t kept;      /* rows that stay, so far */
    struct counts counts;
};

/* The column of a field in the file; -1 when it has none. */
static inline int job_column(const struct job *job, size_t field)
{
    return job->state->head.map.column_of_field[field];
}

/* Whether batches hold values of a field that come from the file. */
static inline bool job_keeps(const struct job *job, size_t field)
{
    const bool *keep = job->state->file->keep;
    return job->validation->options.batches && (keep == NULL || keep[field]) && job_column(job, field) >= 0;
}

/* A value of a text column: its start and end in the block as two halves, or TEXT_DEFAULT, or COLUMN_NULL. */
#define TEXT_DEFAULT (INT64_MIN + 1)

static inline int64_t text_span(uint32_t start, uint32_t end)
{
    return (int64_t)((uint64_t)start << 32 | end);
}

/* Judges `count` rows (at most KERNEL_ROWS) from `row` on; those that stay are appended to the worker's values. */
bool judge_chunk(struct job *job, size_t row, size_t count, struct error *error);

#endif

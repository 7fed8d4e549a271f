/* What the files of validation share: a file's head, the plan of its columns, the list of blocks, a worker's room. */
#ifndef AISLE_TABULAR_VALIDATE_INTERNAL_H
#define AISLE_TABULAR_VALIDATE_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "tabular/chain.h"
#include "tabular/csv_scan.h"
#include "tabular/kernels.h"
#include "tabular/validate.h"

#define RECORD_CEILING_DEFAULT ((size_t)64 << 20)
#define NO_BLOCK SIZE_MAX

/* How the fields of one schema are judged; files with the same schema share it and its caches. */
struct plan {
    const struct schema *schema;
    struct kernel *kernels; /* one a field */
    size_t number;          /* of this plan */
};

/* The first record of a file, and how its columns map. */
struct head {
    struct header_map map;
    struct str record;   /* its bytes, without the line's end; in the arena */
    uint64_t data_start; /* where the next record begins */
    uint64_t lines;      /* newlines before that */
};

struct file_state {
    struct validate_file *file;
    const struct plan *plan;
    struct csv_dialect dialect;
    struct head head;
    size_t first_block, block_count; /* in the list */
    size_t broken_block;             /* the first one that found the file broken, or NO_BLOCK */
};

/* A range of a file. Its rows are those of the records that begin after its first newline, up to and with the
 * one that begins at its end: so a record that crosses the end belongs to the block it begins in. */
struct block {
    uint32_t file;
    bool last; /* of its file */
    uint64_t offset;
    size_t size;
    struct batch *batch;
};

struct validation {
    struct team *team;
    struct validate_options options;
    struct arena *arena;
    struct file_state *files;
    size_t file_count;
    struct plan *plans;
    size_t plan_count;
    struct block *blocks;
    size_t block_count;
    size_t next_block; /* the first one of the slice to come, or under work */
    struct chain chain;
    struct worker *workers;
    pthread_mutex_t lock; /* guards reports, broken_block and progress */
    uint64_t bytes_done, bytes_total;
};

/* A record of a block: its bytes without the line's end, and what is wrong with it as a whole. */
struct record {
    uint32_t start, end;
    uint32_t line;  /* newlines between the first record and this one */
    uint8_t broken; /* RULE_COUNT, or RULE_ENCODING, RULE_FIELDS, RULE_QUOTING */
    uint32_t fields;
};

/* What a field of a row breaks; those of one row are linked. */
struct breach {
    uint32_t field;
    uint32_t next; /* index + 1; 0: none */
    uint32_t broken;
    struct str text;
};

/* Room of one thread, used for one block after the other. */
struct worker {
    char *bytes; /* CSV_PADDING, the block, CSV_PADDING, unescaped fields, CSV_PADDING */
    size_t bytes_capacity;
    struct csv_index index;
    size_t record_end_capacity, end_capacity; /* of the index */
    /* Where records are not plain: each, and where its cells begin in the index. */
    struct record *records;
    uint32_t *firsts;
    size_t record_capacity;
    /* One array of values for each field that batches keep; for a text its start and end as two halves. */
    int64_t **values;
    int64_t *units; /* of each field's values: timestamps are in seconds as long as they are whole */
    size_t value_fields, value_capacity;
    uint32_t *lines;
    size_t line_capacity;
    struct kernel_cache ***caches; /* by plan and field */
    struct verdict *verdicts;      /* one a field, of one row */
    size_t verdict_capacity;
    struct buffer rejects, valid, reasons;
    /* Ends of the cells of two neighbouring columns of the rows under work: column c lies in c % 2. */
    uint32_t column_ends[2][KERNEL_ROWS];
    size_t held_row, held_column[2]; /* of which rows and columns they are; SIZE_MAX: none */
    struct breach *breaches;         /* of the rows under work */
    size_t breach_count, breach_capacity;
};

/* Reads a file's first record and maps it. A file that cannot be taken gets its verdict and problem. */
bool head_read(struct validation *validation, struct file_state *state, struct error *error);

/* Judges a block (or, with `look_only`, just learns whether the file is broken there). For team_run. */
bool block_judge(struct validation *validation, size_t index, struct worker *worker, bool look_only,
                 struct error *error);

void worker_release(struct worker *worker, const struct validation *validation);

/* Notes that a file is broken, by the block that found it; of several the first counts. */
void file_break(struct validation *validation, size_t index, uint64_t line, const char *problem);

#endif

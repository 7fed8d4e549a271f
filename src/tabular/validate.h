/* Files to typed batches: scan, map the header, type and judge every row, in parallel, with bounded memory.
 *
 * All files of a call share one list of blocks, so that one large file and many small ones both keep a whole
 * team busy. Rows that break a rule are written to the file's reject stream in file order, with every reason;
 * the rest become batches. A field that the vector kernels do not take at once is judged again by field_judge,
 * which alone decides.
 */
#ifndef AISLE_TABULAR_VALIDATE_H
#define AISLE_TABULAR_VALIDATE_H

#include "base/arena.h"
#include "base/thread.h"
#include "tabular/column.h"
#include "tabular/csv_source.h"
#include "tabular/schema.h"
#include "tabular/term.h"

enum file_verdict {
    FILE_TAKEN,      /* header fine; rows were judged one by one */
    FILE_EMPTY,      /* no byte, or no header */
    FILE_BAD_HEADER, /* missing or duplicate columns, drift refused */
    FILE_BROKEN,     /* an unclosed quote, binary content, a record over the ceiling, wrong encoding throughout */
};

struct file_report {
    enum file_verdict verdict;
    char problem[600];     /* for a verdict other than FILE_TAKEN: what, at which line, what to do */
    uint64_t problem_line; /* 0 when it has none */
    char notice[600];      /* header drift worth telling; empty when none */
    uint64_t read;         /* data rows */
    uint64_t rejected;
    uint64_t warned;             /* rows that stay valid but with a warning */
    uint64_t broken[RULE_COUNT]; /* rejects by rule; a row counts once for each rule it breaks */
    uint64_t rejects_size;       /* bytes written to the reject stream */
};

struct validate_file {
    struct csv_source *source; /* open */
    const struct schema *schema;
    const bool *keep;         /* which fields batches hold, one for each of the schema; NULL: all */
    int rejects_fd;           /* where reject rows go (the original columns, then rejection_reasons and
                                 row_number; a header line first, written only when a row is rejected), or -1 */
    bool rejects_raw;         /* rows of too few or too many cells, or quoted wrongly, go there as they came; else
                                 they are given the header's number of well-formed cells (validate_output.h) */
    const char *rejects_path; /* for errors */
    int valid_fd;             /* where valid rows go as CSV, byte for byte as they came, or -1 */
    const char *valid_path;
    struct file_report report; /* filled, final when validation_next has said done */
};

struct validate_options {
    struct terms *terms;   /* where terms are entered */
    size_t block_bytes;    /* 0: chosen (about 512 KiB) */
    size_t record_ceiling; /* bytes; 0: 64 MiB */
    bool batches;          /* false: only judge (aisle check) */
    size_t slice_bytes;    /* input bytes a slice may cover; 0: all in one. When it is less than the input, each
                              file is first passed over once, quickly, to learn whether it is broken, since rows
                              of a broken file must not be handed out */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total); /* from one thread at a time */
    void *progress_context;
};

struct validation;

/* Prepares `count` files, judged in this order. They and the team are borrowed until validation_free. */
struct validation *validation_new(struct team *team, struct validate_file *files, size_t count,
                                  const struct validate_options *options, struct error *error);

/* Judges the next slice. `*batches` (an array of `*batch_count`, in file order, owned by the caller: batch_free
 * each, memory_free the array; NULL and 0 when there are none) and `*done` (nothing is left) are set. Fails only for
 * what is nobody's data: I/O errors, memory, a file that changed while it was read. A bad file is a verdict in its
 * report and gives no batches. */
bool validation_next(struct validation *validation, struct batch ***batches, size_t *batch_count, bool *done,
                     struct error *error);

void validation_free(struct validation *validation);

#endif

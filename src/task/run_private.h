/* A run from within: shared by the files that carry it out. */
#ifndef AISLE_TASK_RUN_PRIVATE_H
#define AISLE_TASK_RUN_PRIVATE_H

#include "kpi/engine.h"
#include "tabular/validate.h"
#include "task/intake.h"
#include "task/run.h"

/* What becomes of one source file. */
enum source_fate { SOURCE_TAKEN, SOURCE_KNOWN, SOURCE_INVALID };

struct source_file {
    const struct intake_file *file;
    struct csv_source source;
    bool open;
    int fetched_fd;        /* an object's bytes, in a file without a name; -1: none */
    char known_sha256[65]; /* of an object that was seen before, when it is still the same; else "" */
    struct error failure;  /* why it could not be opened */
    enum source_fate fate;
    const char *why;     /* it was passed over */
    int64_t number;      /* for lineage; 0: none */
    const char *rejects; /* path of its rejected rows within the folder, NULL: none are written */
    const char *invalid; /* path of its copy */
    size_t validated;    /* index among the files that are validated */
};

struct run {
    struct run_options options;
    struct arena *arena;
    struct kpi_spec *spec;
    struct team *team;
    struct terms *terms;
    struct folder *folder;
    struct local_store *local; /* of the folder, when its own buckets are read */
    struct store *own_store;   /* its port */
    struct store *store;       /* that URLs mean; NULL: there are none */
    struct change *change;
    struct engine *engine;
    const char *temporary_folder; /* for what is unpacked; NULL: the system's */
    const char *temporary;        /* the data folder of a KPI-only run that does not fit memory */
    char id[27];
    int64_t started_us, started_monotonic_us;
    struct intake intake;
    struct source_file *sources; /* by place in the intake */
    struct validate_file *validated;
    size_t validated_count;
    int64_t first_source;
    uint64_t input_bytes;
    uint64_t *file_bytes; /* by place in the intake */
    uint64_t steps;       /* of the engine, so far */
    enum run_status status;
    json_t *record;
};

/* Whether what the run finds stays in the data folder. */
static inline bool run_keeps_state(const struct run *run)
{
    return run->folder && !run->temporary;
}

/* run_fetch.c: whether any path is a URL. */
bool run_reads_objects(const struct run *run);

/* Opens the store that URLs mean, where the options give none. */
bool run_open_store(struct run *run, struct error *error);

/* Brings the bytes of every object that is not known to have been taken into files without names. */
bool run_fetch_objects(struct run *run, struct error *error);

/* Notes which content each object had, so that another run need not fetch it again to know. */
bool run_note_objects(struct run *run, struct error *error);

/* run_output.c: fails when the options' output is nowhere that can be written to, or among what is read. */
bool run_check_output(struct run *run, struct error *error);

/* run_sources.c: opens and hashes every file, and tells which are known already or cannot be taken. */
bool run_open_sources(struct run *run, struct error *error);

/* Passes a file over when an earlier run took its content. */
bool run_check_taken(struct run *run, struct source_file *source, const char *sha256, struct error *error);

/* The name by which a file goes on in the folder: its place among the run's files and its own name. */
const char *run_stored_name(struct run *run, const struct source_file *source, struct error *error);

/* Fails when a file is not what it was when it was opened. */
bool run_finish_sources(struct run *run, struct error *error);

/* run_rejects.c: names reject files that hold rows, ends those that hold none, and sets invalid files aside. */
bool run_settle_files(struct run *run, struct error *error);

/* Marks a file as one that cannot be taken. */
bool run_note_invalid(struct run *run, struct source_file *source, const char *problem, struct error *error);

/* run_log.c: what is told as it happens. A file when its fate is settled, a step with its rows and when it began
 * (monotonic), the end with what went wrong or NULL. */
void run_log_started(const struct run *run);
void run_log_opened(const struct run *run, const struct source_file *source);
void run_log_file(const struct run *run, const struct source_file *source);
void run_log_step(const struct run *run, uint64_t rows, int64_t started_us);
void run_log_ended(const struct run *run, const struct error *failure);

/* run_record.c: the status and the record, with the totals of all runs. */
bool run_make_record(struct run *run, struct error *error);
void run_set_seconds(struct run *run);

#endif

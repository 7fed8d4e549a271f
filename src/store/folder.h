/* The data folder: one owner, one commit point.
 *
 *   aisle.db     SQLite (WAL, full sync): which files are current, files taken, run records, small documents
 *   lock         held by the owning process (a lock on its first byte), holds its pid
 *   cleaned/     Parquet by dataset and partition        state/  packs of runs, dictionary texts
 *   pending/     rows that wait, Parquet                 rejected/  invalid/   what could not be taken, and why
 *   tmp/         emptied on open
 *
 * A change stages whole new files under their final names, then commits: the files are synced, one transaction names
 * them and forgets the ones they replace, and then those are removed. A file under cleaned/, state/, pending/,
 * rejected/ or invalid/ that no transaction names is swept when the folder is next opened for writing after an owner
 * that did not end in order. Files that end while a reader is between folder_read_begin and folder_read_end are removed
 * later.
 *
 * One thread at a time may use a folder and its change.
 */
#ifndef AISLE_STORE_FOLDER_H
#define AISLE_STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum folder_access {
    FOLDER_READ, /* any number of readers beside the owner; fails with ERROR_NOT_FOUND when there is no folder */
    FOLDER_WRITE /* makes the folder when it is absent; ERROR_CONFLICT names the process that holds it */
};

struct folder;

/* A folder for writing must be new, empty of the rooms above, or hold a database of this version or an older one
 * (ERROR_CONFLICT otherwise). */
struct folder *folder_open(const char *path, enum folder_access access, struct error *error);
void folder_close(struct folder *folder);
const char *folder_path(const struct folder *folder);

/* A file that the database names. Texts live in the arena that was given. */
struct folder_file {
    const char *role;      /* "cleaned", "pending", "pack", "terms", "rejected", "invalid" */
    const char *dataset;   /* or "" */
    const char *partition; /* "2025-04-01", or "" */
    const char *path;      /* relative to the folder */
    uint64_t rows;
    uint64_t size_bytes;
    const char *run; /* that wrote it */
};

/* The current files of a role, and of a dataset and partition unless NULL, by partition, then by the order in which
 * they were named. A reader sees one state over several calls between folder_read_begin and folder_read_end, and the
 * files of that state stay where they are until then. */
bool folder_files(struct folder *folder, struct arena *arena, const char *role, const char *dataset,
                  const char *partition, struct folder_file **files, size_t *count, struct error *error);
bool folder_read_begin(struct folder *folder, struct error *error);
void folder_read_end(struct folder *folder);

/* A small document by its key, in the arena; NULL with the error's code ERROR_NONE when there is none. */
const char *folder_document(struct folder *folder, struct arena *arena, const char *key, struct error *error);

/* The pipeline whose run wrote a current file of a role and dataset, in the arena; NULL with the error's code
 * ERROR_NONE when there is no such file. */
const char *folder_owner(struct folder *folder, struct arena *arena, const char *role, const char *dataset,
                         struct error *error);

/* Whether content with this SHA-256 was taken for a pipeline and dataset, and by which run, under which name. */
struct folder_taken {
    bool taken;
    const char *run;
    const char *name;
};
bool folder_taken(struct folder *folder, struct arena *arena, const char *pipeline, const char *dataset,
                  const char *sha256, struct folder_taken *taken, struct error *error);

/* Source files by the small number a run gave them (for lineage): the numbers are never reused. */
struct folder_source {
    int64_t number;
    const char *run, *dataset, *name, *sha256;
    uint64_t size_bytes, rows;
};
bool folder_source(struct folder *folder, struct arena *arena, int64_t number, struct folder_source *source,
                   struct error *error);
bool folder_next_source(struct folder *folder, int64_t *number, struct error *error);

/* Run records, newest first: the run's id and its JSON. */
struct folder_run {
    const char *id, *pipeline, *status, *json;
    int64_t started_us, ended_us;
};
bool folder_runs(struct folder *folder, struct arena *arena, size_t most, struct folder_run **runs, size_t *count,
                 struct error *error);

/* Outputs: files under cleaned/, rejected/ and invalid/ that are to be at a URL as well. The database keeps which may
 * be there, so that whoever writes them can be killed anywhere and go on: those still to be written, then those that
 * have ended and are still to be taken away. */
struct folder_output {
    const char *path;
    bool ended;
};
bool folder_outputs(struct folder *folder, struct arena *arena, const char *url, struct folder_output **outputs,
                    size_t *count, struct error *error);
/* Notes that these are there, or gone: durable when it returns. */
bool folder_outputs_done(struct folder *folder, const char *url, const struct folder_output *outputs, size_t count,
                         struct error *error);

/* What one commit changes. Nothing of it is seen before change_commit returns true, all of it after. One at a time. */
struct change;
struct change *change_new(struct folder *folder, struct error *error);
void change_abandon(struct change *change); /* removes what was staged; also frees after a commit */

/* Creates (O_EXCL) a staged file at this relative path, folders included, and returns its descriptor, -1 on failure.
 * The caller writes and closes it, then calls change_name with what it became. The path begins with one of the rooms
 * above. A file that is never named is removed with the commit. Failpoint: change.create. */
int change_create(struct change *change, const char *relative_path, struct error *error);
bool change_name(struct change *change, const struct folder_file *file, struct error *error);

/* A current file ends; or one of this change, not yet named, is not wanted after all. */
bool change_forget(struct change *change, const char *relative_path, struct error *error);

bool change_document(struct change *change, const char *key, const char *text, struct error *error); /* NULL: remove */
bool change_take(struct change *change, const char *pipeline, const struct folder_source *source, struct error *error);
bool change_run(struct change *change, const struct folder_run *run, struct error *error);
/* What is named when the change commits is to be at the URL, too. Comes after all that the change names. */
bool change_output(struct change *change, const char *url, struct error *error);

/* Syncs, commits, removes what was forgotten. Failpoints: change.synced, change.applied (before the transaction
 * ends), change.committed, change.removed. On failure
 * nothing has changed. After it only change_abandon may follow. */
bool change_commit(struct change *change, struct error *error);

/* Tests that the database is sound and that each file it names is there with its size and, when `content` is given,
 * that what is in it is right. Each thing that is wrong goes to `problem` (file NULL: the database) and is counted.
 * False only when testing itself was not possible. */
struct folder_verifier {
    void *context;
    bool (*content)(void *context, const struct folder_file *file, const char *path, struct error *error);
    void (*problem)(void *context, const struct folder_file *file, const struct error *what);
};
bool folder_verify(struct folder *folder, const struct folder_verifier *verifier, uint64_t *problems,
                   struct error *error);

#endif

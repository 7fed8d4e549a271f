/* The data folder: one owner, one commit point.
 *
 *   aisle.db     SQLite (WAL, full sync): which files are current, files taken, run records, small documents
 *   lock         held by the owning process (flock), holds its pid
 *   cleaned/     Parquet by dataset and partition        state/  packs of runs, dictionary texts
 *   pending/     rows that wait, Parquet                 rejected/  invalid/   what could not be taken, and why
 *   tmp/         emptied on open
 *
 * A change stages whole new files under their final names, then commits: the files are synced, one transaction names
 * them and forgets the ones they replace, and then those are removed. A file under cleaned/, state/, pending/, rejected/
 * or invalid/ that no transaction names is swept when the folder is next opened for writing.
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
    const char *run;       /* that wrote it */
};

/* The current files of a role, and of a dataset and partition unless NULL, by partition, then by the order in which they
 * were named. A reader sees one state over several calls between folder_read_begin and folder_read_end. */
bool folder_files(struct folder *folder, struct arena *arena, const char *role, const char *dataset, const char *partition,
                  struct folder_file **files, size_t *count, struct error *error);
bool folder_read_begin(struct folder *folder, struct error *error);
void folder_read_end(struct folder *folder);

/* A small document by its key, in the arena; NULL without an error when there is none. */
const char *folder_document(struct folder *folder, struct arena *arena, const char *key, struct error *error);

/* Whether content with this SHA-256 was taken for a pipeline and dataset, and by which run, under which name. */
struct folder_taken {
    bool taken;
    const char *run;
    const char *name;
};
bool folder_taken(struct folder *folder, struct arena *arena, const char *pipeline, const char *dataset, const char *sha256,
                  struct folder_taken *taken, struct error *error);

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

/* What one commit changes. Nothing of it is seen before change_commit returns true, all of it after. */
struct change;
struct change *change_new(struct folder *folder, struct error *error);
void change_abandon(struct change *change); /* removes what was staged; also frees after a commit */

/* Creates (O_EXCL) a staged file at this relative path, folders included, and returns its descriptor, -1 on failure. The
 * caller writes and closes it, then calls change_name with what it became. */
int change_create(struct change *change, const char *relative_path, struct error *error);
bool change_name(struct change *change, const struct folder_file *file, struct error *error);
bool change_forget(struct change *change, const char *relative_path, struct error *error); /* a current file ends */
bool change_document(struct change *change, const char *key, const char *text, struct error *error); /* NULL: remove */
bool change_take(struct change *change, const char *pipeline, const struct folder_source *source, struct error *error);
bool change_run(struct change *change, const struct folder_run *run, struct error *error);

/* Syncs, commits, removes what was forgotten. Failpoints: change.synced, change.committed, change.removed. On failure
 * nothing has changed. */
bool change_commit(struct change *change, struct error *error);

#endif

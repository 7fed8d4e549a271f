/* Finding the files of a run and telling which dataset each belongs to. */
#ifndef AISLE_TASK_INTAKE_H
#define AISLE_TASK_INTAKE_H

#include "base/arena.h"
#include "base/error.h"
#include "kpi/spec.h"
#include "store/store.h"

struct intake_file {
    const char *path; /* or s3://BUCKET/KEY */
    int dataset;      /* of the spec */
    /* Of an object only; NULL for a file. */
    const char *bucket, *key, *etag;
    uint64_t size_bytes;
};

struct intake_places {
    char *const *paths; /* and URLs */
    size_t count;
    struct store *store; /* for URLs; NULL: there are none */
};

struct intake {
    struct intake_file *files; /* by dataset (parents first), then by path in natural order: the order of arrival */
    size_t count;
    const char **passed_by; /* files of the folders whose name tells no dataset */
    size_t passed_by_count;
};

/* Walks the paths (files, or folders with all below them) and lists the URLs (objects, or all that a key with a slash
 * behind it begins). In folders, names that end in .csv, .tsv, .txt, .csv.gz or .csv.zst and the like count; a file
 * that is named itself always does. The dataset is the one whose "match" names stand at the start of the file's name
 * (followed by no letter) or are the name of a folder above it, the nearest first. Fails when a path is missing, a file
 * named itself belongs to no dataset, or nothing was found. */
bool intake_find(struct arena *arena, const struct kpi_spec *spec, const struct intake_places *places,
                 struct intake *intake, struct error *error);

#endif

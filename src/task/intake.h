/* Finding the files of a run and telling which dataset each belongs to. */
#ifndef AISLE_TASK_INTAKE_H
#define AISLE_TASK_INTAKE_H

#include "base/arena.h"
#include "base/error.h"
#include "kpi/spec.h"

struct intake_file {
    const char *path;
    int dataset; /* of the spec */
};

struct intake {
    struct intake_file *files; /* by dataset (parents first), then by path in natural order: the order of arrival */
    size_t count;
    const char **passed_by; /* files of the folders whose name tells no dataset */
    size_t passed_by_count;
};

/* Walks the paths (files, or folders with all below them). In folders, names that end in .csv, .tsv, .txt, .csv.gz or
 * .csv.zst and the like count; a file that is named itself always does. The dataset is the one whose "match" names
 * stand at the start of the file's name (followed by no letter) or are the name of a folder above it, the nearest
 * first. Fails when a path is missing, a file named itself belongs to no dataset, or nothing was found. */
bool intake_find(struct arena *arena, const struct kpi_spec *spec, char *const *paths, size_t path_count,
                 struct intake *intake, struct error *error);

#endif

/* Where a pipeline's folder is: a folder of declarations (kpis.json, schemas/, …) under a name. */
#ifndef AISLE_TASK_PIPELINE_H
#define AISLE_TASK_PIPELINE_H

#include "base/arena.h"
#include "base/error.h"

/* The folder of pipeline `name`, in the arena. A name with a slash is the folder itself. Others are looked for in
 * $AISLE_PIPELINES, ./pipelines, and beside the program (../pipelines and ../share/aisle/pipelines). The error lists
 * where it was sought. */
const char *pipeline_folder(struct arena *arena, const char *name, struct error *error);

#endif

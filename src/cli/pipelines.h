/* Where the declarations of a pipeline are. */
#ifndef AISLE_CLI_PIPELINES_H
#define AISLE_CLI_PIPELINES_H

#include "base/arena.h"
#include "base/error.h"

/* The option with which commands choose a pipeline. */
#define CLI_OPTION_PIPELINE                                                                                            \
    {                                                                                                                  \
        .name = "pipeline", .kind = VALUE_TEXT, .argument = "NAME", .fallback = "orders",                              \
        .help = "the pipeline, by name, or the path of its folder"                                                     \
    }

/* The folder of a pipeline, in the arena. A name with a slash is a path. Any other is looked for under
 * $AISLE_PIPELINES,
 * ./pipelines, pipelines/ beside the program, above it, and share/aisle/pipelines of its prefix; the first that is
 * there counts. ERROR_NOT_FOUND says where it was looked for. */
const char *pipeline_folder(struct arena *arena, const char *name, struct error *error);

#endif

#include "task/pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The folder that the program lies in; "." when the system does not tell. */
static const char *program_folder(struct arena *arena, struct error *error)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return ".";
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    return arena_text(arena, path, strlen(path), error);
}

const char *pipeline_folder(struct arena *arena, const char *name, struct error *error)
{
    if (strchr(name, '/')) {
        if (is_folder(name)) return name;
        error_set(error, ERROR_NOT_FOUND, "there is no pipeline folder %s", name);
        return NULL;
    }
    const char *own = getenv("AISLE_PIPELINES"), *program = program_folder(arena, error);
    if (!program) return NULL;
    const char *places[] = {own && *own ? arena_format(arena, error, "%s/%s", own, name) : "",
                            arena_format(arena, error, "pipelines/%s", name),
                            arena_format(arena, error, "%s/../pipelines/%s", program, name),
                            arena_format(arena, error, "%s/../share/aisle/pipelines/%s", program, name)};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!places[i]) return NULL;
        if (*name && *places[i] && is_folder(places[i])) return places[i];
    }
    error_set(error, ERROR_NOT_FOUND, "there is no pipeline \"%s\"; looked for %s%s%s, %s and %s", name, places[0],
              *places[0] ? ", " : "", places[1], places[2], places[3]);
    return NULL;
}

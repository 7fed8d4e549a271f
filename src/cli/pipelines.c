#include "cli/pipelines.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The folder of the running program, NULL when the system does not tell. */
static const char *program_folder(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL) return NULL;
    *slash = '\0';
    return path;
}

const char *pipeline_folder(struct arena *arena, const char *name, struct error *error)
{
    if (strchr(name, '/') != NULL) {
        if (!is_folder(name)) {
            error_set(error, ERROR_NOT_FOUND, "there is no pipeline folder '%s'", name);
            return NULL;
        }
        return arena_text(arena, name, strlen(name), error);
    }
    char program_path[PATH_MAX];
    const char *variable = getenv("AISLE_PIPELINES");
    const char *program = program_folder(program_path);
    const struct {
        const char *folder, *below;
    } places[] = {
        {variable != NULL && *variable != '\0' ? variable : NULL, ""},
        {".", "/pipelines"},
        {program, "/pipelines"},
        {program, "/../pipelines"},
        {program, "/../share/aisle/pipelines"},
    };
    struct buffer looked;
    buffer_init(&looked, 0);
    const char *found = NULL;
    bool good = true;
    for (size_t i = 0; i < sizeof places / sizeof places[0] && good && found == NULL; i++) {
        if (places[i].folder == NULL) continue;
        const char *path = arena_format(arena, error, "%s%s/%s", places[i].folder, places[i].below, name);
        good = path != NULL;
        if (good && is_folder(path))
            found = path;
        else if (good)
            buffer_append_format(&looked, "%s%s", looked.length == 0 ? "" : ", ", path);
    }
    if (good && found == NULL && buffer_text(&looked) != NULL)
        error_set(error, ERROR_NOT_FOUND,
                  "there is no pipeline '%s' (looked for %s); name its folder, or set AISLE_PIPELINES to the one that "
                  "holds it",
                  name, looked.data);
    else if (good && found == NULL)
        error_set(error, ERROR_MEMORY, "no memory to look for the pipeline '%s'", name);
    buffer_free(&looked);
    return found;
}

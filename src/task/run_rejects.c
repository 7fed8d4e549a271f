#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "task/run_private.h"

bool run_note_invalid(struct run *run, struct source_file *source, const char *problem, struct error *error)
{
    source->fate = SOURCE_INVALID;
    source->why = arena_text(run->arena, problem, strlen(problem), error);
    return source->why != NULL;
}

/* Copies the bytes that a file has on disk. */
static bool copy_file(struct run *run, const struct source_file *source, const char *to, uint64_t *size,
                      struct error *error)
{
    const char *from = source->file->path;
    *size = 0;
    int out = change_create(run->change, to, error);
    if (out < 0) return false;
    bool object = source->file->bucket != NULL;
    int in = !object                   ? open(from, O_RDONLY | O_CLOEXEC)
             : source->fetched_fd >= 0 ? source->fetched_fd
                                       : source->source.fd;
    bool good = true;
    char *block = memory_array(1, 1 << 16, error);
    ssize_t got = 0;
    while (good && in >= 0 && block && (got = file_read_at(in, block, 1 << 16, *size, from, error)) > 0) {
        good = file_write(out, block, (size_t)got, to, error);
        *size += (uint64_t)got;
    }
    good = good && block && got >= 0; /* a file that cannot be opened leaves an empty copy; the JSON says why */
    memory_free(block);
    if (in >= 0 && !object) close(in);
    close(out);
    return good;
}

static bool write_text(struct run *run, const char *path, const char *text, const char *role, const char *dataset,
                       struct error *error)
{
    int fd = change_create(run->change, path, error);
    if (fd < 0) return false;
    bool good = file_write(fd, text, strlen(text), path, error);
    close(fd);
    struct folder_file file = {
        .role = role, .dataset = dataset, .partition = "", .path = path, .size_bytes = strlen(text), .run = run->id};
    return good && change_name(run->change, &file, error);
}

static bool keep_invalid(struct run *run, struct source_file *source, uint64_t line, struct error *error)
{
    const char *name = run_stored_name(run, source, error);
    const char *dataset = run->spec->datasets[source->file->dataset].name;
    source->invalid = name ? arena_format(run->arena, error, "invalid/%s/%s", run->id, name) : NULL;
    const char *note = source->invalid ? arena_format(run->arena, error, "%s.json", source->invalid) : NULL;
    if (!note) return false;
    uint64_t size;
    if (!copy_file(run, source, source->invalid, &size, error)) return false;
    struct folder_file file = {.role = "invalid",
                               .dataset = dataset,
                               .partition = "",
                               .path = source->invalid,
                               .size_bytes = size,
                               .run = run->id};
    if (!change_name(run->change, &file, error)) return false;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"file\": ");
    json_append_string(&text, str_of(source->file->path));
    json_append_member(&text, "dataset", dataset);
    json_append_member(&text, "run", run->id);
    if (line) buffer_append_format(&text, ", \"line\": %llu", (unsigned long long)line);
    json_append_member(&text, "problem", source->why);
    buffer_append_text(&text, "}\n");
    const char *body = buffer_text(&text);
    bool good = body ? write_text(run, note, body, "invalid", dataset, error) : buffer_check(&text, error);
    buffer_free(&text);
    return good;
}

bool run_settle_files(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        uint64_t line = 0;
        if (source->fate == SOURCE_TAKEN) {
            struct validate_file *file = &run->validated[source->validated];
            if (file->report.verdict != FILE_TAKEN) {
                line = file->report.problem_line;
                if (!run_note_invalid(run, source, file->report.problem, error)) return false;
            }
            if (file->rejects_fd >= 0) close(file->rejects_fd);
            file->rejects_fd = -1;
            bool any = source->fate == SOURCE_TAKEN && file->report.rejected > 0;
            struct folder_file named = {.role = "rejected",
                                        .dataset = run->spec->datasets[source->file->dataset].name,
                                        .partition = "",
                                        .path = source->rejects,
                                        .rows = file->report.rejected,
                                        .size_bytes = file->report.rejects_size,
                                        .run = run->id};
            if (source->rejects && any && !change_name(run->change, &named, error)) return false;
            if (source->rejects && !any && !change_forget(run->change, source->rejects, error)) return false;
            if (!any) source->rejects = NULL;
        }
        if (source->fate == SOURCE_INVALID && run->change && !run->temporary &&
            !keep_invalid(run, source, line, error)) {
            return false;
        }
        run_log_file(run, source);
    }
    return true;
}

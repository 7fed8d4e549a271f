#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "task/run_private.h"

const char *run_stored_name(struct run *run, const struct source_file *source, struct error *error)
{
    const char *slash = strrchr(source->file->path, '/');
    return arena_format(run->arena, error, "%zu-%s", (size_t)(source - run->sources) + 1,
                        slash ? slash + 1 : source->file->path);
}

/* Whether another file of the dataset is as large: only then can the contents be the same. */
static bool has_twin(const struct run *run, size_t index)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        if (i != index && run->file_bytes[i] == run->file_bytes[index] &&
            run->intake.files[i].dataset == run->intake.files[index].dataset) {
            return true;
        }
    }
    return false;
}

/* Whether the file's content is known: taken by an earlier run, or by an earlier file of this one. */
static bool check_known(struct run *run, size_t index, struct error *error)
{
    struct source_file *source = &run->sources[index];
    for (size_t i = 0; i < index; i++) {
        const struct source_file *other = &run->sources[i];
        if (other->fate != SOURCE_TAKEN || other->file->dataset != source->file->dataset ||
            run->file_bytes[i] != run->file_bytes[index] || strcmp(other->source.sha256, source->source.sha256) != 0) {
            continue;
        }
        source->fate = SOURCE_KNOWN;
        source->why = arena_format(run->arena, error, "same content as %s", other->file->path);
        return source->why != NULL;
    }
    if (run->options.reprocess || !run_keeps_state(run)) return true;
    return run_check_taken(run, source, source->source.sha256, error);
}

bool run_check_taken(struct run *run, struct source_file *source, const char *sha256, struct error *error)
{
    struct folder_taken taken;
    const char *dataset = run->spec->datasets[source->file->dataset].name;
    if (!folder_taken(run->folder, run->arena, run->spec->pipeline, dataset, sha256, &taken, error)) return false;
    if (!taken.taken) return true;
    source->fate = SOURCE_KNOWN;
    source->why = arena_format(run->arena, error, "its content was taken by run %s as %s (--reprocess takes it again)",
                               taken.run, taken.name);
    return source->why != NULL;
}

/* A file that cannot be read or unpacked is invalid; the others go on. */
static bool open_source(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct run *run = context;
    struct source_file *source = &run->sources[index];
    if (source->fate == SOURCE_KNOWN) return true;
    const struct schema *schema = run->spec->datasets[source->file->dataset].schema;
    struct csv_source_options options = {.encoding = (enum csv_encoding)schema->encoding,
                                         .hash = run_keeps_state(run) || has_twin(run, index),
                                         .temporary_folder = run->temporary_folder};
    const char *path = source->file->path;
    if (source->fetched_fd >= 0
            ? csv_source_open_nameless(&source->source, path, source->fetched_fd, &options, &source->failure)
            : csv_source_open(&source->source, path, &options, &source->failure)) {
        source->open = true;
        if (source->fetched_fd >= 0 && !source->source.unpacked) { /* the source has these bytes itself */
            close(source->fetched_fd);
            source->fetched_fd = -1;
        }
        run_log_opened(run, source);
    } else if (source->failure.code == ERROR_MEMORY) {
        *error = source->failure;
        return false;
    }
    return true;
}

bool run_open_sources(struct run *run, struct error *error)
{
    run->sources = memory_zeroed((run->intake.count + 1) * sizeof *run->sources, error);
    if (!run->sources) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        run->sources[i].file = &run->intake.files[i];
        run->sources[i].fetched_fd = -1;
    }
    if (run_keeps_state(run)) {
        run->temporary_folder = arena_format(run->arena, error, "%s/tmp", folder_path(run->folder));
        if (!run->temporary_folder) return false;
    }
    if (run->store && !run_fetch_objects(run, error)) return false;
    if (!team_run(run->team, run->intake.count, open_source, run, error)) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        if (source->fate == SOURCE_KNOWN) continue;
        bool good = !source->open            ? run_note_invalid(run, source, source->failure.message, error)
                    : *source->source.sha256 ? check_known(run, i, error)
                                             : true;
        if (!good) return false;
    }
    return true;
}

bool run_finish_sources(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        if (source->fate == SOURCE_TAKEN && !csv_source_finish(&source->source, error)) return false;
    }
    return true;
}

/* The objects of a run: where they come from, and how their bytes get to where files are read. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/local/local.h"
#include "task/run_private.h"

/* Work for one thread at a time. A reader keeps a window of up to 8 MiB, so these bound memory, too. */
#define PIECE_BYTES (UINT64_C(64) << 20)
#define FETCHERS 4
#define STEP_BYTES ((size_t)1 << 20)

struct piece {
    struct source_file *source;
    uint64_t offset, size_bytes;
};

struct fetching {
    struct run *run;
    struct piece *pieces;
    size_t count;
    uint64_t total_bytes;
    pthread_mutex_t lock; /* over what follows, and the caller's progress */
    uint64_t done_bytes;
};

bool run_reads_objects(const struct run *run)
{
    for (size_t i = 0; i < run->options.path_count; i++) {
        if (store_is_url(run->options.paths[i])) return true;
    }
    return false;
}

bool run_open_store(struct run *run, struct error *error)
{
    if (!run_reads_objects(run) && !run->options.output) return true;
    run->store = run->options.store;
    if (run->store) return true;
    if (!run->folder) {
        return error_set(error, ERROR_INTERNAL, "nothing says which object store %s is of", run->options.paths[0]);
    }
    struct local_options options = {.folder = run->folder};
    run->local = local_open(&options, error);
    run->own_store = run->local ? local_port(run->local, "000000000000", error) : NULL;
    run->store = run->own_store;
    return run->store != NULL;
}

static char *note_key(struct run *run, const struct source_file *source, struct error *error)
{
    return arena_format(run->arena, error, "object/%s", source->file->path);
}

/* Looks up whether the object is one whose content is known: same name, ETag and size. */
static bool recall(struct run *run, struct source_file *source, struct error *error)
{
    const struct intake_file *file = source->file;
    const char *key = note_key(run, source, error);
    const char *same = arena_format(run->arena, error, "%llu %s ", (unsigned long long)file->size_bytes, file->etag);
    if (!key || !same) return false;
    error->code = ERROR_NONE;
    const char *note = folder_document(run->folder, run->arena, key, error);
    if (!note) return error->code == ERROR_NONE;
    size_t length = strlen(same);
    if (*file->etag && strncmp(note, same, length) == 0 && strlen(note + length) == 64) {
        memcpy(source->known_sha256, note + length, 65);
    }
    return true;
}

bool run_note_objects(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        const struct intake_file *file = source->file;
        if (!file->bucket || source->fate == SOURCE_INVALID || *source->known_sha256) continue;
        const char *key = note_key(run, source, error);
        const char *note = arena_format(run->arena, error, "%llu %s %s", (unsigned long long)file->size_bytes,
                                        file->etag, source->source.sha256);
        if (!key || !note || !change_document(run->change, key, note, error)) return false;
    }
    return true;
}

static bool changed(const struct intake_file *file, struct error *error)
{
    return error_set(error, ERROR_CONFLICT, "%s changed while it was fetched: run again when it is complete",
                     file->path);
}

static void tell_progress(struct fetching *fetching, uint64_t bytes)
{
    const struct run_options *options = &fetching->run->options;
    pthread_mutex_lock(&fetching->lock);
    fetching->done_bytes += bytes;
    if (options->progress) {
        options->progress(options->progress_context, "fetching", fetching->done_bytes, fetching->total_bytes);
    }
    pthread_mutex_unlock(&fetching->lock);
}

static bool copy_piece(struct fetching *fetching, const struct piece *piece, struct store_reader *reader, char *block,
                       struct error *error)
{
    const struct intake_file *file = piece->source->file;
    uint64_t at = piece->offset, end = piece->offset + piece->size_bytes;
    while (at < end) {
        size_t wanted = end - at < STEP_BYTES ? (size_t)(end - at) : STEP_BYTES;
        ssize_t got = store_read(reader, block, wanted, at, error);
        if (got < 0) return false;
        if (got == 0) return changed(file, error);
        if (!file_write_at(piece->source->fetched_fd, block, (size_t)got, at, "a temporary file", error)) return false;
        at += (uint64_t)got;
        tell_progress(fetching, (uint64_t)got);
    }
    return true;
}

static bool fetch_piece(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct fetching *fetching = context;
    const struct piece *piece = &fetching->pieces[index];
    const struct intake_file *file = piece->source->file;
    char *block = memory_array(1, STEP_BYTES, error);
    struct store_reader *reader = block ? store_open(fetching->run->store, file->bucket, file->key, error) : NULL;
    const struct store_object *object = reader ? store_reader_object(reader) : NULL;
    bool good = object != NULL;
    if (good && (object->size_bytes != file->size_bytes || strcmp(object->etag, file->etag) != 0)) {
        good = changed(file, error);
    }
    good = good && copy_piece(fetching, piece, reader, block, error);
    if (reader) store_close(reader);
    memory_free(block);
    return good;
}

static const char *temporary_folder(const struct run *run)
{
    const char *named = getenv("TMPDIR");
    return run->temporary_folder ? run->temporary_folder : named && *named ? named : "/tmp";
}

/* Divides the objects that must be fetched, and opens what they are written to. */
static bool plan(struct fetching *fetching, struct error *error)
{
    struct run *run = fetching->run;
    size_t most = 0;
    for (size_t i = 0; i < run->intake.count; i++) {
        most += run->intake.files[i].bucket ? (size_t)(run->intake.files[i].size_bytes / PIECE_BYTES) + 1 : 0;
    }
    fetching->pieces = memory_array(most + 1, sizeof *fetching->pieces, error);
    if (!fetching->pieces) return false;
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        uint64_t size_bytes = source->file->size_bytes;
        if (!source->file->bucket || source->fate == SOURCE_KNOWN) continue;
        source->fetched_fd = file_open_nameless(temporary_folder(run), error);
        if (source->fetched_fd < 0) return false;
        fetching->total_bytes += size_bytes;
        for (uint64_t at = 0; at < size_bytes; at += PIECE_BYTES) {
            uint64_t left = size_bytes - at;
            fetching->pieces[fetching->count++] =
                (struct piece){.source = source, .offset = at, .size_bytes = left < PIECE_BYTES ? left : PIECE_BYTES};
        }
    }
    return true;
}

static bool fetch(struct run *run, struct error *error)
{
    struct fetching fetching = {.run = run};
    pthread_mutex_init(&fetching.lock, NULL);
    bool good = plan(&fetching, error);
    struct team *team = good && fetching.count > 0 ? team_new(FETCHERS, error) : NULL;
    good = good && (fetching.count == 0 || (team && team_run(team, fetching.count, fetch_piece, &fetching, error)));
    if (team) team_free(team);
    pthread_mutex_destroy(&fetching.lock);
    memory_free(fetching.pieces);
    return good;
}

bool run_fetch_objects(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->intake.count; i++) {
        struct source_file *source = &run->sources[i];
        bool recalls = source->file->bucket && run_keeps_state(run) && !run->options.reprocess;
        if (!recalls) continue;
        if (!recall(run, source, error)) return false;
        if (*source->known_sha256 && !run_check_taken(run, source, source->known_sha256, error)) return false;
    }
    return fetch(run, error);
}

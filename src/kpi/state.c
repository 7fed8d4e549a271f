#include "kpi/state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "kpi/gains.h"

#define STATE_LANES 16

/* What the traces mean; raised when that changes, so that older state is rebuilt. */
#define STATE_FORMAT 2

/* Runs up to this size share one file, so that a small change syncs few files. */
#define SHARED_ENTRIES 65536

/* One current run: its place, whose path is absolute, and the pack's path within the folder. */
struct run {
    struct run_place place;
    const char *pack;
};

/* A file of the change at hand that runs are appended to. */
struct pack {
    pthread_mutex_t lock;
    int fd;           /* -1: none yet */
    const char *name; /* its path within the folder */
    const char *path; /* absolute */
    uint64_t size_bytes;
    uint64_t entries;
};

struct slot {
    struct trace_shape shape;
    struct run *runs;
    size_t count, capacity;
    struct trace *trace;
};

struct state {
    const struct kpi_spec *spec;
    struct folder *folder;
    struct arena *arena;
    struct slot *slots;
    int slot_count;
    pthread_mutex_t lock; /* over arena and change while several threads append */
    struct pack packs[STATE_LANES];
};

static int slot_index(const struct kpi_spec *spec, enum state_kind kind, int index)
{
    switch (kind) {
    case STATE_KEYS:
        return index;
    case STATE_TABLE:
        return spec->dataset_count + index;
    case STATE_MULTISET:
        return spec->dataset_count + spec->table_count + index;
    default:
        return spec->dataset_count + spec->table_count + spec->multiset_count;
    }
}

struct trace_shape state_shape(const struct kpi_spec *spec, enum state_kind kind, int index)
{
    switch (kind) {
    case STATE_KEYS:
        return (struct trace_shape){
            .keys = 1, .values = 1 + spec->datasets[index].parent_column_count, .merge = TRACE_REPLACE};
    case STATE_TABLE:
        return table_shape(&spec->tables[index]);
    case STATE_MULTISET:
        return multiset_shape(spec, index);
    default:
        return (struct trace_shape){.keys = 4, .values = 1, .merge = TRACE_ADD};
    }
}

const struct trace *state_trace(const struct state *state, enum state_kind kind, int index)
{
    return state->slots[slot_index(state->spec, kind, index)].trace;
}

/* The name of a slot in the document. */
static void slot_name(const struct kpi_spec *spec, int slot, char name[160])
{
    int table = slot - spec->dataset_count, multiset = table - spec->table_count;
    if (table < 0) {
        snprintf(name, 160, "keys/%s", spec->datasets[slot].name);
    } else if (multiset < 0) {
        snprintf(name, 160, "table/%s", spec->tables[table].name);
    } else if (multiset < spec->multiset_count) {
        snprintf(name, 160, "multiset/%d", multiset);
    } else {
        snprintf(name, 160, "waits");
    }
}

static bool reopen(struct slot *slot, struct error *error)
{
    struct run_place *places = memory_array(slot->count + 1, sizeof *places, error);
    if (!places) return false;
    for (size_t i = 0; i < slot->count; i++) places[i] = slot->runs[i].place;
    struct trace *trace = trace_open(&slot->shape, places, slot->count, error);
    memory_free(places);
    if (!trace) return false;
    if (slot->trace) trace_close(slot->trace);
    slot->trace = trace;
    return true;
}

static bool add_run(struct slot *slot, size_t at, struct run run, struct error *error)
{
    if (slot->count == slot->capacity) {
        size_t capacity = slot->capacity ? slot->capacity * 2 : 8;
        struct run *runs = memory_resize(slot->runs, capacity, sizeof *runs, error);
        if (!runs) return false;
        slot->runs = runs;
        slot->capacity = capacity;
    }
    memmove(slot->runs + at + 1, slot->runs + at, (slot->count - at) * sizeof *slot->runs);
    slot->runs[at] = run;
    slot->count++;
    return true;
}

/* ---- the document ---- */

static bool load_run(struct state *state, struct slot *slot, json_t *item, struct error *error)
{
    const char *pack;
    json_int_t offset, size, entries;
    if (json_unpack(item, "[s,I,I,I]", &pack, &offset, &size, &entries) != 0) {
        return error_set(error, ERROR_CORRUPT, "%s: the list of runs is damaged", folder_path(state->folder));
    }
    struct run run = {.place = {.offset = (uint64_t)offset, .size = (uint64_t)size, .entries = (uint64_t)entries}};
    run.pack = arena_text(state->arena, pack, strlen(pack), error);
    run.place.path = arena_format(state->arena, error, "%s/%s", folder_path(state->folder), pack);
    return run.pack && run.place.path && add_run(slot, slot->count, run, error);
}

static bool load_document(struct state *state, bool *stale, struct error *error)
{
    char key[160], name[160];
    snprintf(key, sizeof key, "kpi/%s", state->spec->pipeline);
    error->code = ERROR_NONE;
    const char *text = folder_document(state->folder, state->arena, key, error);
    if (!text) return error->code == ERROR_NONE;
    json_t *root = json_read(text, strlen(text), key, error);
    if (!root) return false;
    bool good = true;
    const char *hash = json_string_value(json_object_get(root, "spec"));
    *stale = !hash || strcmp(hash, state->spec->text_hash) != 0 ||
             json_integer_value(json_object_get(root, "format")) != STATE_FORMAT;
    json_t *traces = json_object_get(root, "traces");
    for (int s = 0; good && !*stale && s < state->slot_count; s++) {
        size_t i;
        json_t *item;
        slot_name(state->spec, s, name);
        json_array_foreach (json_object_get(traces, name), i, item) {
            good = good && load_run(state, &state->slots[s], item, error);
        }
    }
    json_decref(root);
    return good;
}

static bool save_document(struct state *state, struct change *change, struct error *error)
{
    char key[160], name[160];
    uint64_t failures = json_failures();
    json_t *root = json_object(), *traces = json_object();
    bool good = root && traces && json_object_set_new(root, "spec", json_string(state->spec->text_hash)) == 0 &&
                json_object_set_new(root, "format", json_integer(STATE_FORMAT)) == 0;
    for (int s = 0; good && s < state->slot_count; s++) {
        const struct slot *slot = &state->slots[s];
        json_t *list = json_array();
        for (size_t i = 0; i < slot->count; i++) {
            const struct run *run = &slot->runs[i];
            json_array_append_new(list, json_pack("[s,I,I,I]", run->pack, (json_int_t)run->place.offset,
                                                  (json_int_t)run->place.size, (json_int_t)run->place.entries));
        }
        slot_name(state->spec, s, name);
        good = json_object_set_new(traces, name, list) == 0;
    }
    if (root && traces) json_object_set(root, "traces", traces);
    struct buffer text;
    buffer_init(&text, 0);
    if (good) json_append(&text, root, JSON_COMPACT);
    json_decref(traces);
    json_decref(root);
    snprintf(key, sizeof key, "kpi/%s", state->spec->pipeline);
    const char *dumped = buffer_text(&text);
    good = json_built(failures, error) &&
           (good || error_set(error, ERROR_INTERNAL, "%s: the list of runs cannot be written", key)) &&
           buffer_check(&text, error) && change_document(change, key, dumped, error);
    buffer_free(&text);
    return good;
}

/* ---- opening ---- */

struct state *state_open(const struct kpi_spec *spec, struct folder *folder, bool *stale, struct error *error)
{
    *stale = false;
    struct state *state = memory_zeroed(sizeof *state, error);
    if (!state) return NULL;
    state->spec = spec;
    state->folder = folder;
    pthread_mutex_init(&state->lock, NULL);
    for (int l = 0; l < STATE_LANES; l++) {
        pthread_mutex_init(&state->packs[l].lock, NULL);
        state->packs[l].fd = -1;
    }
    state->slot_count = slot_index(spec, STATE_WAITS, 0) + 1;
    state->arena = arena_new(0, error);
    state->slots = memory_zeroed((size_t)state->slot_count * sizeof *state->slots, error);
    bool good = state->arena && state->slots;
    for (int s = 0; good && s < state->slot_count; s++) {
        int table = s - spec->dataset_count, multiset = table - spec->table_count;
        enum state_kind kind = table < 0                         ? STATE_KEYS
                               : multiset < 0                    ? STATE_TABLE
                               : multiset < spec->multiset_count ? STATE_MULTISET
                                                                 : STATE_WAITS;
        int index = table < 0 ? s : multiset < 0 ? table : multiset;
        state->slots[s].shape = state_shape(spec, kind, index);
    }
    if (good && folder) good = load_document(state, stale, error);
    for (int s = 0; good && s < state->slot_count; s++) good = reopen(&state->slots[s], error);
    if (good) return state;
    state_close(state);
    return NULL;
}

void state_close(struct state *state)
{
    if (!state) return;
    for (int s = 0; state->slots && s < state->slot_count; s++) {
        if (state->slots[s].trace) trace_close(state->slots[s].trace);
        memory_free(state->slots[s].runs);
    }
    for (int l = 0; l < STATE_LANES; l++) {
        if (state->packs[l].fd >= 0) close(state->packs[l].fd);
        pthread_mutex_destroy(&state->packs[l].lock);
    }
    pthread_mutex_destroy(&state->lock);
    memory_free(state->slots);
    if (state->arena) arena_free(state->arena);
    memory_free(state);
}

/* ---- changing ---- */

static bool make_pack(struct state *state, struct change *change, const char *run, unsigned lane, struct error *error)
{
    struct pack *pack = &state->packs[lane];
    pack->size_bytes = pack->entries = 0;
    if (!change) {
        pack->fd = memfd_create("aisle-state", MFD_CLOEXEC);
        if (pack->fd < 0) return error_set_errno(error, errno, "cannot make a temporary file for the state");
        pack->name = "";
        pack->path = arena_format(state->arena, error, "/proc/self/fd/%d", pack->fd);
        return pack->path != NULL;
    }
    pack->name = arena_format(state->arena, error, "state/%s-%u.pack", run, lane);
    if (!pack->name) return false;
    pack->path = arena_format(state->arena, error, "%s/%s", folder_path(state->folder), pack->name);
    if (!pack->path) return false;
    pack->fd = change_create(change, pack->name, error);
    return pack->fd >= 0;
}

/* The lane's pack, made when it is first needed. NULL on failure. */
static struct pack *need_pack(struct state *state, struct change *change, const char *run, unsigned lane,
                              struct error *error)
{
    bool good = true;
    if (state->packs[lane].fd < 0) {
        pthread_mutex_lock(&state->lock);
        good = make_pack(state, change, run, lane, error);
        pthread_mutex_unlock(&state->lock);
    }
    return good ? &state->packs[lane] : NULL;
}

static bool append_to(struct state *state, struct change *change, const char *run, unsigned lane, struct slot *slot,
                      const struct entries *entries, struct error *error)
{
    struct pack *pack = need_pack(state, change, run, lane, error);
    if (!pack) return false;
    struct run added = {.pack = pack->name};
    if (!run_write(pack->fd, pack->path, &pack->size_bytes, &slot->shape, entries, &added.place, error)) return false;
    added.place.path = pack->path;
    pack->entries += entries->count;
    return add_run(slot, slot->count, added, error) && reopen(slot, error);
}

bool state_append(struct state *state, struct change *change, const char *run, unsigned lane, enum state_kind kind,
                  int index, const struct entries *entries, struct error *error)
{
    if (entries->count == 0) return true;
    struct slot *slot = &state->slots[slot_index(state->spec, kind, index)];
    unsigned own = entries->count > SHARED_ENTRIES ? 1 + lane % (STATE_LANES - 1) : 0;
    pthread_mutex_lock(&state->packs[own].lock);
    bool good = append_to(state, change, run, own, slot, entries, error);
    pthread_mutex_unlock(&state->packs[own].lock);
    return good;
}

/* Merges neighbours of one trace while a tier is full. */
static bool merge_due(struct state *state, struct change *change, const char *run, struct slot *slot,
                      struct error *error)
{
    for (;;) {
        size_t first, count;
        uint64_t *sizes = memory_array(slot->count + 1, sizeof *sizes, error);
        if (!sizes) return false;
        for (size_t i = 0; i < slot->count; i++) sizes[i] = slot->runs[i].place.entries;
        trace_due(sizes, slot->count, 0, &first, &count);
        memory_free(sizes);
        if (count == 0) return true;
        struct pack *pack = need_pack(state, change, run, 0, error);
        if (!pack) return false;
        struct run merged = {.pack = pack->name};
        if (!trace_merge_runs(slot->trace, first, count, pack->fd, pack->path, &pack->size_bytes, &merged.place,
                              error)) {
            return false;
        }
        merged.place.path = pack->path;
        pack->entries += merged.place.entries;
        memmove(slot->runs + first, slot->runs + first + count, (slot->count - first - count) * sizeof *slot->runs);
        slot->count -= count;
        if (merged.place.entries > 0 && !add_run(slot, first, merged, error)) return false;
        if (!reopen(slot, error)) return false;
    }
}

static bool pack_is_used(const struct state *state, const char *pack)
{
    for (int s = 0; s < state->slot_count; s++) {
        for (size_t i = 0; i < state->slots[s].count; i++) {
            if (strcmp(state->slots[s].runs[i].pack, pack) == 0) return true;
        }
    }
    return false;
}

bool state_commit(struct state *state, struct change *change, const char *run, struct error *error)
{
    for (int s = 0; s < state->slot_count; s++) {
        if (!merge_due(state, change, run, &state->slots[s], error)) return false;
    }
    for (int l = 0; l < STATE_LANES; l++) {
        struct pack *pack = &state->packs[l];
        if (pack->fd < 0) continue;
        struct folder_file file = {.role = "pack",
                                   .dataset = state->spec->pipeline,
                                   .partition = "",
                                   .path = pack->name,
                                   .rows = pack->entries,
                                   .size_bytes = pack->size_bytes,
                                   .run = run};
        close(pack->fd);
        pack->fd = -1;
        if (!change_name(change, &file, error)) return false;
    }
    struct folder_file *files;
    size_t count;
    if (!folder_files(state->folder, state->arena, "pack", state->spec->pipeline, NULL, &files, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!pack_is_used(state, files[i].path) && !change_forget(change, files[i].path, error)) return false;
    }
    return save_document(state, change, error);
}

/* ---- dictionary texts ---- */

bool state_load_terms(struct folder *folder, struct terms *terms, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct buffer bytes;
    buffer_init(&bytes, 0);
    struct folder_file *files = NULL;
    size_t count = 0;
    bool good = arena && folder_files(folder, arena, "terms", NULL, NULL, &files, &count, error);
    for (size_t i = 0; good && i < count; i++) {
        const char *path = arena_format(arena, error, "%s/%s", folder_path(folder), files[i].path);
        buffer_clear(&bytes);
        good = path && file_load(path, &bytes, error) && terms_load(terms, bytes.data, bytes.length, error);
    }
    buffer_free(&bytes);
    if (arena) arena_free(arena);
    return good;
}

bool state_save_terms(struct folder *folder, struct terms *terms, struct change *change, const char *run,
                      struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct buffer bytes;
    buffer_init(&bytes, 0);
    struct folder_file *files = NULL;
    size_t count = 0;
    uint64_t saved = 0;
    char path[128];
    snprintf(path, sizeof path, "state/%s.terms", run);
    bool good = arena && folder_files(folder, arena, "terms", NULL, NULL, &files, &count, error);
    for (size_t i = 0; i < count; i++) saved += files[i].rows;
    uint64_t total = terms_count(terms);
    if (good && total > saved) {
        struct folder_file file = {
            .role = "terms", .dataset = "", .partition = "", .path = path, .rows = total - saved, .run = run};
        good = terms_save_since(terms, saved, &bytes, error);
        int fd = good ? change_create(change, path, error) : -1;
        good = fd >= 0 && file_write(fd, bytes.data, bytes.length, path, error);
        if (fd >= 0) close(fd);
        file.size_bytes = bytes.length;
        good = good && change_name(change, &file, error);
    }
    buffer_free(&bytes);
    if (arena) arena_free(arena);
    return good;
}

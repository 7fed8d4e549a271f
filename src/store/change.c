/* Gathering a change. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/change.h"

/* From this size on the disk is set to work as soon as a file is named, not only at the commit. */
#define EARLY_WRITE_BYTES ((uint64_t)1 << 20)

struct change *change_new(struct folder *folder, struct error *error)
{
    if (folder->access != FOLDER_WRITE) {
        error_set(error, ERROR_INTERNAL, "%s was opened for reading only", folder->path);
        return NULL;
    }
    if (folder->change != NULL) {
        error_set(error, ERROR_INTERNAL, "%s: another change is not yet done with", folder->path);
        return NULL;
    }
    struct change *change = memory_zeroed(sizeof *change, error);

    if (change == NULL) {
        return NULL;
    }
    change->arena = arena_new(0, error);
    if (change->arena == NULL) {
        memory_free(change);
        return NULL;
    }
    change->folder = folder;
    change->end = &change->first;
    folder->change = change;
    return change;
}

static const char *copy(struct change *change, const char *text, struct error *error)
{
    return arena_text(change->arena, text, strlen(text), error);
}

/* The slot that holds the path, or the free one that it would take. */
static uint32_t *find_slot(const struct change *change, const char *path)
{
    size_t at = (size_t)XXH3_64bits(path, strlen(path)) & (change->slot_count - 1);

    while (change->slots[at] != 0 && strcmp(change->staged[change->slots[at] - 1].path, path) != 0) {
        at = (at + 1) & (change->slot_count - 1);
    }
    return &change->slots[at];
}

static struct staged *find_staged(const struct change *change, const char *path)
{
    uint32_t slot = change->slot_count > 0 ? *find_slot(change, path) : 0;

    return slot > 0 ? &change->staged[slot - 1] : NULL;
}

static bool grow(struct change *change, struct error *error)
{
    size_t capacity = change->staged_capacity > 0 ? change->staged_capacity * 2 : 32;
    struct staged *staged = memory_resize(change->staged, capacity, sizeof *staged, error);

    if (staged == NULL) {
        return false;
    }
    change->staged = staged;
    uint32_t *slots = memory_zeroed(capacity * 2 * sizeof *slots, error);

    if (slots == NULL) {
        return false;
    }
    memory_free(change->slots);
    change->slots = slots;
    change->slot_count = capacity * 2;
    change->staged_capacity = capacity;
    for (size_t i = 0; i < change->staged_count; i++) {
        *find_slot(change, change->staged[i].path) = (uint32_t)(i + 1);
    }
    return true;
}

/* Notes a file or folder, once. */
static bool note(struct change *change, const char *path, bool folder, struct error *error)
{
    if (find_staged(change, path) != NULL) {
        return true;
    }
    if (change->staged_count == change->staged_capacity && !grow(change, error)) {
        return false;
    }
    struct staged staged = {.path = copy(change, path, error), .folder = folder};

    if (staged.path == NULL) {
        return false;
    }
    uint32_t *slot = find_slot(change, path);

    change->staged[change->staged_count++] = staged;
    *slot = (uint32_t)change->staged_count;
    return true;
}

/* Notes the folder that holds the path and, where `all`, those above it, up to the data folder. */
static bool note_folders(struct change *change, const char *path, bool all, struct error *error)
{
    char *parent __attribute__((cleanup(memory_release))) = memory_copy_text(path, strlen(path), error);
    char *slash = parent != NULL ? strrchr(parent, '/') : NULL;
    bool good = parent != NULL;

    while (good && slash != NULL) {
        *slash = '\0';
        good = note(change, parent, true, error);
        slash = all ? strrchr(parent, '/') : NULL;
    }
    return good && (!all || note(change, "", true, error));
}

/* Whether files of that path are swept when no transaction names them. */
static bool in_a_room(const char *path)
{
    size_t first = strcspn(path, "/");

    if (path[first] == '\0' || strstr(path, "/../") != NULL || strstr(path, "/./") != NULL) {
        return false;
    }
    for (size_t r = 0; r < folder_room_count; r++) {
        if (strlen(folder_rooms[r]) == first && memcmp(folder_rooms[r], path, first) == 0) {
            return true;
        }
    }
    return false;
}

/* Opens the new file, and makes the folders where they are missing. */
static int create(struct change *change, const char *relative_path, const char *path, struct error *error)
{
    int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, flags, 0666);
    bool folders_missing = fd < 0 && errno == ENOENT;

    if (folders_missing) {
        char *parent __attribute__((cleanup(memory_release))) =
            memory_copy_text(path, (size_t)(strrchr(path, '/') - path), error);

        if (parent == NULL || !file_make_folders(parent, error)) {
            return -1;
        }
        fd = open(path, flags, 0666);
    }
    if (fd < 0) {
        error_set_errno(error, errno, "%s cannot be created", path);
        return -1;
    }
    if (!note(change, relative_path, false, error) || !note_folders(change, relative_path, folders_missing, error)) {
        close(fd);
        unlink(path);
        return -1;
    }
    return fd;
}

int change_create(struct change *change, const char *relative_path, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (!in_a_room(relative_path)) {
        error_set(error, ERROR_INTERNAL, "%s: no file of a data folder can be at %s", change->folder->path,
                  relative_path);
        return -1;
    }
    if (failpoint_hit("change.create")) {
        error_set(error, ERROR_IO, "%s/%s cannot be created: failpoint", change->folder->path, relative_path);
        return -1;
    }
    return folder_join(change->folder, relative_path, &path, error) != NULL
               ? create(change, relative_path, path.data, error)
               : -1;
}

static struct operation *add_operation(struct change *change, enum operation_kind kind, struct error *error)
{
    struct operation *operation = arena_zeroed(change->arena, sizeof *operation, error);

    if (operation != NULL) {
        operation->kind = kind;
    }
    return operation;
}

/* Once its texts are copied. */
static void link_operation(struct change *change, struct operation *operation)
{
    *change->end = operation;
    change->end = &operation->next;
}

/* Tells the disk that it may begin with a large file. */
static void write_early(struct change *change, const struct folder_file *file)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (file->size_bytes < EARLY_WRITE_BYTES || folder_join(change->folder, file->path, &path, NULL) == NULL) {
        return;
    }
    int fd = open(path.data, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        close(fd);
    }
}

bool change_name(struct change *change, const struct folder_file *file, struct error *error)
{
    struct staged *staged = find_staged(change, file->path);

    if (staged == NULL || staged->folder || staged->named) {
        return error_set(error, ERROR_INTERNAL, "%s/%s was not created by this change, or is named already",
                         change->folder->path, file->path);
    }
    struct operation *operation = add_operation(change, OPERATION_NAME, error);

    if (operation == NULL) {
        return false;
    }
    operation->file = (struct folder_file){.role = copy(change, file->role, error),
                                           .dataset = copy(change, file->dataset, error),
                                           .partition = copy(change, file->partition, error),
                                           .path = staged->path,
                                           .rows = file->rows,
                                           .size_bytes = file->size_bytes,
                                           .run = copy(change, file->run, error)};
    if (operation->file.role == NULL || operation->file.dataset == NULL || operation->file.partition == NULL ||
        operation->file.run == NULL) {
        return false;
    }
    staged->named = true;
    staged->size_bytes = file->size_bytes;
    link_operation(change, operation);
    write_early(change, file);
    return true;
}

bool change_forget(struct change *change, const char *relative_path, struct error *error)
{
    const struct staged *staged = find_staged(change, relative_path);

    if (staged != NULL && !staged->folder) {
        return !staged->named || error_set(error, ERROR_INTERNAL, "%s/%s was named by the same change",
                                           change->folder->path, relative_path);
    }
    struct operation *operation = add_operation(change, OPERATION_FORGET, error);

    if (operation == NULL) {
        return false;
    }
    operation->path = copy(change, relative_path, error);
    if (operation->path == NULL) {
        return false;
    }
    link_operation(change, operation);
    return true;
}

bool change_document(struct change *change, const char *key, const char *text, struct error *error)
{
    struct operation *operation = add_operation(change, OPERATION_DOCUMENT, error);

    if (operation == NULL) {
        return false;
    }
    operation->document.key = copy(change, key, error);
    operation->document.text = text != NULL ? copy(change, text, error) : NULL;
    if (operation->document.key == NULL || (text != NULL && operation->document.text == NULL)) {
        return false;
    }
    link_operation(change, operation);
    return true;
}

bool change_take(struct change *change, const char *pipeline, const struct folder_source *source, struct error *error)
{
    struct operation *operation = add_operation(change, OPERATION_TAKE, error);

    if (operation == NULL) {
        return false;
    }
    struct folder_source *copied = &operation->take.source;

    operation->take.pipeline = copy(change, pipeline, error);
    *copied = *source;
    copied->run = copy(change, source->run, error);
    copied->dataset = copy(change, source->dataset, error);
    copied->name = copy(change, source->name, error);
    copied->sha256 = copy(change, source->sha256, error);
    if (operation->take.pipeline == NULL || copied->run == NULL || copied->dataset == NULL || copied->name == NULL ||
        copied->sha256 == NULL) {
        return false;
    }
    link_operation(change, operation);
    return true;
}

bool change_run(struct change *change, const struct folder_run *run, struct error *error)
{
    struct operation *operation = add_operation(change, OPERATION_RUN, error);

    if (operation == NULL) {
        return false;
    }
    operation->run = *run;
    operation->run.id = copy(change, run->id, error);
    operation->run.pipeline = copy(change, run->pipeline, error);
    operation->run.status = copy(change, run->status, error);
    operation->run.json = copy(change, run->json, error);
    if (operation->run.id == NULL || operation->run.pipeline == NULL || operation->run.status == NULL ||
        operation->run.json == NULL) {
        return false;
    }
    link_operation(change, operation);
    return true;
}

bool change_output(struct change *change, const char *url, struct error *error)
{
    struct operation *operation = add_operation(change, OPERATION_OUTPUT, error);

    if (operation == NULL) {
        return false;
    }
    operation->url = copy(change, url, error);
    if (operation->url == NULL) {
        return false;
    }
    link_operation(change, operation);
    return true;
}

/* Removes the staged files that no transaction names: all of them, or only those that were not to be named. */
static void remove_staged(struct change *change, bool all)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct error error = {0};

    for (size_t i = 0; i < change->staged_count; i++) {
        const struct staged *staged = &change->staged[i];

        if (staged->folder || (staged->named && !all)) {
            continue;
        }
        if (folder_join(change->folder, staged->path, &path, &error) == NULL || !file_remove(path.data, &error)) {
            change->folder->unclean = true;
            log_event(LOG_WARN, "staged_file_not_removed", "path", "s", staged->path, "reason", "s", error.message,
                      NULL);
        }
    }
}

void change_abandon(struct change *change)
{
    if (change == NULL) {
        return;
    }
    remove_staged(change, true);
    change->folder->change = NULL;
    arena_free(change->arena);
    memory_free(change->staged);
    memory_free(change->slots);
    memory_free(change);
}

bool change_commit(struct change *change, struct error *error)
{
    struct folder *folder = change->folder;

    if (!change_sync(change, error)) {
        return false;
    }
    if (failpoint_hit("change.synced")) {
        return error_set(error, ERROR_IO, "%s: the commit was stopped: failpoint", folder->path);
    }
    if (!change_apply(change, error)) {
        return false;
    }
    remove_staged(change, false);
    change->staged_count = 0; /* nothing is left for change_abandon to remove */
    if (failpoint_hit("change.committed")) {
        return true;
    }
    sweep_forgotten(folder);
    failpoint_hit("change.removed");
    return true;
}

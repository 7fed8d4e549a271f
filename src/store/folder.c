#include "store/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/folder_private.h"

const char *const folder_rooms[] = {"cleaned", "state", "pending", "rejected", "invalid"};
const size_t folder_room_count = sizeof folder_rooms / sizeof folder_rooms[0];

const char *folder_join(const struct folder *folder, const char *relative, struct buffer *into, struct error *error)
{
    buffer_clear(into);
    buffer_append_format(into, "%s/%s", folder->path, relative);
    const char *path = buffer_text(into);

    if (path == NULL) {
        buffer_check(into, error);
    }
    return path;
}

static bool exists(const struct folder *folder, const char *relative, bool *there, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    if (folder_join(folder, relative, &path, error) == NULL) {
        return false;
    }
    *there = stat(path.data, &status) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR ||
           error_set_errno(error, errno, "%s cannot be examined", path.data);
}

static bool refuse_entry(void *context, const char *name, struct error *error)
{
    return error_set(error, ERROR_CONFLICT,
                     "%s has no " CATALOG_FILE " and holds files already (such as %s), which would be swept away; name "
                     "another data folder",
                     (const char *)context, name);
}

/* Makes the folders. Where there is no database yet they must be empty: a sweep would take what lies in them. */
static bool make_rooms(struct folder *folder, bool *fresh, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    bool database = false;

    if (!exists(folder, CATALOG_FILE, &database, error)) {
        return false;
    }
    for (size_t r = 0; r <= folder_room_count; r++) {
        const char *room = r < folder_room_count ? folder_rooms[r] : "tmp";

        if (folder_join(folder, room, &path, error) == NULL || !file_make_folders(path.data, error) ||
            (!database && !file_list(path.data, refuse_entry, path.data, error))) {
            return false;
        }
    }
    *fresh = !database;
    return true;
}

/* After the database was made: its name, and the folder's own, must last as well. */
static bool sync_names(const struct folder *folder, struct error *error)
{
    struct buffer parent __attribute__((cleanup(buffer_free))) = {0};

    return file_sync_folder(folder->path, error) && folder_join(folder, "..", &parent, error) &&
           file_sync_folder(parent.data, error);
}

static bool empty_entry(void *context, const char *name, struct error *error)
{
    struct folder *folder = context;
    struct buffer relative __attribute__((cleanup(buffer_free))) = {0};
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&relative, "tmp/%s", name);
    if (buffer_text(&relative) == NULL) {
        return buffer_check(&relative, error);
    }
    return folder_join(folder, relative.data, &path, error) && file_remove_tree(path.data, error);
}

static bool empty_tmp(struct folder *folder, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    return folder_join(folder, "tmp", &path, error) && file_list(path.data, empty_entry, folder, error);
}

static bool open_owner(struct folder *folder, struct error *error)
{
    enum last_end last_end = END_UNKNOWN;
    bool fresh = false;

    if (!file_make_folders(folder->path, error) || !lock_take(folder, &last_end, error)) {
        return false;
    }
    folder->unclean = true; /* until all below is done */
    folder->swept = last_end == END_UNKNOWN;
    if (!make_rooms(folder, &fresh, error) || !catalog_open(&folder->catalog, folder->path, true, error) ||
        (fresh && !sync_names(folder, error)) || !empty_tmp(folder, error) ||
        (last_end == END_UNKNOWN && !sweep_unnamed(folder, error))) {
        return false;
    }
    folder->unclean = false;
    folder->forgotten_removed = last_end == END_CLEAN;
    sweep_forgotten(folder);
    return true;
}

struct folder *folder_open(const char *path, enum folder_access access, struct error *error)
{
    struct folder *folder = memory_zeroed(sizeof *folder, error);

    if (folder == NULL) {
        return NULL;
    }
    folder->access = access;
    folder->lock_fd = -1;
    folder->path = memory_copy_text(path, strlen(path), error);
    if (folder->path == NULL ||
        !(access == FOLDER_WRITE ? open_owner(folder, error)
                                 : catalog_open(&folder->catalog, folder->path, false, error))) {
        folder_close(folder);
        return NULL;
    }
    return folder;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL) {
        return;
    }
    folder_read_end(folder);
    if (folder->access == FOLDER_WRITE && folder->catalog.db != NULL) {
        folder->unclean |= folder->change != NULL;
        sweep_forgotten(folder);
    }
    catalog_close(&folder->catalog);
    if (folder->lock_fd >= 0) {
        lock_give(folder);
    }
    memory_free(folder->path);
    memory_free(folder);
}

const char *folder_path(const struct folder *folder)
{
    return folder->path;
}

bool folder_read_begin(struct folder *folder, struct error *error)
{
    /* Nobody but the owner changes anything, and its own changes come only with its commits. */
    if (folder->access == FOLDER_WRITE || folder->reading) {
        return true;
    }
    if (!lock_reader_enter(folder, error)) {
        return false;
    }
    folder->reading = true;
    if (!catalog_do(&folder->catalog, CATALOG_BEGIN_READ, error) || !catalog_do(&folder->catalog, CATALOG_PIN, error)) {
        folder_read_end(folder);
        return false;
    }
    return true;
}

void folder_read_end(struct folder *folder)
{
    if (!folder->reading) {
        return;
    }
    if (!sqlite3_get_autocommit(folder->catalog.db)) {
        catalog_do(&folder->catalog, CATALOG_COMMIT, NULL);
    }
    lock_reader_leave(folder);
    folder->reading = false;
}

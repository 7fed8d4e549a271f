/* Removing files of a data folder that count no longer, or never did. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/folder_private.h"

/* Enough for any path that this program makes; a deeper one is not its own. */
#define MAXIMUM_DEPTH 16

static int named(struct folder *folder, const char *relative, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_HAS_FILE, error);

    if (query == NULL) {
        return -1;
    }
    catalog_bind_text(query, 1, relative);
    int there = catalog_step(&folder->catalog, query, error);

    if (there > 0) {
        sqlite3_reset(query);
    }
    return there;
}

static bool sweep_folder(struct folder *folder, struct buffer *relative, int depth, struct error *error);

/* `relative` names an entry of a folder; it is taken as a folder when it is one, else as a file. */
static bool sweep_entry(struct folder *folder, struct buffer *relative, const struct dirent *entry, int depth,
                        struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (entry->d_type == DT_DIR) {
        return sweep_folder(folder, relative, depth + 1, error) && folder_join(folder, relative->data, &path, error) &&
               (rmdir(path.data) == 0 || errno == ENOTEMPTY || errno == EEXIST ||
                error_set_errno(error, errno, "%s cannot be removed", path.data));
    }
    int there = named(folder, relative->data, error);

    if (there != 0) {
        return there > 0;
    }
    log_event(LOG_INFO, "unnamed_file_removed", "path", "s", relative->data, NULL);
    return folder_join(folder, relative->data, &path, error) && file_remove(path.data, error);
}

static bool sweep_entries(struct folder *folder, DIR *entries, struct buffer *relative, int depth, struct error *error)
{
    size_t length = relative->length;
    const struct dirent *entry = NULL;

    for (errno = 0; (entry = readdir(entries)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        buffer_append_format(relative, "/%s", entry->d_name);
        if (buffer_text(relative) == NULL) {
            return buffer_check(relative, error);
        }
        if (!sweep_entry(folder, relative, entry, depth, error)) {
            return false;
        }
        relative->length = length;
        buffer_text(relative);
    }
    return errno == 0 || error_set_errno(error, errno, "%s/%s cannot be read", folder->path, relative->data);
}

static bool sweep_folder(struct folder *folder, struct buffer *relative, int depth, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    if (depth > MAXIMUM_DEPTH) {
        return error_set(error, ERROR_INVALID, "%s/%s lies too deep to be Aisle's; move it elsewhere", folder->path,
                         relative->data);
    }
    if (folder_join(folder, relative->data, &path, error) == NULL) {
        return false;
    }
    DIR *entries = opendir(path.data);

    if (entries == NULL) {
        return error_set_errno(error, errno, "the folder %s cannot be read", path.data);
    }
    bool good = sweep_entries(folder, entries, relative, depth, error);

    closedir(entries);
    return good;
}

bool sweep_unnamed(struct folder *folder, struct error *error)
{
    for (size_t r = 0; r < folder_room_count; r++) {
        struct buffer relative __attribute__((cleanup(buffer_free))) = {0};

        buffer_append_text(&relative, folder_rooms[r]);
        if (buffer_text(&relative) == NULL) {
            return buffer_check(&relative, error);
        }
        if (!sweep_folder(folder, &relative, 1, error)) {
            return false;
        }
    }
    return true;
}

/* Removes the listed files; the list itself goes with the next commit. */
static bool remove_listed(struct folder *folder, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(&folder->catalog, CATALOG_FORGOTTEN, error);
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    int there = query != NULL ? 1 : -1;

    while (there > 0 && (there = catalog_step(&folder->catalog, query, error)) > 0) {
        if (folder_join(folder, (const char *)sqlite3_column_text(query, 0), &path, error) == NULL ||
            !file_remove(path.data, error)) {
            sqlite3_reset(query);
            there = -1;
        }
    }
    return there == 0;
}

void sweep_forgotten(struct folder *folder)
{
    struct error error = {0};

    if (folder->forgotten_removed || !lock_readers_hold(folder->lock_fd)) {
        return;
    }
    folder->forgotten_removed = remove_listed(folder, &error);
    if (!folder->forgotten_removed) {
        log_event(LOG_WARN, "old_files_not_removed", "folder", "s", folder->path, "reason", "s", error.message, NULL);
    }
    lock_readers_admit(folder->lock_fd);
}

/* What the files of a data folder share with each other. */
#ifndef AISLE_STORE_FOLDER_PRIVATE_H
#define AISLE_STORE_FOLDER_PRIVATE_H

#include "base/buffer.h"
#include "store/catalog.h"
#include "store/folder.h"

struct folder {
    char *path;
    enum folder_access access;
    int lock_fd; /* -1: a reader without one, where the folder cannot be written */
    struct catalog catalog;
    bool reading;           /* between folder_read_begin and folder_read_end */
    bool swept;             /* the last owner did not end in order, so that what it left was looked for */
    bool unclean;           /* something was left behind that only a walk finds */
    bool forgotten_removed; /* all files on the list of those that ended are gone */
    struct change *change;  /* the one that is open */
};

/* What the last owner left: files that only a walk finds, files that the list of ended ones names, or none. */
enum last_end { END_UNKNOWN, END_LISTED, END_CLEAN };

/* The folders of named files. */
extern const char *const folder_rooms[];
extern const size_t folder_room_count;

/* Takes the lock of the owner: ERROR_CONFLICT names the process that has it. */
bool lock_take(struct folder *folder, enum last_end *last_end, struct error *error);

/* Gives it back, with a note of what is left behind. */
void lock_give(struct folder *folder);

/* Marks a reader, so that the owner leaves files alone until the mark goes. Waits while the owner removes some. */
bool lock_reader_enter(struct folder *folder, struct error *error);
void lock_reader_leave(struct folder *folder);

/* For the owner, by its lock_fd: whether no reader is there; then new ones wait until lock_readers_admit. Who removes
 * files in another thread than the folder's does it by a descriptor of its own, which is closed by its user. */
int lock_descriptor(const struct folder *folder, struct error *error);
bool lock_readers_hold(int lock_fd);
void lock_readers_admit(int lock_fd);

/* Removes every file that the database does not name at all, and folders that this leaves empty. */
bool sweep_unnamed(struct folder *folder, struct error *error);

/* Removes the files that ended, unless a reader may be using them; then a later call does. Never fails the caller: what
 * cannot be removed stays on the list. */
void sweep_forgotten(struct folder *folder);

/* Every file that the database names, in the order in which they were named. */
bool folder_all_files(struct folder *folder, struct arena *arena, struct folder_file **files, size_t *count,
                      struct error *error);

/* "FOLDER/RELATIVE" in `into`; NULL on failure. */
const char *folder_join(const struct folder *folder, const char *relative, struct buffer *into, struct error *error);

#endif

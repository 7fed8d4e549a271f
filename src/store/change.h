/* A change while it is gathered: staged files and what the database is to be told. For the files of this room only. */
#ifndef AISLE_STORE_CHANGE_H
#define AISLE_STORE_CHANGE_H

#include "store/folder_private.h"

/* A file that was created, or a folder whose entries changed. */
struct staged {
    const char *path; /* relative to the data folder, "" for itself */
    bool folder;
    bool named; /* a file that the commit will name; others are removed */
    uint64_t size_bytes;
};

enum operation_kind {
    OPERATION_NAME,
    OPERATION_FORGET,
    OPERATION_DOCUMENT,
    OPERATION_TAKE,
    OPERATION_RUN,
    OPERATION_OUTPUT
};

struct operation {
    struct operation *next;
    enum operation_kind kind;
    union {
        struct folder_file file;
        const char *path;
        struct {
            const char *key, *text;
        } document;
        struct {
            const char *pipeline;
            struct folder_source source;
        } take;
        struct folder_run run;
        const char *url;
    };
};

struct change {
    struct folder *folder;
    struct arena *arena;
    struct staged *staged;
    size_t staged_count, staged_capacity;
    uint32_t *slots; /* hash table of places in `staged`, plus 1; a power of 2 of them */
    size_t slot_count;
    struct operation *first, **end;
};

/* Makes every named file and every changed folder lasting. */
bool change_sync(struct change *change, struct error *error);

/* Does the operations in one transaction. */
bool change_apply(struct change *change, struct error *error);

#endif

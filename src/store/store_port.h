/* What an implementation of the store port gives: one table of functions. For implementations only. */
#ifndef AISLE_STORE_STORE_PORT_H
#define AISLE_STORE_STORE_PORT_H

#include "store/store.h"

/* The members do what the functions of store.h of the same name say. */
struct store_verbs {
    void (*free)(struct store *store);
    bool (*head)(struct store *store, const char *bucket, const char *key, struct arena *arena,
                 struct store_object *object, struct error *error);
    struct store_reader *(*open)(struct store *store, const char *bucket, const char *key, struct error *error);
    const struct store_object *(*reader_object)(const struct store_reader *reader);
    ssize_t (*read)(struct store_reader *reader, void *data, size_t size, uint64_t offset, struct error *error);
    void (*close)(struct store_reader *reader);
    struct store_writer *(*create)(struct store *store, const struct store_put *put, struct error *error);
    bool (*write)(struct store_writer *writer, const void *data, size_t size, struct error *error);
    bool (*finish)(struct store_writer *writer, struct arena *arena, struct store_object *object, struct error *error);
    void (*abandon)(struct store_writer *writer);
    bool (*upload)(struct store *store, const struct store_put *put, const char *path, struct error *error);
    bool (*download)(struct store *store, const char *bucket, const char *key, const char *path, struct error *error);
    bool (*copy)(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                 struct error *error);
    bool (*delete)(struct store *store, const char *bucket, const char *key, struct error *error);
    bool (*list)(struct store *store, const char *bucket, const struct store_listing *listing,
                 bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                 void *context, struct error *error);
    bool (*list_buckets)(struct store *store,
                         bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                         void *context, struct error *error);
    bool (*make_bucket)(struct store *store, const char *bucket, struct error *error);
    bool (*remove_bucket)(struct store *store, const char *bucket, struct error *error);
    const char *(*presign)(struct store *store, const char *method, const char *bucket, const char *key,
                           int64_t expires_seconds, struct arena *arena, struct error *error);
};

/* The first member of every implementation's store, reader and writer. */
struct store {
    const struct store_verbs *verbs;
};
struct store_reader {
    const struct store_verbs *verbs;
};
struct store_writer {
    const struct store_verbs *verbs;
};

#endif

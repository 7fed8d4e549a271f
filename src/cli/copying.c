#include "cli/copying.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"

#define AT_ONCE 8
#define BATCH 256
#define DEEPEST_FOLDER 128
#define STEP_BYTES ((size_t)1 << 20)

enum direction { UP, DOWN, ACROSS };

struct item {
    const char *from, *to; /* paths or keys */
    uint64_t size_bytes;
};

struct batch {
    const struct copying *copying;
    enum direction direction;
    const char *from_bucket, *from_key, *to_bucket, *to_key; /* of URLs */
    struct team *team;
    struct arena *arena;      /* of the items */
    struct arena *long_arena; /* of the rest */
    struct item items[BATCH];
    size_t count;
    uint64_t objects, bytes;
    const char *folder; /* being walked */
    int depth;
};

const char *copying_type_of(const char *name)
{
    static const char *const types[][2] = {
        {".avif", "image/avif"},
        {".csv", "text/csv"},
        {".gif", "image/gif"},
        {".gz", "application/gzip"},
        {".html", "text/html"},
        {".jpeg", "image/jpeg"},
        {".jpg", "image/jpeg"},
        {".json", "application/json"},
        {".md", "text/markdown"},
        {".mp4", "video/mp4"},
        {".parquet", "application/vnd.apache.parquet"},
        {".pdf", "application/pdf"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain"},
        {".webp", "image/webp"},
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {".xml", "application/xml"},
        {".zip", "application/zip"},
        {".zst", "application/zstd"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(dot, types[i][0]) == 0) return types[i][1];
    }
    return NULL;
}

static const char *type_of(const struct copying *copying, const char *name)
{
    return copying->content_type ? copying->content_type : copying_type_of(name);
}

static bool make_parent(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return true;
    char *parent = memory_copy_text(path, (size_t)(slash - path), error);
    bool good = parent && file_make_folders(parent, error);
    memory_free(parent);
    return good;
}

static bool copy_item(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    const struct batch *batch = context;
    const struct item *item = &batch->items[index];
    const struct copying *copying = batch->copying;
    struct store_put put = {.bucket = batch->to_bucket, .key = item->to};
    switch (batch->direction) {
    case UP:
        put.content_type = type_of(copying, item->from);
        return store_upload(copying->store, &put, item->from, error);
    case DOWN:
        return make_parent(item->to, error) &&
               store_download(copying->store, batch->from_bucket, item->from, item->to, error);
    default:
        put.content_type = copying->content_type;
        return store_copy(copying->store, batch->from_bucket, item->from, &put, error);
    }
}

static bool copy_batch(struct batch *batch, struct error *error)
{
    bool good = team_run(batch->team, batch->count, copy_item, batch, error);
    for (size_t i = 0; i < batch->count; i++) batch->bytes += batch->items[i].size_bytes;
    batch->objects += batch->count;
    batch->count = 0;
    arena_reset(batch->arena);
    if (good && batch->copying->done) batch->copying->done(batch->copying->context, batch->objects, batch->bytes);
    return good;
}

/* Both names live in the batch's arena. */
static bool add(struct batch *batch, const char *from, const char *to, uint64_t size_bytes, struct error *error)
{
    struct item *item = &batch->items[batch->count];
    *item = (struct item){.from = arena_text(batch->arena, from, strlen(from), error),
                          .to = arena_text(batch->arena, to, strlen(to), error),
                          .size_bytes = size_bytes};
    if (!item->from || !item->to) return false;
    batch->count++;
    return batch->count < BATCH || copy_batch(batch, error);
}

static bool walk(struct batch *batch, const char *folder, struct error *error);

static bool visit_file(void *context, const char *name, struct error *error)
{
    struct batch *batch = context;
    struct stat status;
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};
    buffer_append_format(&path, "%s/%s", batch->folder, name);
    if (!buffer_text(&path)) return buffer_check(&path, error);
    if (stat(path.data, &status) != 0) return error_set_errno(error, errno, "%s cannot be examined", path.data);
    if (S_ISDIR(status.st_mode)) return walk(batch, path.data, error);
    if (!S_ISREG(status.st_mode)) return true;
    size_t wrong = 0;
    const char *below = path.data + strlen(batch->copying->from);
    while (*below == '/') below++;
    if (!str_is_utf8(str_of(below), &wrong)) {
        return error_set(error, ERROR_INVALID, "%s: its name is not UTF-8, as keys must be: rename it", path.data);
    }
    buffer_append_format(&key, "%s%s", batch->to_key, below);
    if (!buffer_text(&key)) return buffer_check(&key, error);
    return add(batch, path.data, key.data, (uint64_t)status.st_size, error);
}

static bool walk(struct batch *batch, const char *folder, struct error *error)
{
    if (batch->depth == DEEPEST_FOLDER) {
        return error_set(error, ERROR_LIMIT, "%s: folders are nested deeper than %d", folder, DEEPEST_FOLDER);
    }
    const char *above = batch->folder;
    batch->folder = folder;
    batch->depth++;
    bool good = file_list(folder, visit_file, batch, error);
    batch->depth--;
    batch->folder = above;
    return good;
}

/* Whether a key's place below its prefix can be a path below a folder: no part of it leads elsewhere. */
static bool is_safe(const char *below)
{
    for (const char *part = below;; part++) {
        size_t length = strcspn(part, "/");
        bool dots = (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.');
        if (length == 0 || dots) return false;
        part += length;
        if (*part == '\0') return true;
    }
}

/* The part of a key that goes on at the target: what follows the last slash of the prefix. */
static const char *below_prefix(const char *key, const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    return slash ? key + (slash - prefix) + 1 : key;
}

static bool visit_object(void *context, const struct store_object *object, bool is_prefix, struct error *error)
{
    (void)is_prefix;
    struct batch *batch = context;
    struct buffer to __attribute__((cleanup(buffer_free))) = {0};
    const char *below = below_prefix(object->key, batch->from_key);
    size_t length = strlen(object->key);
    /* Consoles make such objects to show a folder. */
    if (length > 0 && object->key[length - 1] == '/' && object->size_bytes == 0) return true;
    if (batch->direction == DOWN && !is_safe(below)) {
        return error_set(error, ERROR_INVALID, "s3://%s/%s cannot be a file below %s: copy it alone, by another name",
                         batch->from_bucket, object->key, batch->copying->to);
    }
    bool slash = batch->direction == DOWN && !str_ends_with(str_of(batch->copying->to), "/");
    buffer_append_format(&to, "%s%s%s", batch->direction == DOWN ? batch->copying->to : batch->to_key, slash ? "/" : "",
                         below);
    if (!buffer_text(&to)) return buffer_check(&to, error);
    return add(batch, object->key, to.data, object->size_bytes, error);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The target of one file or object: itself, or its name in a folder. */
static const char *name_target(const struct batch *batch, const char *from, struct error *error)
{
    struct stat status;
    const char *to = batch->direction == DOWN ? batch->copying->to : batch->to_key;
    bool ends = str_ends_with(str_of(to), "/");
    bool folder = batch->direction == DOWN && stat(to, &status) == 0 && S_ISDIR(status.st_mode);
    if (*to && !ends && !folder) return to;
    const char *name = base_name(from);
    if (!*name) {
        error_set(error, ERROR_USAGE, "'%s' is a folder: --recursive copies what is in it", batch->copying->from);
        return NULL;
    }
    return arena_format(batch->long_arena, error, "%s%s%s", to, folder && !ends ? "/" : "", name);
}

static bool copy_one(struct batch *batch, struct error *error)
{
    struct stat status;
    if (batch->direction == UP && stat(batch->copying->from, &status) == 0 && S_ISDIR(status.st_mode)) {
        return error_set(error, ERROR_USAGE, "%s is a folder: --recursive copies what is in it", batch->copying->from);
    }
    const char *from = batch->direction == UP ? batch->copying->from : batch->from_key;
    const char *to = name_target(batch, from, error);
    return to && add(batch, from, to, 0, error) && copy_batch(batch, error);
}

/* Standard input, whose length nobody knows. */
static bool copy_input(const struct batch *batch, struct error *error)
{
    struct store_put put = {
        .bucket = batch->to_bucket, .key = batch->to_key, .content_type = type_of(batch->copying, batch->to_key)};
    struct store_object object;
    if (!*put.key || str_ends_with(str_of(put.key), "/")) {
        return error_set(error, ERROR_USAGE, "'%s' names no object that standard input could become",
                         batch->copying->to);
    }
    char *block = memory_array(1, STEP_BYTES, error);
    struct store_writer *writer = block ? store_create(batch->copying->store, &put, error) : NULL;
    bool good = writer != NULL;
    ssize_t got = 0;
    while (good && (got = read(STDIN_FILENO, block, STEP_BYTES)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        good = got > 0 ? store_write(writer, block, (size_t)got, error)
                       : error_set_errno(error, errno, "standard input cannot be read");
    }
    good = good && store_finish(writer, batch->long_arena, &object, error);
    if (writer) store_abandon(writer);
    memory_free(block);
    return good;
}

static bool copy_output(const struct batch *batch, struct error *error)
{
    char *block = memory_array(1, STEP_BYTES, error);
    struct store_reader *reader =
        block ? store_open(batch->copying->store, batch->from_bucket, batch->from_key, error) : NULL;
    bool good = reader != NULL;
    ssize_t got = 0;
    for (uint64_t at = 0; good && (got = store_read(reader, block, STEP_BYTES, at, error)) > 0; at += (uint64_t)got) {
        good = file_write(STDOUT_FILENO, block, (size_t)got, "standard output", error);
    }
    if (reader) store_close(reader);
    memory_free(block);
    return good && got >= 0;
}

static bool copy_below(struct batch *batch, struct error *error)
{
    struct store_listing listing = {.prefix = batch->from_key, .delimiter = "", .start_after = ""};
    if (batch->direction != DOWN && *batch->to_key && !str_ends_with(str_of(batch->to_key), "/")) {
        batch->to_key = arena_format(batch->long_arena, error, "%s/", batch->to_key);
        if (!batch->to_key) return false;
    }
    bool good = batch->direction == UP
                    ? walk(batch, batch->copying->from, error)
                    : store_list(batch->copying->store, batch->from_bucket, &listing, visit_object, batch, error);
    return good && copy_batch(batch, error);
}

static bool read_ends(struct batch *batch, struct error *error)
{
    const struct copying *copying = batch->copying;
    bool from = store_is_url(copying->from), to = store_is_url(copying->to);
    if (!from && !to) {
        return error_set(error, ERROR_USAGE, "neither '%s' nor '%s' is an s3:// URL", copying->from, copying->to);
    }
    batch->direction = from && to ? ACROSS : from ? DOWN : UP;
    return (!from || store_url(copying->from, batch->long_arena, &batch->from_bucket, &batch->from_key, error)) &&
           (!to || store_url(copying->to, batch->long_arena, &batch->to_bucket, &batch->to_key, error));
}

static bool copy(struct batch *batch, struct error *error)
{
    const struct copying *copying = batch->copying;
    if (!read_ends(batch, error)) return false;
    if (batch->direction == UP && strcmp(copying->from, "-") == 0) return copy_input(batch, error);
    if (batch->direction == DOWN && strcmp(copying->to, "-") == 0) return copy_output(batch, error);
    return copying->recursive ? copy_below(batch, error) : copy_one(batch, error);
}

bool copying_run(const struct copying *copying, struct error *error)
{
    struct batch *batch = memory_zeroed(sizeof *batch, error);
    if (!batch) return false;
    batch->copying = copying;
    batch->arena = arena_new(0, error);
    batch->long_arena = batch->arena ? arena_new(0, error) : NULL;
    batch->team = batch->long_arena ? team_new(copying->recursive ? AT_ONCE : 1, error) : NULL;
    bool good = batch->team && copy(batch, error);
    if (batch->team) team_free(batch->team);
    if (batch->long_arena) arena_free(batch->long_arena);
    if (batch->arena) arena_free(batch->arena);
    memory_free(batch);
    return good;
}

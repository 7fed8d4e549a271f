#include "task/intake.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"

#define DEEPEST_FOLDER 32

struct finding {
    struct arena *arena;
    struct store *store;
    const char *bucket; /* being listed */
    size_t below;       /* bytes of the key that was given, with its slash */
    const struct kpi_spec *spec;
    struct intake *intake;
    size_t capacity, passed_by_capacity;
    const char *folder; /* being walked */
    int depth;
};

/* Whether a file name begins with `word` as a word of its own: "orders_part1.csv" with "orders". */
static bool begins_with_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(name, word, length) == 0 && !isalpha((unsigned char)name[length]);
}

/* The dataset whose longest name fits `text`; a folder's name must be the whole of it. One whose schema gives no names
 * goes by its own. */
static int dataset_named(const struct kpi_spec *spec, const char *text, bool folder)
{
    int best = -1;
    size_t best_length = 0;
    for (int d = 0; d < spec->dataset_count; d++) {
        const struct schema *schema = spec->datasets[d].schema;
        for (size_t m = 0; m == 0 || m < schema->match_count; m++) {
            const char *word = schema->match_count > 0 ? schema->match[m] : spec->datasets[d].name;
            bool fits = folder ? strcasecmp(text, word) == 0 : begins_with_word(text, word);
            if (fits && strlen(word) > best_length) {
                best = d;
                best_length = strlen(word);
            }
        }
    }
    return best;
}

/* By the file's name, then by the folders above it from the nearest up. */
static int dataset_of(const struct finding *finding, const char *path, struct error *error)
{
    char *copy = arena_text(finding->arena, path, strlen(path), error);
    if (!copy) return -1;
    char *slash = strrchr(copy, '/');
    int dataset = dataset_named(finding->spec, slash ? slash + 1 : copy, false);
    while (dataset < 0 && slash) {
        *slash = '\0';
        slash = strrchr(copy, '/');
        dataset = dataset_named(finding->spec, slash ? slash + 1 : copy, true);
    }
    return dataset;
}

static bool looks_like_data(const char *name)
{
    static const char *const endings[] = {".csv", ".tsv", ".txt"}, *const packed[] = {"", ".gz", ".zst", ".zstd"};
    size_t length = strlen(name);
    for (size_t p = 0; p < sizeof packed / sizeof *packed; p++) {
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            size_t ending = strlen(endings[e]), packing = strlen(packed[p]);
            if (length > ending + packing && strcasecmp(name + length - packing, packed[p]) == 0 &&
                strncasecmp(name + length - packing - ending, endings[e], ending) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool add_file(struct finding *finding, const struct intake_file *file, struct error *error)
{
    struct intake *intake = finding->intake;
    if (intake->count == finding->capacity) {
        size_t capacity = finding->capacity ? finding->capacity * 2 : 64;
        struct intake_file *grown = arena_take(finding->arena, capacity * sizeof *grown, error);
        if (!grown) return false;
        if (intake->count) memcpy(grown, intake->files, intake->count * sizeof *grown);
        intake->files = grown;
        finding->capacity = capacity;
    }
    intake->files[intake->count++] = *file;
    return true;
}

static bool pass_by(struct finding *finding, const char *path, struct error *error)
{
    struct intake *intake = finding->intake;
    if (intake->passed_by_count == finding->passed_by_capacity) {
        size_t capacity = finding->passed_by_capacity ? finding->passed_by_capacity * 2 : 16;
        const char **grown = arena_take(finding->arena, capacity * sizeof *grown, error);
        if (!grown) return false;
        if (intake->passed_by_count) memcpy(grown, intake->passed_by, intake->passed_by_count * sizeof *grown);
        intake->passed_by = grown;
        finding->passed_by_capacity = capacity;
    }
    intake->passed_by[intake->passed_by_count++] = path;
    return true;
}

static bool walk(struct finding *finding, const char *folder, struct error *error);

static bool visit(void *context, const char *name, struct error *error)
{
    struct finding *finding = context;
    if (name[0] == '.') return true;
    const char *path = arena_format(finding->arena, error, "%s/%s", finding->folder, name);
    struct stat status;
    if (!path) return false;
    if (stat(path, &status) != 0) {
        /* What vanishes while one looks, or a link to nothing, matters when it would have been read. */
        if (errno == ENOENT && !looks_like_data(name)) return true;
        return error_set_errno(error, errno, "cannot read %s", path);
    }
    if (S_ISDIR(status.st_mode)) return walk(finding, path, error);
    if (!looks_like_data(name)) return true;
    struct intake_file file = {.path = path, .dataset = dataset_of(finding, path, error)};
    return file.dataset < 0 ? pass_by(finding, path, error) : add_file(finding, &file, error);
}

static bool walk(struct finding *finding, const char *folder, struct error *error)
{
    if (finding->depth == DEEPEST_FOLDER) {
        return error_set(error, ERROR_LIMIT, "%s: folders are nested deeper than %d", folder, DEEPEST_FOLDER);
    }
    const char *above = finding->folder;
    finding->folder = folder;
    finding->depth++;
    bool good = file_list(folder, visit, finding, error);
    finding->depth--;
    finding->folder = above;
    return good;
}

static bool refuse_name(const struct finding *finding, const char *path, struct error *error)
{
    return error_set(
        error, ERROR_USAGE,
        "%s: its name tells no dataset of \"%s\"; begin it with one of their names (such as %s_part1.csv), or put "
        "it in a folder of that name",
        path, finding->spec->pipeline, finding->spec->datasets[0].name);
}

/* What is known of an object, in the arena. */
static bool take_object(struct finding *finding, const struct store_object *object, struct intake_file *file,
                        struct error *error)
{
    struct arena *arena = finding->arena;
    *file = (struct intake_file){.path = arena_format(arena, error, "s3://%s/%s", finding->bucket, object->key),
                                 .bucket = finding->bucket,
                                 .key = arena_text(arena, object->key, strlen(object->key), error),
                                 .etag = arena_text(arena, object->etag, strlen(object->etag), error),
                                 .size_bytes = object->size_bytes};
    if (!file->path || !file->key || !file->etag) return false;
    error->code = ERROR_NONE;
    file->dataset = dataset_of(finding, file->path, error);
    return file->dataset >= 0 || error->code == ERROR_NONE;
}

/* Whether a part of the key below what was given begins with a dot, as names that a walk passes over do. */
static bool is_hidden(const char *below)
{
    return below[0] == '.' || strstr(below, "/.") != NULL;
}

static bool visit_object(void *context, const struct store_object *object, bool is_prefix, struct error *error)
{
    (void)is_prefix;
    struct finding *finding = context;
    struct intake_file file;
    if (is_hidden(object->key + finding->below) || !looks_like_data(object->key)) return true;
    if (!take_object(finding, object, &file, error)) return false;
    return file.dataset < 0 ? pass_by(finding, file.path, error) : add_file(finding, &file, error);
}

static bool list_below(struct finding *finding, const char *prefix, struct error *error)
{
    struct store_listing listing = {.prefix = prefix, .delimiter = "", .start_after = ""};
    finding->below = strlen(prefix);
    return store_list(finding->store, finding->bucket, &listing, visit_object, finding, error);
}

/* The object of that key, or all that the key as a folder holds. */
static bool add_url(struct finding *finding, const char *url, struct error *error)
{
    const char *key = NULL;
    struct store_object object;
    struct intake_file file;
    struct error own = {0};
    if (!finding->store) return error_set(error, ERROR_USAGE, "%s: no object store is given to read it from", url);
    if (!store_url(url, finding->arena, &finding->bucket, &key, error)) return false;
    if (!*key || str_ends_with(str_of(key), "/")) return list_below(finding, key, error);
    if (store_head(finding->store, finding->bucket, key, finding->arena, &object, &own)) {
        if (!take_object(finding, &object, &file, error)) return false;
        return file.dataset < 0 ? refuse_name(finding, url, error) : add_file(finding, &file, error);
    }
    if (own.code != ERROR_NOT_FOUND) {
        *error = own;
        return false;
    }
    const char *folder = arena_format(finding->arena, error, "%s/", key);
    size_t before = finding->intake->count + finding->intake->passed_by_count;
    if (!folder || !list_below(finding, folder, error)) return false;
    return finding->intake->count + finding->intake->passed_by_count > before ||
           error_set(error, ERROR_NOT_FOUND, "%s: there is no such object, and nothing below it", url);
}

static bool add_path(struct finding *finding, const char *given, struct error *error)
{
    struct stat status;
    size_t length = strlen(given);
    if (store_is_url(given)) return add_url(finding, given, error);
    while (length > 1 && given[length - 1] == '/') length--;
    struct intake_file file = {.path = arena_text(finding->arena, given, length, error)};
    if (!file.path) return false;
    if (stat(file.path, &status) != 0) return error_set_errno(error, errno, "cannot read %s", file.path);
    if (S_ISDIR(status.st_mode)) return walk(finding, file.path, error);
    file.dataset = dataset_of(finding, file.path, error);
    return file.dataset < 0 ? refuse_name(finding, file.path, error) : add_file(finding, &file, error);
}

static int compare_files(const void *a, const void *b)
{
    const struct intake_file *x = a, *y = b;
    if (x->dataset != y->dataset) return x->dataset - y->dataset;
    return str_compare_natural(str_of(x->path), str_of(y->path));
}

bool intake_find(struct arena *arena, const struct kpi_spec *spec, const struct intake_places *places,
                 struct intake *intake, struct error *error)
{
    *intake = (struct intake){0};
    struct finding finding = {.arena = arena, .store = places->store, .spec = spec, .intake = intake};
    for (size_t i = 0; i < places->count; i++) {
        if (!add_path(&finding, places->paths[i], error)) return false;
    }
    if (intake->count == 0) {
        return error_set(
            error, ERROR_NOT_FOUND,
            "%s holds no file of a dataset of \"%s\": file or folder names must begin with one of their names, as "
            "in %s/ or %s_part1.csv",
            places->count == 1 ? places->paths[0] : "what was given", spec->pipeline, spec->datasets[0].name,
            spec->datasets[0].name);
    }
    qsort(intake->files, intake->count, sizeof *intake->files, compare_files);
    return true;
}

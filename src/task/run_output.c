/* The files of the folder as objects at a URL, for others to read. */
#include <string.h>

#include "base/failpoint.h"
#include "base/json.h"
#include "base/thread.h"
#include "task/run_private.h"

#define AT_ONCE 8
#define BATCH 32

struct writing {
    struct run *run;
    const char *bucket, *prefix; /* with a slash at its end unless empty */
    const struct folder_output *outputs;
};

static bool read_url(const struct run *run, const char **bucket, const char **prefix, struct error *error)
{
    if (!store_url(run->options.output, run->arena, bucket, prefix, error)) return false;
    if (**prefix && !str_ends_with(str_of(*prefix), "/")) {
        *prefix = arena_format(run->arena, error, "%s/", *prefix);
    }
    return *prefix != NULL;
}

/* One is enough to know that the bucket is there. */
static bool stop_listing(void *context, const struct store_object *object, bool is_prefix, struct error *error)
{
    (void)object;
    (void)is_prefix;
    *(bool *)context = true;
    return error_set(error, ERROR_LIMIT, "one is enough");
}

bool run_check_output(struct run *run, struct error *error)
{
    const char *output = run->options.output, *bucket = NULL, *prefix = NULL;
    if (!output) return true;
    if (!read_url(run, &bucket, &prefix, error)) return false;
    for (size_t i = 0; i < run->options.path_count; i++) {
        const char *path = run->options.paths[i], *from_bucket = NULL, *from = NULL;
        if (!store_is_url(path)) continue;
        if (!store_url(path, run->arena, &from_bucket, &from, error)) return false;
        if (strcmp(bucket, from_bucket) == 0 && strncmp(prefix, from, strlen(from)) == 0) {
            return error_set(error, ERROR_USAGE,
                             "--output %s is below %s, so that the next run would read what this one writes: name "
                             "another place",
                             output, path);
        }
    }
    /* One spelling for one place, by which the folder remembers what is there. */
    run->options.output = arena_format(run->arena, error, "s3://%s/%s", bucket, prefix);
    if (!run->options.output) return false;
    bool any = false;
    struct error own = {0};
    struct store_listing listing = {.prefix = prefix, .delimiter = "/", .start_after = ""};
    if (store_list(run->store, bucket, &listing, stop_listing, &any, &own) || any) return true;
    *error = own;
    return false;
}

static const char *type_of(const char *path)
{
    struct str name = str_of(path);
    return str_ends_with(name, ".parquet") ? "application/vnd.apache.parquet"
           : str_ends_with(name, ".json")  ? "application/json"
                                           : "text/csv";
}

static bool write_one(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    const struct writing *writing = context;
    const struct folder_output *output = &writing->outputs[index];
    struct store *store = writing->run->store;
    struct arena *arena = arena_new(0, error);
    if (!arena) return false;
    const char *key = arena_format(arena, error, "%s%s", writing->prefix, output->path);
    const char *path = arena_format(arena, error, "%s/%s", folder_path(writing->run->folder), output->path);
    struct store_put put = {.bucket = writing->bucket, .key = key, .content_type = type_of(output->path)};
    bool good =
        key && path &&
        (output->ended ? store_delete(store, writing->bucket, key, error) : store_upload(store, &put, path, error));
    arena_free(arena);
    return good;
}

static bool write_batches(struct writing *writing, struct folder_output *outputs, size_t count, struct error *error)
{
    struct run *run = writing->run;
    struct team *team = team_new(AT_ONCE, error);
    bool good = team != NULL;
    for (size_t at = 0; good && at < count; at += BATCH) {
        size_t batch = count - at < BATCH ? count - at : BATCH;
        writing->outputs = outputs + at;
        good = team_run(team, batch, write_one, writing, error);
        if (good && failpoint_hit("output.written")) {
            good = error_set(error, ERROR_IO, "%s: writing was stopped: failpoint", run->options.output);
        }
        good = good && folder_outputs_done(run->folder, run->options.output, outputs + at, batch, error);
    }
    if (team) team_free(team);
    return good;
}

bool run_write_output(struct run *run, struct error *error)
{
    struct writing writing = {.run = run};
    struct folder_output *outputs = NULL;
    size_t count = 0, ended = 0;
    const char *output = run->options.output;
    if (!read_url(run, &writing.bucket, &writing.prefix, error) ||
        !folder_outputs(run->folder, run->arena, output, &outputs, &count, error) ||
        !write_batches(&writing, outputs, count, error)) {
        return error_prefix(error,
                            "the run is done, but not all its files are at %s yet, which another run with "
                            "--output finishes",
                            output);
    }
    for (size_t i = 0; i < count; i++) ended += outputs[i].ended;
    uint64_t failures = json_failures();
    json_object_set_new(run->record, "output", json_string(output));
    json_object_set_new(run->record, "files_written", json_integer((json_int_t)(count - ended)));
    json_object_set_new(run->record, "files_taken_away", json_integer((json_int_t)ended));
    return json_built(failures, error);
}

#include "task/profile.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/csv_walk.h"
#include "task/profile_state.h"

#define SNIFF_BYTES ((size_t)64 << 10)
#define SNIFF_RECORDS 100
#define PROGRESS_ROWS 4096

/* How well a delimiter explains the first lines: the fields of each, if all but blank ones have as many and more than
 * one; else 0. */
static size_t score(const char *data, size_t size, char delimiter, struct csv_index *index)
{
    struct csv_dialect dialect = {delimiter, '"'};
    size_t consumed;
    csv_scan(data, size, &dialect, index, &consumed);
    size_t records = index->record_count < SNIFF_RECORDS ? index->record_count : SNIFF_RECORDS;
    size_t fields = records > 0 ? index->record_ends[0] : 0;
    for (size_t i = 1; i < records; i++) {
        size_t here = index->record_ends[i] - index->record_ends[i - 1];
        if (here != fields && here != 1) return 0;
    }
    return fields > 1 ? fields : 0;
}

/* The delimiter that gives the most columns, the same in every line; a comma when none does. */
static bool sniff(const struct csv_source *source, char *delimiter, struct error *error)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    uint64_t left = source->size - source->start;
    size_t size = left < SNIFF_BYTES ? (size_t)left : SNIFF_BYTES;
    char *bytes __attribute__((cleanup(memory_release))) = memory_zeroed(size + 1 + 2 * CSV_PADDING, error);
    uint32_t *ends __attribute__((cleanup(memory_release))) = memory_array(size + 65, sizeof *ends, error);
    uint32_t *record_ends __attribute__((cleanup(memory_release))) =
        memory_array(size + 65, sizeof *record_ends, error);
    if (!bytes || !ends || !record_ends) return false;
    char *data = bytes + CSV_PADDING;
    ssize_t got = file_read_at(source->fd, data, size, source->start, source->path, error);
    if (got < 0) return false;
    size = (size_t)got;
    if (size == left && size > 0 && data[size - 1] != '\n') data[size++] = '\n';
    struct csv_index index = {.ends = ends, .record_ends = record_ends};
    size_t best = 0;
    *delimiter = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t fields = score(data, size, candidates[i], &index);
        if (fields > best) {
            best = fields;
            *delimiter = candidates[i];
        }
    }
    return true;
}

static bool read_header(struct profile *profile, const struct csv_record *record, const char *path, struct error *error)
{
    if (record->broken != RULE_COUNT)
        return error_set(error, ERROR_INVALID, "%s: the header is not readable text: %s", path,
                         record->broken == RULE_ENCODING ? "it is not UTF-8 (--encoding names another)"
                                                         : "a quote stands where none may be");
    profile->columns = arena_zeroed(profile->arena, record->field_count * sizeof *profile->columns, error);
    if (!profile->columns) return false;
    profile->column_count = record->field_count;
    for (size_t i = 0; i < record->field_count; i++) {
        struct str name = str_trim(record->fields[i]);
        char *kept = name.length > 0 ? arena_text(profile->arena, name.data, name.length, error)
                                     : arena_format(profile->arena, error, "column_%zu", i + 1);
        if (!kept) return false;
        profile->columns[i].name = kept;
        for (size_t j = 0; j < i; j++)
            if (strcmp(profile->columns[j].name, kept) == 0)
                return error_set(error, ERROR_INVALID, "%s: the header names \"%s\" twice: give each column its name",
                                 path, kept);
    }
    return true;
}

static bool gather(const struct profile_options *options, const struct csv_source *source, struct csv_walk *walk,
                   struct profile *profile, struct gathered **gathered, struct error *error)
{
    struct csv_record record;
    struct random random;
    bool end;
    random_seed(&random, 1);
    if (!csv_walk_next(walk, &record, &end, error)) return false;
    if (end) return error_set(error, ERROR_INVALID, "%s is empty: there is nothing to profile", options->path);
    if (!read_header(profile, &record, options->path, error)) return false;
    *gathered = memory_zeroed(profile->column_count * sizeof **gathered, error);
    if (!*gathered) return false;
    uint64_t done = 0;
    while (csv_walk_next(walk, &record, &end, error) && !end) {
        profile->rows++;
        done += record.bytes.length + 1;
        if (options->progress && profile->rows % PROGRESS_ROWS == 0)
            options->progress(options->progress_context, done, source->size - source->start);
        if (record.broken != RULE_COUNT) {
            profile->broken++;
            continue;
        }
        for (size_t i = 0; i < profile->column_count; i++)
            if (!gathered_add(&(*gathered)[i], record.fields[i], profile->arena, &random, error)) return false;
    }
    return end;
}

/* The first column that could be the key, one named like an id before the others. */
static int choose_key(const struct profile *profile)
{
    int best = -1;
    for (size_t i = 0; i < profile->column_count; i++) {
        const struct profile_column *column = &profile->columns[i];
        bool whole = column->type == FIELD_STRING || column->type == FIELD_INTEGER;
        if (!column->key || !whole || profile->rows - profile->broken < 2) continue;
        struct str name = str_of(column->name);
        if (column->id || str_is(name, "id") || str_ends_with(name, "_id")) return (int)i;
        best = best < 0 && column->longest <= 64 ? (int)i : best;
    }
    return best;
}

static bool set_name(const struct profile_options *options, struct profile *profile, struct error *error)
{
    const char *slash = strrchr(options->path, '/');
    const char *start = slash ? slash + 1 : options->path;
    const char *dot = strchr(start, '.');
    profile->name =
        arena_text(profile->arena, start, dot && dot > start ? (size_t)(dot - start) : strlen(start), error);
    return profile->name != NULL;
}

static bool profile_source(const struct profile_options *options, struct csv_source *source, struct profile *profile,
                           struct error *error)
{
    struct gathered *gathered = NULL;
    struct csv_dialect dialect = {.delimiter = options->delimiter, .quote = '"'};
    profile->bytes = source->size - source->start;
    if (!dialect.delimiter && !sniff(source, &dialect.delimiter, error)) return false;
    profile->delimiter = dialect.delimiter;
    struct csv_walk *walk = csv_walk_new(source, &dialect, error);
    bool good = walk && gather(options, source, walk, profile, &gathered, error);
    for (size_t i = 0; good && i < profile->column_count; i++)
        good = gathered_conclude(&gathered[i], profile->arena, &profile->columns[i], error);
    for (size_t i = 0; gathered && i < profile->column_count; i++) gathered_free(&gathered[i]);
    memory_free(gathered);
    csv_walk_free(walk);
    if (good) profile->primary_key = choose_key(profile);
    return good && csv_source_finish(source, error);
}

bool profile_run(const struct profile_options *options, struct profile *profile, struct error *error)
{
    struct csv_source source;
    const char *folder = getenv("TMPDIR");
    struct csv_source_options how = {.encoding = options->encoding,
                                     .temporary_folder = folder && *folder ? folder : "/tmp"};
    *profile = (struct profile){.primary_key = -1, .encoding = options->encoding};
    profile->arena = arena_new(0, error);
    if (!profile->arena || !set_name(options, profile, error) || !csv_source_open(&source, options->path, &how, error))
        return false;
    bool good = profile_source(options, &source, profile, error);
    csv_source_close(&source);
    return good;
}

void profile_free(struct profile *profile)
{
    arena_free(profile->arena);
    *profile = (struct profile){0};
}

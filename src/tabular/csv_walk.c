#include "tabular/csv_walk.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/memory.h"

#define BLOCK_BYTES ((size_t)1 << 20)
#define RECORD_CEILING ((size_t)64 << 20)

struct csv_walk {
    const struct csv_source *source;
    struct csv_dialect dialect;
    char *room; /* CSV_PADDING, the block, CSV_PADDING */
    size_t capacity;
    size_t size;     /* bytes of the block */
    uint64_t offset; /* of the first byte after the block */
    struct csv_index index;
    bool utf8;     /* the whole block is */
    size_t record; /* the next one of the index */
    size_t start;  /* where it begins */
    uint64_t line, row;
    size_t columns; /* of the first record; 0 before it */
    struct str *fields;
    size_t field_capacity;
    struct buffer spill; /* unescaped fields of the record */
};

static char *block_of(const struct csv_walk *walk)
{
    return walk->room + CSV_PADDING;
}

static bool reserve(struct csv_walk *walk, size_t capacity, struct error *error)
{
    char *room = memory_resize(walk->room, capacity + 2 * CSV_PADDING, 1, error);
    if (!room) return false;
    walk->room = room;
    uint32_t *ends = memory_resize(walk->index.ends, capacity + 64, sizeof *ends, error);
    if (!ends) return false;
    walk->index.ends = ends;
    uint32_t *record_ends = memory_resize(walk->index.record_ends, capacity + 64, sizeof *record_ends, error);
    if (!record_ends) return false;
    walk->index.record_ends = record_ends;
    walk->capacity = capacity;
    return true;
}

struct csv_walk *csv_walk_new(const struct csv_source *source, const struct csv_dialect *dialect, struct error *error)
{
    struct csv_walk *walk = memory_zeroed(sizeof *walk, error);
    if (!walk) return NULL;
    walk->source = source;
    walk->dialect = *dialect;
    walk->offset = source->start;
    walk->line = 1;
    if (!reserve(walk, BLOCK_BYTES, error)) {
        csv_walk_free(walk);
        return NULL;
    }
    memset(walk->room, 0, CSV_PADDING);
    return walk;
}

void csv_walk_free(struct csv_walk *walk)
{
    if (!walk) return;
    buffer_free(&walk->spill);
    memory_free(walk->fields);
    memory_free(walk->index.ends);
    memory_free(walk->index.record_ends);
    memory_free(walk->room);
    memory_free(walk);
}

/* Moves the unfinished record to the front and reads on behind it; a missing last newline is added. */
static bool read_on(struct csv_walk *walk, struct error *error)
{
    size_t kept = walk->size - walk->start;
    memmove(block_of(walk), block_of(walk) + walk->start, kept);
    walk->start = 0;
    walk->size = kept;
    if (kept + 1 >= walk->capacity && !reserve(walk, walk->capacity * 2, error)) return false;
    uint64_t left = walk->source->size - walk->offset;
    size_t wanted = walk->capacity - kept - 1;
    if (wanted > left) wanted = (size_t)left;
    ssize_t got =
        file_read_at(walk->source->fd, block_of(walk) + kept, wanted, walk->offset, walk->source->path, error);
    if (got < 0) return false;
    if ((size_t)got < wanted)
        return error_set(error, ERROR_CONFLICT, "%s became shorter while it was read: run again when it is complete",
                         walk->source->path);
    walk->size += wanted;
    walk->offset += wanted;
    if (wanted == left && walk->size > 0 && block_of(walk)[walk->size - 1] != '\n') block_of(walk)[walk->size++] = '\n';
    return true;
}

/* Scans until there is a record; `*end` when the file has no more. */
static bool load(struct csv_walk *walk, bool *end, struct error *error)
{
    size_t consumed = 0;
    do {
        bool last = walk->offset == walk->source->size;
        *end = last && walk->start == walk->size;
        if (*end) return true;
        if (last)
            return error_set(error, ERROR_INVALID,
                             "%s: line %" PRIu64
                             ": a quote is never closed: close it, or give the file's quote sign in "
                             "the schema's \"dialect\"",
                             walk->source->path, walk->line);
        if (walk->size - walk->start > RECORD_CEILING)
            return error_set(error, ERROR_LIMIT,
                             "%s: line %" PRIu64 ": the record is longer than 64 MiB (is a quote "
                             "not closed?)",
                             walk->source->path, walk->line);
        if (!read_on(walk, error)) return false;
        csv_scan(block_of(walk), walk->size, &walk->dialect, &walk->index, &consumed);
    } while (walk->index.record_count == 0);
    size_t wrong;
    walk->record = 0;
    walk->utf8 = !walk->index.traits.has_non_ascii || str_is_utf8(str_slice(block_of(walk), consumed), &wrong);
    return true;
}

/* Unescapes the fields of a record; false in `*whole` when one is quoted wrongly. */
static bool take_fields(struct csv_walk *walk, struct csv_record *record, size_t first, bool *whole,
                        struct error *error)
{
    *whole = true;
    if (record->field_count > walk->field_capacity) {
        struct str *fields = memory_resize(walk->fields, record->field_count, sizeof *fields, error);
        if (!fields) return false;
        walk->fields = fields;
        walk->field_capacity = record->field_count;
    }
    buffer_clear(&walk->spill);
    char *spill = walk->index.traits.has_quote ? buffer_room(&walk->spill, record->bytes.length + 1) : NULL;
    if (walk->index.traits.has_quote && !spill) return buffer_check(&walk->spill, error);
    const char *block = block_of(walk);
    const char *at = record->bytes.data;
    for (size_t i = 0; i < record->field_count; i++) {
        bool last = i + 1 == record->field_count;
        const char *stop = last ? record->bytes.data + record->bytes.length : block + walk->index.ends[first + i];
        struct str text = str_slice(at, (size_t)(stop - at));
        if (spill && memchr(text.data, walk->dialect.quote, text.length)) {
            if (!csv_field_value(text.data, text.length, walk->dialect.quote, spill, &text.data, &text.length)) {
                *whole = false;
                return true;
            }
            spill += text.data == spill ? text.length : 0;
        }
        walk->fields[i] = text;
        at = stop + 1;
    }
    record->fields = walk->fields;
    return true;
}

static bool judge(struct csv_walk *walk, struct csv_record *record, size_t first, struct error *error)
{
    size_t wrong;
    bool whole = true;
    record->broken = RULE_COUNT;
    if ((walk->index.traits.has_nul && memchr(record->bytes.data, 0, record->bytes.length)) ||
        (!walk->utf8 && !str_is_utf8(record->bytes, &wrong))) {
        record->broken = RULE_ENCODING;
        return true;
    }
    if (!take_fields(walk, record, first, &whole, error)) return false;
    if (!whole)
        record->broken = RULE_QUOTING;
    else if (walk->columns != 0 && record->field_count != walk->columns)
        record->broken = RULE_FIELDS;
    return true;
}

static uint64_t count_newlines(struct str text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.length; i++) count += text.data[i] == '\n';
    return count;
}

bool csv_walk_next(struct csv_walk *walk, struct csv_record *record, bool *end, struct error *error)
{
    *end = false;
    for (;;) {
        if (walk->record == walk->index.record_count && (!load(walk, end, error) || *end)) return *end;
        size_t first = walk->record == 0 ? 0 : walk->index.record_ends[walk->record - 1];
        size_t after = walk->index.record_ends[walk->record++];
        const char *start = block_of(walk) + walk->start;
        const char *newline = block_of(walk) + walk->index.ends[after - 1];
        struct str bytes = str_slice(start, (size_t)(newline - start));
        *record = (struct csv_record){.line = walk->line, .field_count = after - first};
        walk->line += 1 + (walk->index.traits.has_quote ? count_newlines(bytes) : 0);
        walk->start = (size_t)(newline - block_of(walk)) + 1;
        bytes.length -= bytes.length > 0 && bytes.data[bytes.length - 1] == '\r';
        if (record->field_count == 1 && bytes.length == 0) continue;
        record->bytes = bytes;
        record->row = ++walk->row;
        if (!judge(walk, record, first, error)) return false;
        if (walk->columns == 0) walk->columns = record->field_count;
        return true;
    }
}

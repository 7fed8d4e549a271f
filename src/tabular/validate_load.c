#include "tabular/validate_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

/* Bytes read past a block at once: most last records end within. */
#define TAIL_READ ((size_t)8 << 10)

/* A block while it is read. */
struct reading {
    const struct file_state *state;
    const struct block *block;
    struct worker *worker;
    size_t size; /* bytes in the worker's room so far */
};

bool worker_reserve(struct worker *worker, size_t size, size_t spill, struct error *error)
{
    size_t capacity = size + spill + 3 * CSV_PADDING;
    if (capacity <= worker->bytes_capacity) return true;
    bool fresh = worker->bytes == NULL;
    char *bytes = memory_resize(worker->bytes, capacity, 1, error);
    if (bytes == NULL) return false;
    if (fresh) memset(bytes, 0, CSV_PADDING);
    worker->bytes = bytes;
    worker->bytes_capacity = capacity;
    return true;
}

/* Reads on up to `wanted` bytes from the block's start, or the file's end. */
static bool read_to(struct reading *reading, size_t wanted, struct error *error)
{
    const struct csv_source *source = reading->state->file->source;
    uint64_t left = source->size - reading->block->offset;
    wanted = left < wanted ? (size_t)left : wanted;
    if (wanted <= reading->size) return true;
    /* One more byte for a newline that a file may lack at its end. */
    if (!worker_reserve(reading->worker, wanted + 1, 0, error)) return false;
    char *data = worker_data(reading->worker);
    ssize_t got = file_read_at(source->fd, data + reading->size, wanted - reading->size,
                               reading->block->offset + reading->size, source->path, error);
    if (got < 0) return false;
    if ((size_t)got < wanted - reading->size)
        return error_set(error, ERROR_CONFLICT, "%s became shorter while it was read: run again when it is complete",
                         source->path);
    reading->size = wanted;
    memset(data + wanted, 0, CSV_PADDING);
    return true;
}

static bool at_file_end(const struct reading *reading)
{
    return reading->block->offset + reading->size == reading->state->file->source->size;
}

static uint64_t count_newlines(const char *data, size_t size)
{
    uint64_t count = 0;
    for (const char *at = data, *end = data + size; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) count++;
    return count;
}

bool worker_scan(struct worker *worker, const struct loaded *loaded, const struct csv_dialect *dialect,
                 size_t *consumed, struct error *error)
{
    size_t room = loaded->size + 64;
    if (room > worker->end_capacity) {
        memory_free(worker->index.ends);
        worker->end_capacity = 0;
        worker->index.ends = memory_array(room, sizeof *worker->index.ends, error);
        if (worker->index.ends == NULL) return false;
        worker->end_capacity = room;
    }
    if (room > worker->record_end_capacity) {
        memory_free(worker->index.record_ends);
        worker->record_end_capacity = 0;
        worker->index.record_ends = memory_array(room, sizeof *worker->index.record_ends, error);
        if (worker->index.record_ends == NULL) return false;
        worker->record_end_capacity = room;
    }
    csv_scan(loaded->data, loaded->size, dialect, &worker->index, consumed);
    return true;
}

/* Where in an unfinished record its quoted field that is never closed begins. */
static size_t open_quote(const char *data, size_t size, const struct csv_dialect *dialect)
{
    size_t opened = 0;
    bool inside = false;
    bool field_start = true;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == dialect->quote) {
            bool doubled = !inside && !field_start && i > 0 && data[i - 1] == dialect->quote;
            if (!inside && !doubled) opened = i;
            inside = !inside;
        }
        field_start = !inside && (data[i] == dialect->delimiter || data[i] == '\n');
    }
    return opened;
}

static void break_long(struct validation *validation, size_t index, const struct loaded *loaded, size_t record)
{
    uint64_t line = loaded->lines + count_newlines(loaded->data, record) + 1;
    char problem[300];
    snprintf(problem, sizeof problem,
             "the record that begins in line %" PRIu64 " is longer than %zu bytes: is a quote in it not closed?", line,
             validation->options.record_ceiling);
    file_break(validation, index, line, problem);
}

static void break_unclosed(struct validation *validation, size_t index, const struct loaded *loaded, size_t record,
                           const struct csv_dialect *dialect)
{
    size_t quote = record + open_quote(loaded->data + record, loaded->size - record, dialect);
    uint64_t line = loaded->lines + count_newlines(loaded->data, quote) + 1;
    char problem[300];
    snprintf(problem, sizeof problem,
             "a quoted field that begins in line %" PRIu64 " is never closed: put the missing quote there, or remove "
             "the stray one",
             line);
    file_break(validation, index, line, problem);
}

/* Looks for a record over the ceiling, and whether the last one is complete. */
static bool check_records(struct validation *validation, size_t index, const struct reading *reading,
                          const struct loaded *loaded, bool *broken, struct error *error)
{
    const struct csv_index *found = &reading->worker->index;
    size_t ceiling = validation->options.record_ceiling;
    size_t consumed;
    if (!worker_scan(reading->worker, loaded, &reading->state->dialect, &consumed, error)) return false;
    size_t start = 0;
    *broken = true;
    for (size_t i = 0; i < found->record_count; i++) {
        size_t end = found->ends[found->record_ends[i] - 1];
        if (end - start > ceiling) {
            break_long(validation, index, loaded, start);
            return true;
        }
        start = end + 1;
    }
    if (loaded->size - consumed > ceiling)
        break_long(validation, index, loaded, consumed);
    else if (consumed < loaded->size)
        break_unclosed(validation, index, loaded, consumed, &reading->state->dialect);
    else
        *broken = false;
    return true;
}

/* Finds where the last record that begins in the block ends, reading on as needed. `inside` tells whether the block's
 * end lies in quotes. `*loaded` begins at the first record; `*complete` is false when the file ends or the ceiling is
 * met first. */
static bool find_end(const struct validation *validation, struct reading *reading, bool inside, struct loaded *loaded,
                     bool *complete, struct error *error)
{
    size_t begin = (size_t)(loaded->data - worker_data(reading->worker));
    size_t looked = reading->block->size;
    size_t end = 0;
    *complete = true;
    while (end == 0) {
        struct csv_block_facts facts;
        size_t size = reading->size - looked;
        csv_block_facts(worker_data(reading->worker) + looked, size, &reading->state->dialect, &facts);
        size_t newline = inside ? facts.first_newline_inside : facts.first_newline_outside;
        if (newline < size) {
            end = looked + newline + 1;
            break;
        }
        inside ^= facts.odd_quotes;
        looked = reading->size;
        bool too_long = looked - reading->block->size > validation->options.record_ceiling;
        if (at_file_end(reading) || too_long) {
            *complete = !inside && !too_long;
            end = looked;
            char *last = worker_data(reading->worker) + end - 1;
            if (*complete && *last != '\n') {
                last[1] = '\n';
                end++;
            }
        } else if (!read_to(reading, reading->size + size * 3 + TAIL_READ, error)) {
            return false;
        }
    }
    loaded->data = worker_data(reading->worker) + begin;
    loaded->size = end - begin;
    return true;
}

bool block_load(struct validation *validation, size_t index, struct worker *worker, struct loaded *loaded, bool *wanted,
                struct error *error)
{
    const struct block *block = &validation->blocks[index];
    const struct file_state *state = &validation->files[block->file];
    struct reading reading = {.state = state, .block = block, .worker = worker};
    *loaded = (struct loaded){0};
    if (!read_to(&reading, block->size + TAIL_READ, error)) return false;
    struct csv_block_facts facts;
    csv_block_facts(worker_data(worker), block->size, &state->dialect, &facts);
    struct chain_place place;
    *wanted = chain_wait_place(&validation->chain, index, &place);
    if (!*wanted) return true;
    bool inside = place.inside_quotes ^ facts.odd_quotes;
    chain_pass_place(&validation->chain, index, &(struct chain_place){inside, place.lines + facts.newlines});
    size_t begin = 0;
    if (index != state->first_block) {
        begin = place.inside_quotes ? facts.first_newline_inside : facts.first_newline_outside;
        if (begin == block->size) return true;
        begin++;
    }
    /* The record that would begin right at the end of the file does not exist. */
    if (block->last && begin == block->size) return true;
    loaded->data = worker_data(worker) + begin;
    loaded->lines = place.lines + count_newlines(worker_data(worker), begin);
    bool complete;
    bool broken = false;
    if (!find_end(validation, &reading, inside, loaded, &complete, error)) return false;
    bool suspect = !complete || loaded->size > validation->options.record_ceiling;
    if (suspect && !check_records(validation, index, &reading, loaded, &broken, error)) return false;
    *wanted = !broken;
    return true;
}

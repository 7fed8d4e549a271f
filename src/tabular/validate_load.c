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

/* Says that the last record begun in the block cannot be taken: it is too long, or a quote in it is never closed. */
static bool break_at_last(struct validation *validation, size_t index, const struct reading *reading,
                          const struct loaded *loaded, bool unclosed, struct error *error)
{
    size_t consumed;
    if (!worker_scan(reading->worker, loaded, &reading->state->dialect, &consumed, error)) return false;
    const char *record = loaded->data + consumed;
    size_t size = loaded->size - consumed;
    uint64_t line = loaded->lines + count_newlines(loaded->data, consumed) + 1;
    char problem[300];
    if (unclosed) {
        line += count_newlines(record, open_quote(record, size, &reading->state->dialect));
        snprintf(problem, sizeof problem,
                 "a quoted field that begins in line %" PRIu64 " is never closed: put the "
                 "missing quote there, or remove the stray one",
                 line);
    } else {
        snprintf(problem, sizeof problem,
                 "the record that begins in line %" PRIu64 " is longer than %zu bytes: is a "
                 "quote in it not closed?",
                 line, validation->options.record_ceiling);
    }
    file_break(validation, index, line, problem);
    return true;
}

/* Finds where the last record that begins in the block ends, reading on as needed. `inside` tells whether the block's
 * end lies in quotes. `*loaded` begins at the first record; `*broken` when the file ends or the ceiling is met first.
 */
static bool find_end(struct validation *validation, size_t index, struct reading *reading, bool inside,
                     struct loaded *loaded, bool *broken, struct error *error)
{
    size_t begin = (size_t)(loaded->data - worker_data(reading->worker));
    size_t looked = reading->block->size;
    size_t end = 0;
    while (end == 0) {
        char *tail = worker_data(reading->worker) + looked;
        struct csv_block_facts facts;
        csv_block_facts(tail, reading->size - looked, &reading->state->dialect, &facts);
        size_t newline = inside ? facts.first_newline_inside : facts.first_newline_outside;
        bool found = newline < reading->size - looked;
        end = found ? looked + newline + 1 : 0;
        inside ^= facts.odd_quotes;
        looked = reading->size;
        bool too_long = looked - reading->block->size > validation->options.record_ceiling;
        if (found) break;
        if (at_file_end(reading) || too_long) {
            loaded->data = worker_data(reading->worker) + begin;
            loaded->size = looked - begin;
            if (inside || too_long) {
                *broken = true;
                return break_at_last(validation, index, reading, loaded, inside && !too_long, error);
            }
            char *data = worker_data(reading->worker);
            end = looked;
            if (data[end - 1] != '\n') data[end++] = '\n';
            break;
        }
        if (!read_to(reading, reading->size + (reading->size - reading->block->size) * 3, error)) return false;
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
    bool broken = false;
    if (!find_end(validation, index, &reading, inside, loaded, &broken, error)) return false;
    *wanted = !broken;
    return true;
}

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tabular/validate_internal.h"

#define FIRST_READ ((size_t)64 << 10)
#define BINARY_LOOK ((size_t)8 << 10)

/* What is read of a file to find its first record. */
struct opening {
    char *bytes; /* between CSV_PADDING bytes */
    size_t size;
    bool whole; /* up to the end of the file */
    struct csv_index index;
    size_t consumed;
};

static void opening_free(struct opening *opening)
{
    memory_free(opening->bytes);
    memory_free(opening->index.ends);
    memory_free(opening->index.record_ends);
    *opening = (struct opening){0};
}

/* Reads and scans the first `wanted` bytes of the file. At its end a missing newline is added. */
static bool opening_read(struct opening *opening, const struct file_state *state, size_t wanted, struct error *error)
{
    const struct csv_source *source = state->file->source;
    uint64_t left = source->size - source->start;
    size_t size = left < wanted ? (size_t)left : wanted;
    opening_free(opening);
    opening->bytes = memory_zeroed(size + 1 + 2 * CSV_PADDING, error);
    opening->index.ends = memory_array(size + 65, sizeof *opening->index.ends, error);
    opening->index.record_ends = memory_array(size + 65, sizeof *opening->index.record_ends, error);
    if (opening->bytes == NULL || opening->index.ends == NULL || opening->index.record_ends == NULL) return false;
    char *data = opening->bytes + CSV_PADDING;
    ssize_t got = file_read_at(source->fd, data, size, source->start, source->path, error);
    if (got < 0) return false;
    if ((size_t)got < size)
        return error_set(error, ERROR_CONFLICT, "%s became shorter while it was read: run again when it is complete",
                         source->path);
    opening->whole = size == left;
    if (opening->whole && size > 0 && data[size - 1] != '\n') data[size++] = '\n';
    opening->size = size;
    csv_scan(data, size, &state->dialect, &opening->index, &opening->consumed);
    return true;
}

/* The first record that is not a blank line; false when there is none. */
static bool first_record(const struct opening *opening, size_t *record)
{
    const char *data = opening->bytes + CSV_PADDING;
    size_t start = 0;
    size_t fields = 0;
    for (*record = 0; *record < opening->index.record_count; ++*record) {
        size_t after = opening->index.record_ends[*record];
        size_t end = opening->index.ends[after - 1];
        bool blank = after - fields == 1 && (end == start || (end == start + 1 && data[start] == '\r'));
        if (!blank) return true;
        start = end + 1;
        fields = after;
    }
    return false;
}

static void refuse(struct file_state *state, enum file_verdict verdict, uint64_t line, const char *problem)
{
    struct file_report *report = &state->file->report;
    report->verdict = verdict;
    report->problem_line = line;
    snprintf(report->problem, sizeof report->problem, "%s", problem);
}

/* NUL bytes, or control characters and not one line: whatever it is, it is no table of text. */
static bool looks_binary(const struct opening *opening)
{
    const char *data = opening->bytes + CSV_PADDING;
    size_t look = opening->size < BINARY_LOOK ? opening->size : BINARY_LOOK;
    if (memchr(data, 0, look) != NULL) return true;
    if (memchr(data, '\n', opening->size) != NULL && !(opening->whole && opening->index.record_count <= 1))
        return false;
    for (size_t i = 0; i < look; i++)
        if ((unsigned char)data[i] < 0x20 && data[i] != '\t' && data[i] != '\r' && data[i] != '\n') return true;
    return false;
}

/* Fills the head from the record, and maps its names. */
static bool map_record(struct validation *validation, struct file_state *state, struct opening *opening, size_t record,
                       struct error *error)
{
    char *data = opening->bytes + CSV_PADDING;
    const uint32_t *record_ends = opening->index.record_ends;
    const uint32_t *ends = opening->index.ends;
    size_t first = record == 0 ? 0 : record_ends[record - 1];
    size_t count = record_ends[record] - first;
    size_t start = first == 0 ? 0 : ends[first - 1] + 1;
    size_t end = ends[first + count - 1];
    struct head *head = &state->head;
    head->data_start = state->file->source->start + end + 1;
    uint64_t file_size = state->file->source->size;
    head->data_start = head->data_start < file_size ? head->data_start : file_size;
    for (size_t i = 0; i <= end; i++) head->lines += data[i] == '\n';
    end -= end > start && data[end - 1] == '\r';
    uint64_t line = head->lines;
    struct str *names = arena_take(validation->arena, count * sizeof *names, error);
    head->record = (struct str){arena_text(validation->arena, data + start, end - start, error), end - start};
    char *room = arena_take(validation->arena, end - start + 1, error);
    if (names == NULL || head->record.data == NULL || room == NULL) return false;
    size_t wrong;
    if (!str_is_utf8(head->record, &wrong)) {
        refuse(state, FILE_BROKEN, line,
               "the header is not UTF-8 text: say \"encoding\": \"latin-1\" or \"utf-16\" in "
               "the schema, or convert the file");
        return true;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t field_end = i + 1 == count ? end - start : ends[first + i] - start;
        if (!csv_field_value(head->record.data + at, field_end - at, state->dialect.quote, room, &names[i].data,
                             &names[i].length)) {
            char problem[200];
            snprintf(problem, sizeof problem,
                     "the name of column %zu is quoted wrongly: quote it wholly or not at "
                     "all",
                     i + 1);
            refuse(state, FILE_BAD_HEADER, line, problem);
            return true;
        }
        room += names[i].data == room ? names[i].length : 0;
        at = field_end + 1;
    }
    if (!schema_map_header(validation->arena, state->plan->schema, names, count, &head->map, error)) return false;
    if (head->map.problem != NULL) refuse(state, FILE_BAD_HEADER, line, head->map.problem);
    if (head->map.notice != NULL)
        snprintf(state->file->report.notice, sizeof state->file->report.notice, "%s", head->map.notice);
    return true;
}

/* What to say of a file that has no complete first record. */
static void refuse_headless(struct file_state *state, const struct opening *opening, size_t ceiling)
{
    char problem[300];
    if (opening->size == 0 || opening->consumed == opening->size) {
        refuse(state, FILE_EMPTY, 0,
               opening->size == 0 ? "the file is empty: it must begin with a line of column names"
                                  : "the file holds only blank lines: it must begin with a line "
                                    "of column names");
    } else if (opening->whole) {
        refuse(state, FILE_BROKEN, 1, "a quoted column name is never closed: put the missing quote into the header");
    } else {
        snprintf(problem, sizeof problem, "the header is longer than %zu bytes: is this a CSV file with line breaks?",
                 ceiling);
        refuse(state, FILE_BROKEN, 1, problem);
    }
}

bool head_read(struct validation *validation, struct file_state *state, struct error *error)
{
    size_t ceiling = validation->options.record_ceiling;
    struct opening opening = {0};
    size_t record = 0;
    bool fine;
    size_t wanted = FIRST_READ;
    while ((fine = opening_read(&opening, state, wanted, error)) && !first_record(&opening, &record) &&
           !opening.whole && wanted < ceiling && !looks_binary(&opening))
        wanted = wanted * 8 < ceiling ? wanted * 8 : ceiling;
    if (fine && looks_binary(&opening))
        refuse(state, FILE_BROKEN, 0,
               "the file is not text (it holds bytes that no CSV file has): send the table "
               "as CSV, or say \"encoding\": \"utf-16\" in the schema where it is that");
    else if (fine && record < opening.index.record_count)
        fine = map_record(validation, state, &opening, record, error);
    else if (fine)
        refuse_headless(state, &opening, ceiling);
    opening_free(&opening);
    return fine;
}

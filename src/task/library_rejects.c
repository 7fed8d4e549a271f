/* The stream of rejected rows, read back from the CSV that validation wrote of them. */
#include <errno.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "task/library.h"

#define BATCH_ROWS ((size_t)16384)
#define BATCH_BYTES ((size_t)64 << 20)

enum { NUMBER, REASONS, ROW, COLUMNS };

/* The schema of the batches; `fields` is where it keeps them. */
static struct schema describe(struct field fields[COLUMNS])
{
    fields[NUMBER] = (struct field){.name = "row_number", .kind = COLUMN_INTEGER};
    fields[REASONS] = (struct field){.name = "rejection_reasons", .kind = COLUMN_TEXT};
    fields[ROW] = (struct field){.name = "row", .kind = COLUMN_TEXT};
    return (struct schema){.fields = fields, .field_count = COLUMNS};
}

/* Rows on their way to a batch. */
struct pile {
    size_t rows;
    int64_t *numbers;
    uint32_t *starts[2]; /* of the reasons and of the rows; one more than there are rows */
    struct buffer bytes[2];
};

struct rejects_stream {
    struct csv_source source;
    struct csv_dialect dialect;
    struct csv_walk *walk; /* NULL: there is no reject */
    struct pile pile;
    struct buffer unescaped;
    struct error error;
};

/* Where the last field begins, which holds no quote and no delimiter. */
static size_t last_field(struct str bytes, char delimiter)
{
    size_t at = bytes.length;

    while (at > 0 && bytes.data[at - 1] != delimiter) {
        at--;
    }
    return at;
}

/* Where a quoted field at the end of `bytes` begins: at the first quote from behind that is not one of a pair. */
static size_t quoted_field(struct str bytes, char quote)
{
    size_t at = bytes.length - 1;

    while (at > 0) {
        at--;
        if (bytes.data[at] != quote) {
            continue;
        }
        if (at == 0 || bytes.data[at - 1] != quote) {
            return at;
        }
        at--;
    }
    return 0;
}

static int64_t number_of(struct str digits)
{
    int64_t number = 0;

    for (size_t i = 0; i < digits.length; i++) {
        number = number * 10 + (digits.data[i] - '0');
    }
    return number;
}

static bool pile_up(struct rejects_stream *state, struct str record)
{
    const struct csv_dialect *dialect = &state->dialect;
    struct pile *pile = &state->pile;
    size_t number = last_field(record, dialect->delimiter);
    struct str rest = str_slice(record.data, number > 0 ? number - 1 : 0);
    bool quoted = rest.length > 1 && rest.data[rest.length - 1] == dialect->quote && dialect->quote != '\0';
    size_t reasons = quoted ? quoted_field(rest, dialect->quote) : last_field(rest, dialect->delimiter);
    struct str raw = str_slice(rest.data + reasons, rest.length - reasons);
    const char *value = raw.data;
    size_t value_size = raw.length;

    buffer_clear(&state->unescaped);
    if (buffer_room(&state->unescaped, raw.length + 1) == NULL) {
        return false;
    }
    csv_field_value(raw.data, raw.length, dialect->quote, state->unescaped.data, &value, &value_size);
    pile->numbers[pile->rows] = number_of(str_slice(record.data + number, record.length - number));
    buffer_append(&pile->bytes[0], value, value_size);
    buffer_append(&pile->bytes[1], record.data, reasons > 0 ? reasons - 1 : 0);
    pile->rows++;
    pile->starts[0][pile->rows] = (uint32_t)pile->bytes[0].length;
    pile->starts[1][pile->rows] = (uint32_t)pile->bytes[1].length;
    return true;
}

static void pile_clear(struct pile *pile)
{
    pile->rows = 0;
    pile->starts[0][0] = pile->starts[1][0] = 0;
    buffer_clear(&pile->bytes[0]);
    buffer_clear(&pile->bytes[1]);
}

static bool fill_pile(struct rejects_stream *state, struct error *error)
{
    struct pile *pile = &state->pile;
    bool end = false;

    pile_clear(pile);
    while (!end && pile->rows < BATCH_ROWS && pile->bytes[1].length < BATCH_BYTES) {
        struct csv_record record;

        if (!csv_walk_next(state->walk, &record, &end, error)) {
            return false;
        }
        if (!end && !pile_up(state, record.bytes)) {
            return buffer_check(&state->unescaped, error);
        }
    }
    return buffer_check(&pile->bytes[0], error) && buffer_check(&pile->bytes[1], error);
}

/* Exports the pile, whose memory the batch only borrows. */
static bool export_pile(const struct pile *pile, struct ArrowArray *out, struct error *error)
{
    struct column columns[COLUMNS] = {
        [REASONS] = {.kind = COLUMN_TEXT, .starts = pile->starts[0], .bytes = pile->bytes[0].data},
        [ROW] = {.kind = COLUMN_TEXT, .starts = pile->starts[1], .bytes = pile->bytes[1].data},
    };
    struct field fields[COLUMNS];
    const struct schema schema = describe(fields);
    const struct batch batch = {.rows = (uint32_t)pile->rows, .columns = COLUMNS, .column = columns};
    bool good = column_pack(&columns[NUMBER], COLUMN_INTEGER, pile->numbers, pile->rows, error) &&
                arrow_batch_export(&schema, &batch, NULL, out, error);

    column_free(&columns[NUMBER]);
    return good;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct rejects_stream *state = stream->private_data;
    struct field fields[COLUMNS];
    const struct schema schema = describe(fields);

    if (!arrow_schema_export(&schema, out, &state->error)) {
        return ENOMEM;
    }
    /* A row as it came need not be UTF-8. */
    out->children[ROW]->format = "z";
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct rejects_stream *state = stream->private_data;

    *out = (struct ArrowArray){0};
    if (state->walk == NULL) {
        return 0;
    }
    if (!fill_pile(state, &state->error)) {
        return state->error.code == ERROR_MEMORY ? ENOMEM : EIO;
    }
    if (state->pile.rows == 0 || export_pile(&state->pile, out, &state->error)) {
        return 0;
    }
    return state->error.code == ERROR_MEMORY ? ENOMEM : EIO;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct rejects_stream *state = stream->private_data;

    return state->error.message;
}

static void state_free(struct rejects_stream *state)
{
    csv_walk_free(state->walk);
    memory_free(state->pile.numbers);
    for (size_t i = 0; i < 2; i++) {
        memory_free(state->pile.starts[i]);
        buffer_free(&state->pile.bytes[i]);
    }
    buffer_free(&state->unescaped);
    csv_source_close(&state->source);
    memory_free(state);
}

static void release(struct ArrowArrayStream *stream)
{
    state_free(stream->private_data);
    stream->release = NULL;
}

/* Makes room for a batch, and goes past the header line. */
static bool begin(struct rejects_stream *state, struct error *error)
{
    struct pile *pile = &state->pile;
    struct csv_record header;
    bool end;

    if (state->source.size == 0) {
        return true;
    }
    pile->numbers = memory_array(BATCH_ROWS, sizeof *pile->numbers, error);
    pile->starts[0] = memory_array(BATCH_ROWS + 1, sizeof *pile->starts[0], error);
    pile->starts[1] = memory_array(BATCH_ROWS + 1, sizeof *pile->starts[1], error);
    if (pile->numbers == NULL || pile->starts[0] == NULL || pile->starts[1] == NULL) {
        return false;
    }
    state->walk = csv_walk_new(&state->source, &state->dialect, error);
    return state->walk != NULL && csv_walk_next(state->walk, &header, &end, error);
}

bool library_stream_rejects(struct ArrowArrayStream *out, int fd, uint64_t size, const struct csv_dialect *dialect,
                            struct error *error)
{
    struct rejects_stream *state = memory_zeroed(sizeof *state, error);

    if (state == NULL) {
        close(fd);
        return false;
    }
    state->source = (struct csv_source){.path = "the rejected rows", .fd = fd, .size = size};
    state->dialect = *dialect;
    for (size_t i = 0; i < 2; i++) {
        buffer_init(&state->pile.bytes[i], 0);
    }
    if (!begin(state, error)) {
        state_free(state);
        return false;
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release,
                                     .private_data = state};
    return true;
}

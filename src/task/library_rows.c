/* The stream of valid rows: batches that are there already, exported and let go one by one. */
#include <errno.h>

#include "base/memory.h"
#include "task/library.h"

struct rows_stream {
    struct library_rows rows;
    size_t next;
    struct error error;
};

void library_rows_free(struct library_rows *rows)
{
    for (size_t i = 0; i < rows->batch_count; i++) {
        batch_free(rows->batches[i]);
    }
    memory_free(rows->batches);
    terms_free(rows->terms);
    schema_free(rows->schema);
    arena_free(rows->arena);
    *rows = (struct library_rows){0};
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct rows_stream *state = stream->private_data;

    return arrow_schema_export(state->rows.schema, out, &state->error) ? 0 : ENOMEM;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct rows_stream *state = stream->private_data;
    struct library_rows *rows = &state->rows;

    if (state->next == rows->batch_count) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    if (!arrow_batch_export(rows->schema, rows->batches[state->next], rows->terms, out, &state->error)) {
        return state->error.code == ERROR_MEMORY ? ENOMEM : EIO;
    }
    batch_free(rows->batches[state->next]);
    rows->batches[state->next++] = NULL;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct rows_stream *state = stream->private_data;

    return state->error.message;
}

static void release(struct ArrowArrayStream *stream)
{
    struct rows_stream *state = stream->private_data;

    library_rows_free(&state->rows);
    memory_free(state);
    stream->release = NULL;
}

bool library_stream_rows(struct ArrowArrayStream *out, struct library_rows *rows, struct error *error)
{
    struct rows_stream *state = memory_zeroed(sizeof *state, error);

    if (state == NULL) {
        return false;
    }
    state->rows = *rows;
    *rows = (struct library_rows){0};
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release,
                                     .private_data = state};
    return true;
}

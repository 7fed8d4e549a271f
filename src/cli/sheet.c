#include "cli/sheet.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/cell.h"
#include "cli/table.h"

struct sheet {
    const struct sheet_column *columns;
    size_t count;
    struct sheet_options options;
    struct table *table; /* SHEET_TABLE */
    struct sum {
        int64_t value;
        bool lost; /* it does not fit: not shown */
    } * sums;
    uint64_t rows;
    struct buffer line;
};

static enum table_kind table_kind_of(enum column_kind kind)
{
    return kind == COLUMN_INTEGER || kind == COLUMN_DECIMAL ? TABLE_NUMBER : TABLE_TEXT;
}

static bool open_table(struct sheet *sheet, struct error *error)
{
    struct table_column *columns = memory_zeroed((sheet->count + 1) * sizeof *columns, error);
    if (columns == NULL) return false;
    size_t filled = 0;
    for (size_t c = 0; c < sheet->count; c++) {
        columns[filled++] =
            (struct table_column){.title = sheet->columns[c].name, .kind = table_kind_of(sheet->columns[c].kind)};
        if (c == sheet->options.bar)
            columns[filled++] =
                (struct table_column){.title = "", .kind = TABLE_BAR, .full = (double)sheet->options.bar_full};
    }
    struct terminal terminal = terminal_of(sheet->options.out);
    sheet->table = table_new(sheet->options.out, &terminal, columns, filled, error);
    memory_free(columns);
    if (sheet->table != NULL && sheet->options.thousands) table_separate_thousands(sheet->table);
    return sheet->table != NULL;
}

/* Writes the line that was made, and empties it. */
static bool write_line(struct sheet *sheet, struct error *error)
{
    if (!buffer_check(&sheet->line, error)) return false;
    if (sheet->line.length > 0) fwrite(sheet->line.data, 1, sheet->line.length, sheet->options.out);
    buffer_clear(&sheet->line);
    return true;
}

/* --- CSV -------------------------------------------------------------------------------------------------------- */

/* Quotes what was appended from `begin` on where RFC 4180 asks for it. */
static void quote_csv(struct buffer *line, size_t begin)
{
    size_t length = line->length - begin, quotes = 0;
    bool needed = false;
    if (line->failed) return;
    for (size_t i = begin; i < line->length; i++) {
        char c = line->data[i];
        quotes += c == '"';
        needed = needed || c == '"' || c == ',' || c == '\n' || c == '\r';
    }
    if (!needed || buffer_room(line, quotes + 2) == NULL) return;
    char *to = line->data + begin + length + quotes + 2;
    *--to = '"';
    for (size_t i = begin + length; i-- > begin;) {
        char c = line->data[i];
        *--to = c;
        if (c == '"') *--to = '"';
    }
    *--to = '"';
    buffer_advance(line, quotes + 2);
}

static void append_csv_header(struct sheet *sheet)
{
    for (size_t c = 0; c < sheet->count; c++) {
        if (c > 0) buffer_append_char(&sheet->line, ',');
        size_t begin = sheet->line.length;
        buffer_append_text(&sheet->line, sheet->columns[c].name);
        quote_csv(&sheet->line, begin);
    }
    buffer_append_char(&sheet->line, '\n');
}

static void append_csv_row(struct sheet *sheet, const int64_t *values)
{
    for (size_t c = 0; c < sheet->count; c++) {
        const struct sheet_column *column = &sheet->columns[c];
        if (c > 0) buffer_append_char(&sheet->line, ',');
        size_t begin = sheet->line.length;
        cell_append(&sheet->line, column->kind, column->scale, sheet->options.terms, values[c]);
        quote_csv(&sheet->line, begin);
    }
    buffer_append_char(&sheet->line, '\n');
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static void append_object(struct sheet *sheet, const int64_t *values)
{
    buffer_append_char(&sheet->line, '{');
    for (size_t c = 0; c < sheet->count; c++) {
        const struct sheet_column *column = &sheet->columns[c];
        if (c > 0) buffer_append_text(&sheet->line, ", ");
        json_append_string(&sheet->line, str_of(column->name));
        buffer_append_text(&sheet->line, ": ");
        cell_append_json(&sheet->line, column->kind, column->scale, sheet->options.terms, values[c]);
    }
    buffer_append_char(&sheet->line, '}');
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

static bool put_cell(struct sheet *sheet, size_t c, int64_t value, struct error *error)
{
    const struct sheet_column *column = &sheet->columns[c];
    buffer_clear(&sheet->line);
    cell_append(&sheet->line, column->kind, column->scale, sheet->options.terms, value);
    if (!buffer_check(&sheet->line, error)) return false;
    table_text(sheet->table, sheet->line.length == 0 ? str_of("") : str_slice(sheet->line.data, sheet->line.length));
    return true;
}

static bool put_row(struct sheet *sheet, const int64_t *values, struct error *error)
{
    for (size_t c = 0; c < sheet->count; c++) {
        if (!put_cell(sheet, c, values[c], error)) return false;
        if (c == sheet->options.bar) table_bar(sheet->table, values[c] == COLUMN_NULL ? 0 : (double)values[c]);
        if (sheet->columns[c].additive && values[c] != COLUMN_NULL &&
            __builtin_add_overflow(sheet->sums[c].value, values[c], &sheet->sums[c].value))
            sheet->sums[c].lost = true;
    }
    table_end_row(sheet->table);
    return true;
}

static bool put_sums(struct sheet *sheet, struct error *error)
{
    bool any = false;
    for (size_t c = 0; c < sheet->count; c++) any = any || sheet->columns[c].additive;
    if (!any || sheet->rows < 2) return true;
    for (size_t c = 0; c < sheet->count; c++) {
        if (c == 0 && !sheet->columns[0].additive)
            table_text(sheet->table, str_of("total"));
        else if (!sheet->columns[c].additive || sheet->sums[c].lost)
            table_blank(sheet->table);
        else if (!put_cell(sheet, c, sheet->sums[c].value, error))
            return false;
        if (c == sheet->options.bar) table_blank(sheet->table);
    }
    table_end_totals(sheet->table);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------- */

struct sheet *sheet_new(const struct sheet_column *columns, size_t count, const struct sheet_options *options,
                        struct error *error)
{
    struct sheet *sheet = memory_zeroed(sizeof *sheet, error);
    if (sheet == NULL) return NULL;
    sheet->columns = columns;
    sheet->count = count;
    sheet->options = *options;
    buffer_init(&sheet->line, 0);
    sheet->sums = memory_zeroed((count + 1) * sizeof *sheet->sums, error);
    bool good = sheet->sums != NULL;
    if (good && options->form == SHEET_TABLE)
        good = open_table(sheet, error);
    else if (good && options->form == SHEET_CSV)
        append_csv_header(sheet);
    else if (good && options->form == SHEET_JSON)
        buffer_append_char(&sheet->line, '[');
    if (!good || !write_line(sheet, error)) {
        sheet_free(sheet);
        return NULL;
    }
    return sheet;
}

bool sheet_row(struct sheet *sheet, const int64_t *values, struct error *error)
{
    sheet->rows++;
    switch (sheet->options.form) {
    case SHEET_TABLE:
        return put_row(sheet, values, error);
    case SHEET_CSV:
        append_csv_row(sheet, values);
        break;
    case SHEET_JSON:
        buffer_append_text(&sheet->line, sheet->rows == 1 ? "" : ",\n ");
        append_object(sheet, values);
        break;
    case SHEET_JSON_LINES:
        append_object(sheet, values);
        buffer_append_char(&sheet->line, '\n');
        break;
    }
    return write_line(sheet, error);
}

bool sheet_finish(struct sheet *sheet, struct error *error)
{
    if (sheet->options.form == SHEET_TABLE) return put_sums(sheet, error) && table_finish(sheet->table, error);
    if (sheet->options.form == SHEET_JSON) buffer_append_text(&sheet->line, "]\n");
    return write_line(sheet, error);
}

void sheet_free(struct sheet *sheet)
{
    if (sheet == NULL) return;
    table_free(sheet->table);
    memory_free(sheet->sums);
    buffer_free(&sheet->line);
    memory_free(sheet);
}

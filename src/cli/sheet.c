#include "cli/sheet.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/table.h"
#include "tabular/csv_write.h"
#include "tabular/json_lines.h"

enum { PORTION = 1024 }; /* rows that are written at once */

struct sheet {
    const struct value_column *columns;
    size_t count;
    struct sheet_options options;
    struct table *table; /* SHEET_TABLE */
    int64_t *sums;       /* by column; COLUMN_NULL: it does not fit, and is not shown */
    uint64_t rows;
    struct buffer text; /* what is written next */
};

static bool open_table(struct sheet *sheet, struct error *error)
{
    struct table_column *columns = memory_zeroed((sheet->count + 1) * sizeof *columns, error);
    if (columns == NULL) return false;
    size_t filled = 0;
    for (size_t c = 0; c < sheet->count; c++) {
        enum column_kind kind = sheet->columns[c].kind;
        bool number = kind == COLUMN_INTEGER || kind == COLUMN_DECIMAL;
        bool text = kind == COLUMN_TERM || kind == COLUMN_TEXT;
        columns[filled].title = sheet->columns[c].name;
        columns[filled++].kind = number ? TABLE_NUMBER : text ? TABLE_TEXT : TABLE_WHOLE;
        if (c == sheet->options.bar) {
            columns[filled].title = "";
            columns[filled].full = (double)sheet->options.bar_full;
            columns[filled++].kind = TABLE_BAR;
        }
    }
    struct terminal terminal = terminal_of(sheet->options.out);
    sheet->table = table_new(sheet->options.out, &terminal, columns, filled, error);
    memory_free(columns);
    if (sheet->table != NULL && sheet->options.thousands) table_separate_thousands(sheet->table);
    return sheet->table != NULL;
}

/* Writes the text that was made, and empties it. */
static bool write_text(struct sheet *sheet, struct error *error)
{
    if (!buffer_check(&sheet->text, error)) return false;
    if (sheet->text.length > 0) fwrite(sheet->text.data, 1, sheet->text.length, sheet->options.out);
    buffer_clear(&sheet->text);
    return true;
}

struct sheet *sheet_new(const struct value_column *columns, size_t count, const struct sheet_options *options,
                        struct error *error)
{
    struct sheet *sheet = memory_zeroed(sizeof *sheet, error);
    if (sheet == NULL) return NULL;
    sheet->columns = columns;
    sheet->count = count;
    sheet->options = *options;
    buffer_init(&sheet->text, 0);
    sheet->sums = memory_zeroed((count + 1) * sizeof *sheet->sums, error);
    bool good = sheet->sums != NULL;
    if (good && options->form == SHEET_TABLE)
        good = open_table(sheet, error);
    else if (good && options->form == SHEET_CSV)
        csv_write_header(&sheet->text, columns, count);
    else if (good && options->form == SHEET_JSON)
        buffer_append_char(&sheet->text, '[');
    if (!good || !write_text(sheet, error)) {
        sheet_free(sheet);
        return NULL;
    }
    return sheet;
}

void sheet_free(struct sheet *sheet)
{
    if (sheet == NULL) return;
    table_free(sheet->table);
    memory_free(sheet->sums);
    buffer_free(&sheet->text);
    memory_free(sheet);
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static void append_objects(struct sheet *sheet, const struct value_column *columns, size_t from, size_t rows)
{
    for (size_t row = from; row < from + rows; row++) {
        buffer_append_text(&sheet->text, sheet->rows++ == 0 ? "{" : ",\n {");
        for (size_t c = 0; c < sheet->count; c++) {
            if (c > 0) buffer_append_char(&sheet->text, ',');
            json_append_string(&sheet->text, str_of(columns[c].name));
            buffer_append_char(&sheet->text, ':');
            json_lines_value(&sheet->text, &columns[c], sheet->options.terms, row);
        }
        buffer_append_char(&sheet->text, '}');
    }
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void add(struct sheet *sheet, size_t c, int64_t value)
{
    int64_t *sum = &sheet->sums[c];
    bool summed = sheet->options.additive != NULL && sheet->options.additive[c];
    if (!summed || value == COLUMN_NULL || *sum == COLUMN_NULL) return;
    if (__builtin_add_overflow(*sum, value, sum)) *sum = COLUMN_NULL;
}

/* A cell with a value that is no text; a null is an empty cell. */
static bool put_value(struct sheet *sheet, const struct value_column *column, int64_t value, struct error *error)
{
    buffer_clear(&sheet->text);
    if (value != COLUMN_NULL) value_append(&sheet->text, column, sheet->options.terms, value);
    if (!buffer_check(&sheet->text, error)) return false;
    table_text(sheet->table, sheet->text.length == 0 ? str_of("") : str_slice(sheet->text.data, sheet->text.length));
    return true;
}

static bool put_row(struct sheet *sheet, const struct value_column *columns, size_t row, struct error *error)
{
    for (size_t c = 0; c < sheet->count; c++) {
        if (columns[c].kind == COLUMN_TEXT) {
            table_text(sheet->table, columns[c].texts[row]);
            continue;
        }
        int64_t value = columns[c].kind == COLUMN_ABSENT ? COLUMN_NULL : columns[c].values[row];
        if (!put_value(sheet, &columns[c], value, error)) return false;
        if (c == sheet->options.bar) table_bar(sheet->table, value == COLUMN_NULL ? 0 : (double)value);
        add(sheet, c, value);
    }
    table_end_row(sheet->table);
    sheet->rows++;
    return true;
}

static bool put_sums(struct sheet *sheet, struct error *error)
{
    const bool *additive = sheet->options.additive;
    bool any = false;
    for (size_t c = 0; additive != NULL && c < sheet->count; c++) any = any || additive[c];
    if (!any || sheet->rows < 2) return true;
    for (size_t c = 0; c < sheet->count; c++) {
        if (c == 0 && !additive[0])
            table_text(sheet->table, str_of("total"));
        else if (!additive[c] || sheet->sums[c] == COLUMN_NULL)
            table_blank(sheet->table);
        else if (!put_value(sheet, &sheet->columns[c], sheet->sums[c], error))
            return false;
        if (c == sheet->options.bar) table_blank(sheet->table);
    }
    table_end_totals(sheet->table);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------- */

static bool write_portion(struct sheet *sheet, const struct value_column *columns, size_t from, size_t rows,
                          struct error *error)
{
    bool good = true;
    switch (sheet->options.form) {
    case SHEET_TABLE:
        for (size_t row = from; row < from + rows && good; row++) good = put_row(sheet, columns, row, error);
        return good;
    case SHEET_CSV:
        csv_write_rows(&sheet->text, columns, sheet->count, sheet->options.terms, from, rows);
        break;
    case SHEET_JSON:
        append_objects(sheet, columns, from, rows);
        break;
    case SHEET_JSON_LINES:
        json_lines_rows(&sheet->text, columns, sheet->count, sheet->options.terms, from, rows);
        break;
    }
    return write_text(sheet, error);
}

bool sheet_write(struct sheet *sheet, const struct value_column *columns, size_t from, size_t rows, struct error *error)
{
    for (size_t done = 0; done < rows; done += PORTION)
        if (!write_portion(sheet, columns, from + done, rows - done < PORTION ? rows - done : PORTION, error))
            return false;
    return true;
}

bool sheet_finish(struct sheet *sheet, struct error *error)
{
    if (sheet->options.form == SHEET_TABLE) return put_sums(sheet, error) && table_finish(sheet->table, error);
    if (sheet->options.form == SHEET_JSON) buffer_append_text(&sheet->text, "]\n");
    return write_text(sheet, error);
}

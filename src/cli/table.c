#include "cli/table.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/human.h"

enum { GAP = 2, BAR_WIDTH = 12, LEAST_BAR = 4, LEAST_TEXT = 8, LONGEST_RULE = 40 };

struct cell {
    size_t offset, length; /* in `texts` */
    double value;          /* of a bar; below 0: no bar */
};

struct table {
    FILE *out;
    struct terminal terminal;
    struct table_column *columns;
    size_t column_count;
    size_t *widths; /* columns on the terminal; 0: the column is left out */
    size_t *floors; /* what a column needs when its title breaks wherever it can */
    bool laid_out;  /* widths stand, the header is written */
    bool thousands;
    struct cell *cells;  /* of held rows, the last maybe unfinished: TABLE_MEASURED rows of column_count */
    size_t row_count;    /* finished rows that are held */
    size_t filled;       /* cells of the row being made */
    bool has_totals;     /* the last held row is sums */
    struct buffer texts; /* of held cells */
    struct buffer line;  /* the one being written */
};

struct table *table_new(FILE *out, const struct terminal *terminal, const struct table_column *columns, size_t count,
                        struct error *error)
{
    struct table *table = memory_zeroed(sizeof *table, error);
    if (table == NULL) return NULL;
    table->out = out;
    table->terminal = *terminal;
    table->column_count = count;
    buffer_init(&table->texts, 0);
    buffer_init(&table->line, 0);
    table->columns = memory_array(count, sizeof *columns, error);
    table->widths = memory_zeroed(count * sizeof *table->widths, error);
    table->floors = memory_zeroed(count * sizeof *table->floors, error);
    table->cells = memory_array(TABLE_MEASURED * count, sizeof *table->cells, error);
    if (table->columns == NULL || table->widths == NULL || table->floors == NULL || table->cells == NULL) {
        table_free(table);
        return NULL;
    }
    memcpy(table->columns, columns, count * sizeof *columns);
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL) return;
    buffer_free(&table->texts);
    buffer_free(&table->line);
    memory_free(table->columns);
    memory_free(table->widths);
    memory_free(table->floors);
    memory_free(table->cells);
    memory_free(table);
}

void table_separate_thousands(struct table *table)
{
    table->thousands = true;
}

static struct str cell_text(const struct table *table, const struct cell *cell)
{
    return cell->length == 0 ? str_of("") : str_slice(table->texts.data + cell->offset, cell->length);
}

/* --- layout ----------------------------------------------------------------------------------------------------- */

/* The part of a title up to where it can break: after "_" and spaces. */
static size_t piece_length(const char *title)
{
    size_t length = strcspn(title, "_ ");
    return title[length] == '\0' ? length : length + 1;
}

static size_t longest_piece(const char *title)
{
    size_t longest = 0;
    for (size_t length = 0; *title != '\0'; title += length) {
        length = piece_length(title);
        size_t width = terminal_text_width(str_slice(title, length));
        longest = width > longest ? width : longest;
    }
    return longest;
}

/* The line of a title that begins at `*at` when it may take `width` columns; moves `*at` past it. */
static struct str title_line(const char **at, size_t width)
{
    const char *begin = *at;
    size_t length = piece_length(begin);
    while (begin[length] != '\0') {
        size_t longer = length + piece_length(begin + length);
        if (terminal_text_width(str_slice(begin, longer)) > width) break;
        length = longer;
    }
    *at = begin + length;
    return str_slice(begin, length);
}

static size_t title_lines(const char *title, size_t width)
{
    size_t lines = 0;
    for (const char *at = title; *at != '\0'; lines++) title_line(&at, width);
    return lines;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void measure(struct table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        struct table_column *column = &table->columns[c];
        size_t width = column->kind == TABLE_BAR ? BAR_WIDTH : 1;
        double largest = 0;
        for (size_t r = 0; r < table->row_count; r++) {
            const struct cell *cell = &table->cells[r * table->column_count + c];
            bool counts = !(table->has_totals && r + 1 == table->row_count);
            width = larger(width, terminal_text_width(cell_text(table, cell)));
            largest = counts && cell->value > largest ? cell->value : largest;
        }
        table->floors[c] = larger(width, longest_piece(column->title));
        table->widths[c] = larger(width, terminal_text_width(str_of(column->title)));
        if (column->kind == TABLE_BAR && !(column->full > 0)) column->full = largest;
    }
}

static size_t total_width(const struct table *table)
{
    size_t total = 0, shown = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        total += table->widths[c];
        shown += table->widths[c] > 0;
    }
    return total + (shown > 0 ? (shown - 1) * GAP : 0);
}

/* Takes `excess` columns from bars: narrower ones down to LEAST_BAR, and none below that. */
static void shrink_bars(struct table *table, size_t width)
{
    for (size_t c = 0; c < table->column_count && total_width(table) > width; c++) {
        if (table->columns[c].kind != TABLE_BAR) continue;
        size_t excess = total_width(table) - width;
        bool fits = table->widths[c] >= excess + LEAST_BAR &&
                    terminal_text_width(str_of(table->columns[c].title)) <= table->widths[c] - excess;
        table->widths[c] = fits ? table->widths[c] - excess : 0;
    }
}

/* Breaks titles: takes from the column with the most to give, a column at a time. */
static void break_titles(struct table *table, size_t width)
{
    while (total_width(table) > width) {
        size_t most = 0;
        for (size_t c = 1; c < table->column_count; c++)
            if (table->widths[c] - table->floors[c] > table->widths[most] - table->floors[most]) most = c;
        if (table->widths[most] == table->floors[most]) return;
        table->widths[most]--;
    }
}

/* Takes from the widest text column, a column at a time, until the table fits or no text is long. */
static void shrink_texts(struct table *table, size_t width)
{
    while (total_width(table) > width) {
        size_t widest = table->column_count;
        for (size_t c = 0; c < table->column_count; c++)
            if (table->columns[c].kind == TABLE_TEXT && table->widths[c] > LEAST_TEXT &&
                (widest == table->column_count || table->widths[c] > table->widths[widest]))
                widest = c;
        if (widest == table->column_count) return;
        table->widths[widest]--;
    }
}

static void fit(struct table *table)
{
    size_t width = (size_t)table->terminal.width;
    if (width == 0) return;
    break_titles(table, width);
    shrink_bars(table, width);
    shrink_texts(table, width);
    for (size_t c = table->column_count; c > 1 && total_width(table) > width; c--) table->widths[c - 1] = 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static void pad(struct buffer *line, size_t count)
{
    while (count-- > 0) buffer_append_char(line, ' ');
}

static void append_cell(struct table *table, size_t c, struct str text, double value)
{
    const struct table_column *column = &table->columns[c];
    size_t width = table->widths[c];
    if (column->kind == TABLE_BAR && value >= 0) {
        buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_BLUE));
        terminal_append_bar(&table->terminal, &table->line, column->full > 0 ? value / column->full : 0, width);
        buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_PLAIN));
        return;
    }
    if (column->kind == TABLE_NUMBER) {
        size_t taken = terminal_text_width(text);
        pad(&table->line, width > taken ? width - taken : 0);
    }
    size_t most = column->kind == TABLE_TEXT && table->terminal.width > 0 ? width : 0;
    size_t taken = terminal_append(&table->terminal, &table->line, text, most);
    if (column->kind != TABLE_NUMBER) pad(&table->line, width > taken ? width - taken : 0);
}

/* Ends the line that was made, without the spaces at its end. */
static void write_line(struct table *table)
{
    while (table->line.length > 0 && table->line.data[table->line.length - 1] == ' ') table->line.length--;
    buffer_append_char(&table->line, '\n');
    if (!table->line.failed) fwrite(table->line.data, 1, table->line.length, table->out);
    if (!table->line.failed) buffer_clear(&table->line);
}

/* Titles stand on the line under them: one of fewer lines begins further down. */
static void write_title_line(struct table *table, size_t line, size_t lines)
{
    bool first = true;
    buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_BOLD));
    for (size_t c = 0; c < table->column_count; c++) {
        if (table->widths[c] == 0) continue;
        const char *title = table->columns[c].title;
        struct str part = str_of("");
        size_t own = title_lines(title, table->widths[c]);
        for (size_t i = lines - own; i <= line; i++) part = title_line(&title, table->widths[c]);
        pad(&table->line, first ? 0 : GAP);
        append_cell(table, c, str_trim(part), -1);
        first = false;
    }
    while (table->line.length > 0 && table->line.data[table->line.length - 1] == ' ') table->line.length--;
    buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_PLAIN));
    write_line(table);
}

static void write_header(struct table *table)
{
    size_t lines = 1;
    for (size_t c = 0; c < table->column_count; c++)
        if (table->widths[c] > 0) lines = larger(lines, title_lines(table->columns[c].title, table->widths[c]));
    for (size_t line = 0; line < lines; line++) write_title_line(table, line, lines);
}

/* A last column of long texts, where nothing is cut, does not need a line all the way. */
static size_t rule_width(const struct table *table, size_t c)
{
    size_t width = table->widths[c];
    bool ragged = c + 1 == table->column_count && table->columns[c].kind == TABLE_TEXT && table->terminal.width == 0;
    return ragged && width > LONGEST_RULE ? LONGEST_RULE : width;
}

static void write_rule(struct table *table)
{
    bool first = true;
    buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_DIM));
    for (size_t c = 0; c < table->column_count; c++) {
        if (table->widths[c] == 0) continue;
        pad(&table->line, first ? 0 : GAP);
        for (size_t i = 0; i < rule_width(table, c); i++)
            buffer_append_text(&table->line, table->terminal.utf8 ? "─" : "-");
        first = false;
    }
    buffer_append_text(&table->line, terminal_style(&table->terminal, STYLE_PLAIN));
    write_line(table);
}

static void lay_out(struct table *table)
{
    if (table->laid_out) return;
    measure(table);
    fit(table);
    table->laid_out = true;
    write_header(table);
    write_rule(table);
}

/* Writes the rows that are held, and forgets them. */
static void write_rows(struct table *table)
{
    lay_out(table);
    for (size_t r = 0; r < table->row_count; r++) {
        if (table->has_totals && r + 1 == table->row_count) write_rule(table);
        bool first = true;
        for (size_t c = 0; c < table->column_count; c++) {
            const struct cell *cell = &table->cells[r * table->column_count + c];
            if (table->widths[c] == 0) continue;
            pad(&table->line, first ? 0 : GAP);
            append_cell(table, c, cell_text(table, cell), cell->value);
            first = false;
        }
        write_line(table);
    }
    table->row_count = 0;
    buffer_clear(&table->texts);
}

/* --- cells ------------------------------------------------------------------------------------------------------ */

static struct cell *next_cell(struct table *table)
{
    struct cell *cell = &table->cells[table->row_count * table->column_count + table->filled++];
    *cell = (struct cell){.offset = table->texts.length, .value = -1};
    return cell;
}

void table_text(struct table *table, struct str text)
{
    bool number = table->columns[table->filled].kind == TABLE_NUMBER;
    struct cell *cell = next_cell(table);
    if (number)
        human_number(&table->texts, text.length == 0 ? str_of("-") : text, table->thousands);
    else
        buffer_append_str(&table->texts, text);
    cell->length = table->texts.length - cell->offset;
}

void table_bar(struct table *table, double value)
{
    next_cell(table)->value = value;
}

void table_blank(struct table *table)
{
    next_cell(table);
}

void table_end_row(struct table *table)
{
    while (table->filled < table->column_count) next_cell(table);
    table->filled = 0;
    if (table->texts.failed) return;
    table->row_count++;
    if (table->row_count == TABLE_MEASURED) write_rows(table);
}

void table_end_totals(struct table *table)
{
    table->has_totals = true;
    table_end_row(table);
    if (table->row_count == 0) table->has_totals = false;
}

bool table_finish(struct table *table, struct error *error)
{
    if (!buffer_check(&table->texts, error)) return false;
    write_rows(table);
    if (!buffer_check(&table->line, error)) return false;
    size_t left_out = 0;
    for (size_t c = 0; c < table->column_count; c++)
        left_out += table->widths[c] == 0 && table->columns[c].kind != TABLE_BAR;
    if (left_out > 0)
        fprintf(table->out, "%s%zu more column%s: widen the terminal%s\n", terminal_style(&table->terminal, STYLE_DIM),
                left_out, left_out == 1 ? "" : "s", terminal_style(&table->terminal, STYLE_PLAIN));
    return true;
}

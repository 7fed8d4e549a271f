/* The manual page, from the tables of the commands; the macros are those of man(7), as groff and mandoc take them. */
#include <string.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/describe.h"

enum { LINE_LENGTH = 76 };

struct entry {
    const char *name;
    const char *text;
};

static const struct entry statuses[] = {
    {"0", "done"},
    {"1", "failed; standard error says what, where and what to do"},
    {"2", "the words on the command line are wrong; nothing was done"},
    {"3", "done, but more rows were rejected than the schema's rejectBudget allows"},
};

static const struct entry variables[] = {
    {"AISLE_DATA", "the data folder, when --data is not given"},
    {"AISLE_PIPELINES", "a folder of pipeline folders, looked in before ./pipelines and those of the program"},
    {"AISLE_LOG",
     "the least important log lines, JSON, that are written to standard error: debug, info (the steps of a run), warn "
     "(the default) or error"},
    {"NO_COLOR", "when set and not empty, no colour is used"},
    {"COLUMNS", "the width of the terminal, where the terminal does not tell it"},
};

static const struct entry files[] = {
    {"DIR/aisle.db",
     "in the data folder DIR: which of its files are current, the files taken, and the record of each run"},
    {"DIR/cleaned/", "cleaned rows as Parquet, by dataset and date"},
    {"DIR/pending/", "rows that wait for their order or product, as Parquet"},
    {"DIR/rejected/", "rejected rows as CSV, with their reasons"},
    {"DIR/invalid/", "files that could not be taken, each with a JSON file that says why"},
    {"DIR/state/", "what later runs need to know of earlier ones"},
};

/* A character that is not ASCII, as every roff knows it: \[u00E9]. Returns its bytes. `text` is well-formed UTF-8. */
static size_t put_unicode(struct buffer *out, const char *text)
{
    unsigned first = (unsigned char)*text;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    unsigned code = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) code = code << 6 | ((unsigned char)text[i] & 0x3Fu);
    buffer_append_format(out, "\\[u%04X]", code);
    return length;
}

/* Text with what roff would take as its own escaped. Dashes that begin an option stay dashes when they are copied; with
 * `literal` all do. */
static void put_escaped(struct buffer *out, const char *text, size_t length, bool literal)
{
    for (size_t i = 0; i < length;) {
        char before = i == 0 ? '-' : text[i - 1];
        bool dash = text[i] == '-' && (literal || before == '-' || before == '\'' || before == '(');
        if ((unsigned char)text[i] >= 0x80) {
            i += put_unicode(out, text + i);
            continue;
        }
        if (text[i] == '\\')
            buffer_append_text(out, "\\e");
        else if (dash)
            buffer_append_text(out, "\\-");
        else
            buffer_append_char(out, text[i]);
        i++;
    }
}

/* Literal text that may begin a line. */
static void put_text(struct buffer *out, const char *text)
{
    if (*text == '.' || *text == '\'') buffer_append_text(out, "\\&");
    put_escaped(out, text, strlen(text), true);
}

static void put_line(struct buffer *out, const char *text)
{
    put_text(out, text);
    buffer_append_char(out, '\n');
}

/* A paragraph of running text on lines that a diff can show, none of which begins like a macro. Hyphens of its own
 * words are hyphens; those that begin an option are not. */
static void put_paragraph(struct buffer *out, const char *text, size_t length)
{
    size_t column = 0;
    for (size_t i = 0; i < length;) {
        const char *word = text + i;
        size_t word_length = 0;
        while (i + word_length < length && word[word_length] != ' ') word_length++;
        bool breaks = column > 0 && column + 1 + word_length > LINE_LENGTH;
        if (column > 0) buffer_append_char(out, breaks ? '\n' : ' ');
        if ((column == 0 || breaks) && (*word == '.' || *word == '\'')) buffer_append_text(out, "\\&");
        put_escaped(out, word, word_length, false);
        column = breaks || column == 0 ? word_length : column + 1 + word_length;
        i += word_length + 1;
    }
    buffer_append_char(out, '\n');
}

/* The first paragraph follows a heading and so needs no macro. */
static void put_paragraphs(struct buffer *out, const char *text)
{
    for (bool first = true; *text != '\0'; first = false) {
        const char *end = strstr(text, "\n\n");
        size_t length = end == NULL ? strlen(text) : (size_t)(end - text);
        if (!first) buffer_append_text(out, ".PP\n");
        put_paragraph(out, text, length);
        text += end == NULL ? length : length + 2;
    }
}

static void put_entries(struct buffer *out, const char *heading, const struct entry *entries, size_t count)
{
    buffer_append_format(out, ".SH %s\n", heading);
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, ".TP\n.B ");
        put_line(out, entries[i].name);
        put_paragraph(out, entries[i].text, strlen(entries[i].text));
    }
}

/* A description as a paragraph of its own. */
static void put_described(struct buffer *out, struct buffer *text)
{
    if (text->failed)
        out->failed = true;
    else
        put_paragraph(out, text->data, text->length);
    buffer_free(text);
}

static void put_argument(struct buffer *out, const char *argument)
{
    buffer_append_text(out, " \\fI");
    put_text(out, argument);
    buffer_append_text(out, "\\fR");
}

static void put_option(struct buffer *out, const struct option *option)
{
    buffer_append_text(out, ".TP\n");
    if (option->letter != 0) buffer_append_format(out, "\\fB\\-%c\\fR, ", option->letter);
    buffer_append_text(out, "\\fB\\-\\-");
    put_text(out, option->name);
    buffer_append_text(out, "\\fR");
    if (option->argument != NULL) put_argument(out, option->argument);
    buffer_append_char(out, '\n');
    struct buffer text;
    buffer_init(&text, 0);
    describe_option(&text, option);
    put_described(out, &text);
}

static void put_operand(struct buffer *out, const struct operand *operand)
{
    buffer_append_format(out, ".TP\n.I %s\n", operand->name);
    struct buffer text;
    buffer_init(&text, 0);
    describe_operand(&text, operand);
    put_described(out, &text);
}

static void put_command(struct buffer *out, const struct command *command)
{
    struct buffer synopsis;
    buffer_init(&synopsis, 0);
    describe_synopsis(&synopsis, command);
    const char *text = buffer_text(&synopsis);
    buffer_append_text(out, ".SS ");
    put_line(out, text == NULL ? "" : text);
    if (text == NULL) out->failed = true;
    buffer_free(&synopsis);
    put_paragraphs(out, command->description);
    for (size_t i = 0; i < command->operand_count; i++) put_operand(out, &command->operands[i]);
    for (size_t i = 0; i < command->option_count; i++) put_option(out, &command->options[i]);
    if (command->examples[0] == NULL) return;
    buffer_append_text(out, ".PP\nExamples:\n.PP\n.RS 4\n.nf\n");
    for (size_t i = 0; i < CLI_MAX_EXAMPLES && command->examples[i] != NULL; i++) put_line(out, command->examples[i]);
    buffer_append_text(out, ".fi\n.RE\n");
}

void man_page(struct buffer *out)
{
    buffer_append_format(out, ".TH AISLE 1 \"\" \"Aisle %s\" \"User Commands\"\n", AISLE_VERSION);
    buffer_append_text(out, ".SH NAME\naisle \\- exact KPI tables from the files of a retailer\n");
    buffer_append_text(out, ".SH SYNOPSIS\n.B aisle\n.I COMMAND\n[options]\n");
    buffer_append_text(out, ".SH DESCRIPTION\n");
    put_paragraphs(
        out, "Aisle reads the files that a retailer's systems drop (orders, order items, products and more), tells "
             "good rows from bad ones, and keeps cleaned data and KPI tables that are exact whatever the order and "
             "the pieces in which the files came. Every row that is read ends valid, rejected with its reasons, "
             "duplicate, or pending.\n\n"
             "Facts are written to standard output; progress, notices and errors to standard error. Progress is "
             "shown on a terminal only.\n\n"
             "Every command takes --help. Words after -- are never options. Sizes are written 512M or 2G (powers of "
             "1024), shares 0.05 or 5%, dates 2025-04-01.");
    buffer_append_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) put_command(out, cli_commands[i]);
    put_entries(out, "EXIT STATUS", statuses, COUNT_OF(statuses));
    put_entries(out, "ENVIRONMENT", variables, COUNT_OF(variables));
    put_entries(out, "FILES", files, COUNT_OF(files));
}

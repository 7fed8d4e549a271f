#include <string.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/terminal.h"

enum { HELP_WIDEST = 100, HELP_WIDTH = 80, HELP_COLUMN = 26 };

static const char *const overview = "Aisle turns the files of a retailer into validated data and exact KPI tables.";

static size_t help_width(const struct terminal *terminal)
{
    if (terminal->width == 0) return HELP_WIDTH;
    return terminal->width < HELP_WIDEST ? (size_t)terminal->width : HELP_WIDEST;
}

/* Words of one paragraph from column `at` on, later lines indented. Ends the line. */
static void put_wrapped(FILE *out, const char *text, size_t at, size_t indent, size_t width)
{
    size_t column = at;
    bool first = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        size_t columns = terminal_text_width(str_slice(text, length));
        if (!first && column + 1 + columns > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)length, text);
        column += columns + !first;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void put_paragraphs(FILE *out, const char *text, size_t width)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t length = end == NULL ? strlen(text) : (size_t)(end - text);
        struct buffer paragraph;
        buffer_init(&paragraph, 0);
        buffer_append(&paragraph, text, length);
        const char *words = buffer_text(&paragraph);
        fputc('\n', out);
        if (words != NULL) put_wrapped(out, words, 0, 0, width);
        buffer_free(&paragraph);
        text += end == NULL ? length : length + 2;
    }
}

static void put_heading(FILE *out, const struct terminal *terminal, const char *heading)
{
    fprintf(out, "\n%s%s%s\n", terminal_style(terminal, STYLE_BOLD), heading, terminal_style(terminal, STYLE_PLAIN));
}

/* "  NAME      what it is", the text wrapped in its own column. */
static void put_entry(FILE *out, const char *name, const char *text, size_t width)
{
    size_t columns = 2 + terminal_text_width(str_of(name));
    fprintf(out, "  %s", name);
    if (columns + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", (int)(HELP_COLUMN - columns), "");
    put_wrapped(out, text, HELP_COLUMN, HELP_COLUMN, width);
}

static void put_option(FILE *out, const struct option *option, size_t width)
{
    struct buffer name, text;
    buffer_init(&name, 0);
    buffer_init(&text, 0);
    if (option->letter != 0)
        buffer_append_format(&name, "-%c, ", option->letter);
    else
        buffer_append_text(&name, "    ");
    buffer_append_format(&name, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
                         option->argument == NULL ? "" : option->argument);
    describe_option(&text, option);
    if (buffer_text(&name) != NULL && buffer_text(&text) != NULL) put_entry(out, name.data, text.data, width);
    buffer_free(&name);
    buffer_free(&text);
}

void help_overview(FILE *out)
{
    struct terminal terminal = terminal_of(out);
    size_t width = help_width(&terminal);
    put_wrapped(out, overview, 0, 0, width);
    fputs("\nUsage: aisle COMMAND [options]\n", out);
    put_heading(out, &terminal, "Commands");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        fprintf(out, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("\n'aisle help COMMAND' tells what a command takes; 'man aisle' tells everything.\n", out);
}

static void put_operands(FILE *out, const struct terminal *terminal, const struct command *command, size_t width)
{
    put_heading(out, terminal, "Arguments");
    for (size_t i = 0; i < command->operand_count; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        buffer_append_text(&text, command->operands[i].help);
        if (command->operands[i].kind == VALUE_CHOICE) {
            buffer_append_text(&text, ": ");
            describe_choices(&text, command->operands[i].choices);
        }
        if (buffer_text(&text) != NULL) put_entry(out, command->operands[i].name, text.data, width);
        buffer_free(&text);
    }
}

void help_command(FILE *out, const struct command *command)
{
    static const struct option help = {.name = "help", .letter = 'h', .help = "show this help"};
    struct terminal terminal = terminal_of(out);
    size_t width = help_width(&terminal);
    struct buffer synopsis;
    buffer_init(&synopsis, 0);
    describe_synopsis(&synopsis, command);
    if (buffer_text(&synopsis) != NULL) fprintf(out, "Usage: %s\n", synopsis.data);
    buffer_free(&synopsis);
    put_paragraphs(out, command->description, width);
    if (command->operand_count > 0) put_operands(out, &terminal, command, width);
    put_heading(out, &terminal, "Options");
    for (size_t i = 0; i < command->option_count; i++) put_option(out, &command->options[i], width);
    put_option(out, &help, width);
    if (command->examples[0] != NULL) put_heading(out, &terminal, "Examples");
    for (size_t i = 0; i < CLI_MAX_EXAMPLES && command->examples[i] != NULL; i++)
        fprintf(out, "  %s\n", command->examples[i]);
}

enum { HELP_MAN };
static const struct option options[] = {
    [HELP_MAN] = {.name = "man", .kind = VALUE_FLAG, .help = "print the manual page aisle(1) in man(7) form"},
};
static const struct operand operands[] = {
    {.name = "COMMAND", .kind = VALUE_COMMAND, .optional = true, .help = "the command to explain"},
};

static int run(const struct options *given)
{
    if (given->values[HELP_MAN].given) {
        man_page(stdout);
        return CLI_DONE;
    }
    if (given->operand_count == 0) {
        help_overview(stdout);
        return CLI_DONE;
    }
    const struct command *command = cli_find(given->operands[0]);
    if (command == NULL) return cli_unknown(given->operands[0]);
    help_command(stdout, command);
    return CLI_DONE;
}

const struct command cli_help = {
    .name = "help",
    .summary = "Explain the program or one command",
    .description = "Without an argument lists the commands; with one says what that command takes.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle help run"},
    .run = run,
};

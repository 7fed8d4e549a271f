#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/terminal.h"

enum { HELP_WIDEST = 100, HELP_WIDTH = 80, HELP_COLUMN = 26 };

static const char *const overview = "Aisle turns the files of a retailer into validated data and exact KPI tables.";

/* A help text in the making, for the width of standard output. */
struct help {
    struct buffer text;
    struct buffer part; /* what is about to be wrapped */
    struct terminal terminal;
    size_t width;
};

static void help_begin(struct help *help)
{
    *help = (struct help){.terminal = terminal_of(stdout), .width = HELP_WIDTH};
    buffer_init(&help->text, 0);
    buffer_init(&help->part, 0);
    if (help->terminal.width > 0)
        help->width = help->terminal.width < HELP_WIDEST ? (size_t)help->terminal.width : HELP_WIDEST;
}

static int help_end(struct help *help)
{
    if (help->part.failed) help->text.failed = true;
    buffer_free(&help->part);
    return cli_write(&help->text);
}

/* Words of one paragraph from column `indent` on, later lines indented as far. Ends the line. */
static void put_wrapped(struct help *help, struct str text, size_t indent)
{
    size_t column = indent;
    bool first = true;
    for (size_t i = 0; i < text.length;) {
        const char *word = text.data + i;
        const char *space = memchr(word, ' ', text.length - i);
        size_t length = space == NULL ? text.length - i : (size_t)(space - word);
        size_t columns = terminal_text_width(str_slice(word, length));
        if (!first && column + 1 + columns > help->width) {
            buffer_append_format(&help->text, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        buffer_append_format(&help->text, "%s%.*s", first ? "" : " ", (int)length, word);
        column += columns + !first;
        first = false;
        i += length + 1;
    }
    buffer_append_char(&help->text, '\n');
}

/* Wraps what stands in `part`, and empties it. */
static void put_part(struct help *help, size_t indent)
{
    if (help->part.failed) return;
    put_wrapped(help, str_slice(help->part.data, help->part.length), indent);
    buffer_clear(&help->part);
}

static void put_paragraphs(struct help *help, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t length = end == NULL ? strlen(text) : (size_t)(end - text);
        buffer_append_char(&help->text, '\n');
        put_wrapped(help, str_slice(text, length), 0);
        text += end == NULL ? length : length + 2;
    }
}

static void put_heading(struct help *help, const char *heading)
{
    buffer_append_format(&help->text, "\n%s%s%s\n", terminal_style(&help->terminal, STYLE_BOLD), heading,
                         terminal_style(&help->terminal, STYLE_PLAIN));
}

/* Goes on at HELP_COLUMN, on the next line where `columns` of this one leave no gap. */
static void put_gap(struct help *help, size_t columns)
{
    if (columns + 2 > HELP_COLUMN)
        buffer_append_format(&help->text, "\n%*s", HELP_COLUMN, "");
    else
        buffer_append_format(&help->text, "%*s", (int)(HELP_COLUMN - columns), "");
}

static void put_option(struct help *help, const struct option *option)
{
    size_t begin = help->text.length;
    if (option->letter != 0)
        buffer_append_format(&help->text, "  -%c, ", option->letter);
    else
        buffer_append_text(&help->text, "      ");
    buffer_append_format(&help->text, "--%s", option->name);
    if (option->argument != NULL) buffer_append_format(&help->text, " %s", option->argument);
    put_gap(help, help->text.length - begin);
    describe_option(&help->part, option);
    put_part(help, HELP_COLUMN);
}

static void put_operand(struct help *help, const struct operand *operand)
{
    buffer_append_format(&help->text, "  %s", operand->name);
    put_gap(help, 2 + strlen(operand->name));
    describe_operand(&help->part, operand);
    put_part(help, HELP_COLUMN);
}

int help_overview(void)
{
    struct help help;
    help_begin(&help);
    put_wrapped(&help, str_of(overview), 0);
    buffer_append_text(&help.text, "\nUsage: aisle COMMAND [options]\n");
    put_heading(&help, "Commands");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        buffer_append_format(&help.text, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    buffer_append_text(&help.text,
                       "\n'aisle help COMMAND' tells what a command takes; 'man aisle' tells everything.\n");
    return help_end(&help);
}

int help_command(const struct command *command)
{
    static const struct option help_option = {.name = "help", .letter = 'h', .help = "show this help"};
    struct help help;
    help_begin(&help);
    buffer_append_text(&help.text, "Usage: ");
    describe_synopsis(&help.text, command);
    buffer_append_char(&help.text, '\n');
    put_paragraphs(&help, command->description);
    if (command->operand_count > 0) put_heading(&help, "Arguments");
    for (size_t i = 0; i < command->operand_count; i++) put_operand(&help, &command->operands[i]);
    put_heading(&help, "Options");
    for (size_t i = 0; i < command->option_count; i++) put_option(&help, &command->options[i]);
    put_option(&help, &help_option);
    if (command->examples[0] != NULL) put_heading(&help, "Examples");
    for (size_t i = 0; i < CLI_MAX_EXAMPLES && command->examples[i] != NULL; i++)
        buffer_append_format(&help.text, "  %s\n", command->examples[i]);
    return help_end(&help);
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
        struct buffer page;
        buffer_init(&page, 0);
        man_page(&page);
        return cli_write(&page);
    }
    if (given->operand_count == 0) return help_overview();
    const struct command *command = cli_find(given->operands[0]);
    return command == NULL ? cli_unknown(given->operands[0]) : help_command(command);
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

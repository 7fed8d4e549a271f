/* The command line: one file a subcommand, one table that names them (commands.c).
 *
 * To add a subcommand `thing`, write src/cli/thing.c:
 *
 *     #include "cli/cli.h"
 *
 *     enum { THING_DATA, THING_ROWS, THING_JSON };              // the options' places in the table below
 *     static const struct option options[] = {
 *         [THING_DATA] = CLI_OPTION_DATA,
 *         [THING_ROWS] = {.name = "rows", .kind = VALUE_COUNT, .argument = "N", .fallback = "1000",
 *                         .minimum = 1, .help = "rows to make"},
 *         [THING_JSON] = CLI_OPTION_JSON,
 *     };
 *     static const struct operand operands[] = {
 *         {.name = "FILE", .kind = VALUE_FILE, .help = "what to read"},
 *     };
 *     static int run(const struct options *given)
 *     {
 *         struct error error = {0};
 *         if (!thing_do(given->operands[0], given->values[THING_ROWS].number, &error))
 *             return cli_fail(&error);
 *         return CLI_DONE;
 *     }
 *     const struct command cli_thing = {
 *         .name = "thing",
 *         .summary = "Do the thing",                            // an imperative without a full stop
 *         .description = "What it does, for the man page.\n\nA second paragraph.",
 *         .options = options, .option_count = COUNT_OF(options),
 *         .operands = operands, .operand_count = COUNT_OF(operands),
 *         .examples = {"aisle thing --rows 5 data.csv"},
 *         .run = run,
 *     };
 *
 * then name `cli_thing` below and in the table of commands.c, and write docs/aisle.1 anew with `aisle help --man`.
 * Parsing, --help, completion and the man page follow from the tables; `run` is called when the words are right.
 *
 * Facts go to standard output, everything else (progress, notices, errors) to standard error. For aligned tables see
 * cli/table.h, for a progress line cli/progress.h, for colour and width cli/terminal.h.
 */
#ifndef AISLE_CLI_CLI_H
#define AISLE_CLI_CLI_H

#include <stdio.h> /* whoever writes a command writes to stdout */

#include "base/buffer.h"
#include "base/error.h"
#include "cli/options.h"

/* The exit status of the program. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,   /* the words on the command line are wrong */
    CLI_REJECTS = 3, /* done, but more rows were rejected than is allowed */
};

#define CLI_MAX_EXAMPLES 6

struct command {
    const char *name;
    const char *summary;     /* one line for the list of commands */
    const char *description; /* paragraphs with a blank line between them */
    const struct option *options;
    size_t option_count;
    const struct operand *operands;
    size_t operand_count;
    const char *examples[CLI_MAX_EXAMPLES];
    int (*run)(const struct options *given); /* gives the exit status */
};

/* Options that several commands share. */
#define CLI_OPTION_DATA                                                                                                \
    {                                                                                                                  \
        .name = "data", .kind = VALUE_FOLDER, .argument = "DIR", .fallback = "./aisle-data",                           \
        .environment = "AISLE_DATA", .help = "the data folder"                                                         \
    }
#define CLI_OPTION_JSON                                                                                                \
    {                                                                                                                  \
        .name = "json", .kind = VALUE_FLAG, .help = "print JSON for programs"                                          \
    }

#define CLI_OPTION_PIPELINE                                                                                            \
    {                                                                                                                  \
        .name = "pipeline", .kind = VALUE_TEXT, .argument = "NAME", .fallback = "orders",                              \
        .help = "the pipeline, by name, or the path of its folder"                                                     \
    }

extern const struct command cli_cat;
extern const struct command cli_adopt;
extern const struct command cli_backup;
extern const struct command cli_browse;
extern const struct command cli_check;
extern const struct command cli_completion;
extern const struct command cli_cp;
extern const struct command cli_export;
extern const struct command cli_fsck;
extern const struct command cli_help;
extern const struct command cli_key;
extern const struct command cli_kpi;
extern const struct command cli_ls;
extern const struct command cli_mb;
extern const struct command cli_presign;
extern const struct command cli_profile;
extern const struct command cli_rb;
extern const struct command cli_rm;
extern const struct command cli_restore;
extern const struct command cli_run;
extern const struct command cli_runs;
extern const struct command cli_sample;
extern const struct command cli_serve;
extern const struct command cli_trace;
extern const struct command cli_version;

/* The commands in the order in which help lists them, ended by NULL. */
extern const struct command *const cli_commands[];

/* The command of that name, NULL when there is none. */
const struct command *cli_find(const char *name);

/* Says why on standard error ("aisle: …") and gives the exit status: CLI_USAGE for ERROR_USAGE, else CLI_FAILED. */
int cli_fail(const struct error *error);

/* Says that there is no such command, and which is near. Gives CLI_USAGE. */
int cli_unknown(const char *word);

/* Lets the process open as many files as it is allowed to. */
void cli_raise_descriptors(void);

/* Runs the program on the words of main. */
int cli_main(int argc, char **argv);

/* Writes the text to standard output, or says that there was no memory for it, and frees it. Gives the exit status. */
int cli_write(struct buffer *text);

/* Short help over all commands, and the help of one, wrapped to the width of standard output. Give the exit status. */
int help_overview(void);
int help_command(const struct command *command);

/* The manual page aisle(1) in the man(7) macros. */
void man_page(struct buffer *out);

#endif

/* The table of subcommands and the way from main's words to one of them. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "cli/terminal.h"

/* clang-format off */
const struct command *const cli_commands[] = {
    &cli_run,
    &cli_key,
    &cli_kpi,
    &cli_export,
    &cli_trace,
    &cli_runs,
    &cli_check,
    &cli_profile,
    &cli_sample,
    &cli_serve,
    &cli_adopt,
    &cli_browse,
    &cli_fsck,
    &cli_backup,
    &cli_restore,
    &cli_ls,
    &cli_cp,
    &cli_cat,
    &cli_rm,
    &cli_presign,
    &cli_mb,
    &cli_rb,
    &cli_completion,
    &cli_help,
    &cli_version,
    NULL,
};
/* clang-format on */

const struct command *cli_find(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

int cli_fail(const struct error *error)
{
    struct terminal terminal = terminal_of(stderr);
    fflush(stdout);
    fprintf(stderr, "%saisle:%s %s\n", terminal_style(&terminal, STYLE_RED), terminal_style(&terminal, STYLE_PLAIN),
            error->message);
    return error->code == ERROR_USAGE ? CLI_USAGE : CLI_FAILED;
}

int cli_write(struct buffer *text)
{
    struct error error = {0};
    bool good = buffer_check(text, &error);
    if (good && text->length > 0) fwrite(text->data, 1, text->length, stdout);
    buffer_free(text);
    return good ? CLI_DONE : cli_fail(&error);
}

void cli_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int cli_unknown(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; cli_commands[count] != NULL && count + 1 < COUNT_OF(names); count++)
        names[count] = cli_commands[count]->name;
    names[count] = NULL;
    const char *nearest = options_nearest(word, names);
    struct error error = {0};
    if (nearest != NULL)
        error_set(&error, ERROR_USAGE, "there is no command '%s'; did you mean 'aisle %s'?", word, nearest);
    else
        error_set(&error, ERROR_USAGE, "there is no command '%s'; 'aisle help' lists the commands", word);
    return cli_fail(&error);
}

/* Output that did not arrive is a failure, whatever the command thought. */
static int finish(int status)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (!failed) return status;
    struct error error = {0};
    error_set(&error, ERROR_IO, "standard output could not be written completely (is the disk full?)");
    return cli_fail(&error);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct error error = {0};
    struct options options;
    int status = CLI_DONE;
    if (!options_parse(&options, command, argc, argv, &error))
        status = cli_fail(&error);
    else if (options.help)
        status = help_command(command);
    else
        status = command->run(&options);
    options_free(&options);
    return status;
}

int cli_main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        return finish(help_overview());
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        word = "version";
    const struct command *command = cli_find(word);
    if (command == NULL) return cli_unknown(word);
    return finish(run_command(command, argc - 1, argv + 1));
}

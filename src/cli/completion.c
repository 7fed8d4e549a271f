/* Completion scripts of bash, zsh and fish, from the tables of the commands. */
#include <string.h>

#include "cli/cli.h"

/* Text inside single quotes, for sh. */
static void put_quoted(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_append_text(out, "'\\''");
        else
            buffer_append_char(out, *text);
    }
}

static void put_words(struct buffer *out, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) buffer_append_format(out, "%s%s", i == 0 ? "" : " ", words[i]);
}

static void put_command_names(struct buffer *out)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        buffer_append_format(out, "%s%s", i == 0 ? "" : " ", cli_commands[i]->name);
}

/* --- bash ------------------------------------------------------------------------------------------------------- */

/* The statement that offers the values of a kind; `$current` is the word so far. */
static void bash_put_offer(struct buffer *out, enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        buffer_append_text(out, "mapfile -t COMPREPLY < <(compgen -W '");
        put_words(out, choices);
        buffer_append_text(out, "' -- \"$current\")");
    } else if (kind == VALUE_COMMAND) {
        buffer_append_text(out, "mapfile -t COMPREPLY < <(compgen -W '");
        put_command_names(out);
        buffer_append_text(out, "' -- \"$current\")");
    } else if (kind == VALUE_FOLDER) {
        buffer_append_text(out, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")");
    } else if (kind == VALUE_FILE) {
        buffer_append_text(out, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")");
    } else {
        buffer_append_text(out, ":");
    }
}

static void bash_put_values(struct buffer *out, const struct command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (option->kind == VALUE_FLAG) continue;
        buffer_append_format(out, "    '%s --%s'", command->name, option->name);
        if (option->letter != 0) buffer_append_format(out, " | '%s -%c'", command->name, option->letter);
        buffer_append_text(out, ") ");
        bash_put_offer(out, option->kind, option->choices);
        buffer_append_text(out, "; return ;;\n");
    }
}

static void bash_put_options(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "    %s) options='--help", command->name);
    for (size_t i = 0; i < command->option_count; i++) buffer_append_format(out, " --%s", command->options[i].name);
    buffer_append_text(out, "' valued='");
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].kind == VALUE_FLAG) continue;
        buffer_append_format(out, " --%s ", command->options[i].name);
        if (command->options[i].letter != 0) buffer_append_format(out, " -%c ", command->options[i].letter);
    }
    buffer_append_text(out, "' ;;\n");
}

static void bash_put_operands(struct buffer *out, const struct command *command)
{
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->repeats)
            buffer_append_format(out, "    '%s '*) ", command->name);
        else
            buffer_append_format(out, "    '%s %zu') ", command->name, i + 1);
        bash_put_offer(out, operand->kind, operand->choices);
        buffer_append_text(out, " ;;\n");
    }
}

static void complete_bash(struct buffer *out)
{
    buffer_append_text(
        out,
        "# bash completion of aisle; put it in ~/.local/share/bash-completion/completions/aisle\n"
        "_aisle()\n{\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
        "    local options='' valued='' place=1 i word\n"
        "    COMPREPLY=()\n"
        "    if ((COMP_CWORD == 1)); then\n"
        "        mapfile -t COMPREPLY < <(compgen -W '");
    put_command_names(out);
    buffer_append_text(out, "' -- \"$current\")\n"
                            "        return\n"
                            "    fi\n"
                            "    if [[ $current == '=' ]]; then\n"
                            "        current=''\n"
                            "    elif [[ $previous == '=' ]]; then\n"
                            "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
                            "    fi\n"
                            "    case \"$command $previous\" in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_values(out, cli_commands[i]);
    buffer_append_text(out, "    esac\n"
                            "    case $command in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_options(out, cli_commands[i]);
    buffer_append_text(out, "    esac\n"
                            "    if [[ $current == -* ]]; then\n"
                            "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
                            "        return\n"
                            "    fi\n"
                            "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
                            "        word=${COMP_WORDS[i]}\n"
                            "        if [[ $valued == *\" $word \"* ]]; then\n"
                            "            ((i++))\n"
                            "            [[ ${COMP_WORDS[i]} == '=' ]] && ((i++))\n"
                            "        elif [[ $word != -* ]]; then\n"
                            "            ((place++))\n"
                            "        fi\n"
                            "    done\n"
                            "    case $command' '$place in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_operands(out, cli_commands[i]);
    buffer_append_text(out, "    esac\n"
                            "}\n"
                            "complete -F _aisle aisle\n");
}

/* --- zsh -------------------------------------------------------------------------------------------------------- */

/* Text inside single quotes and inside a specification of _arguments, where brackets and colons have a meaning. */
static void zsh_put_text(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_append_text(out, "'\\''");
        else
            buffer_append_format(out, "%s%c", strchr("[]:\\", *text) != NULL ? "\\" : "", *text);
    }
}

static void zsh_put_offer(struct buffer *out, enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        buffer_append_char(out, '(');
        put_words(out, choices);
        buffer_append_char(out, ')');
    } else if (kind == VALUE_COMMAND) {
        buffer_append_char(out, '(');
        put_command_names(out);
        buffer_append_char(out, ')');
    } else if (kind == VALUE_FOLDER) {
        buffer_append_text(out, "_files -/");
    } else if (kind == VALUE_FILE) {
        buffer_append_text(out, "_files");
    } else {
        buffer_append_char(out, ' ');
    }
}

static void zsh_put_option(struct buffer *out, const struct option *option)
{
    bool flag = option->kind == VALUE_FLAG;
    if (option->letter != 0)
        buffer_append_format(out, " \\\n            '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name,
                             option->letter, flag ? "" : "+", option->name, flag ? "" : "=");
    else
        buffer_append_format(out, " \\\n            '--%s%s[", option->name, flag ? "" : "=");
    zsh_put_text(out, option->help);
    buffer_append_char(out, ']');
    if (!flag) {
        buffer_append_format(out, ":%s:", option->argument);
        zsh_put_offer(out, option->kind, option->choices);
    }
    buffer_append_char(out, '\'');
}

static void zsh_put_command(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "        %s)\n            _arguments -s '(-h --help)'{-h,--help}'[show help]'",
                         command->name);
    for (size_t i = 0; i < command->option_count; i++) zsh_put_option(out, &command->options[i]);
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->repeats)
            buffer_append_text(out, " \\\n            '*:");
        else
            buffer_append_format(out, " \\\n            '%zu:%s", i + 1, operand->optional ? ":" : "");
        buffer_append_format(out, "%s:", operand->name);
        zsh_put_offer(out, operand->kind, operand->choices);
        buffer_append_char(out, '\'');
    }
    buffer_append_text(out, "\n            ;;\n");
}

static void complete_zsh(struct buffer *out)
{
    buffer_append_text(out, "#compdef aisle\n"
                            "# zsh completion of aisle; put it in a folder of $fpath under the name _aisle\n"
                            "_aisle()\n{\n"
                            "    local curcontext=\"$curcontext\" state\n"
                            "    local -a line commands\n"
                            "    commands=(\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        buffer_append_format(out, "        '%s:", cli_commands[i]->name);
        put_quoted(out, cli_commands[i]->summary);
        buffer_append_text(out, "'\n");
    }
    buffer_append_text(out, "    )\n"
                            "    _arguments -C '1: :->command' '*:: :->words'\n"
                            "    case $state in\n"
                            "    command) _describe -t commands 'command' commands ;;\n"
                            "    words)\n"
                            "        case $line[1] in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) zsh_put_command(out, cli_commands[i]);
    buffer_append_text(out, "        esac\n"
                            "        ;;\n"
                            "    esac\n"
                            "}\n"
                            "if [[ $funcstack[1] == _aisle ]]; then\n"
                            "    _aisle \"$@\"\n"
                            "else\n"
                            "    compdef _aisle aisle\n"
                            "fi\n");
}

/* --- fish ------------------------------------------------------------------------------------------------------- */

/* Text inside single quotes, for fish. */
static void fish_put_text(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) buffer_append_format(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
}

static void fish_put_offer(struct buffer *out, enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        buffer_append_text(out, " -x -a '");
        put_words(out, choices);
        buffer_append_char(out, '\'');
    } else if (kind == VALUE_COMMAND) {
        buffer_append_text(out, " -x -a '");
        put_command_names(out);
        buffer_append_char(out, '\'');
    } else if (kind == VALUE_FOLDER) {
        buffer_append_text(out, " -x -a '(__fish_complete_directories)'");
    } else if (kind == VALUE_FILE) {
        buffer_append_text(out, " -r -F");
    } else {
        buffer_append_text(out, " -x");
    }
}

static void fish_put_command(struct buffer *out, const struct command *command)
{
    buffer_append_format(out, "complete -c aisle -n __fish_use_subcommand -a %s -d '", command->name);
    fish_put_text(out, command->summary);
    buffer_append_text(out, "'\n");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        buffer_append_format(out, "complete -c aisle -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                             option->name);
        if (option->letter != 0) buffer_append_format(out, " -s %c", option->letter);
        if (option->kind != VALUE_FLAG) fish_put_offer(out, option->kind, option->choices);
        buffer_append_text(out, " -d '");
        fish_put_text(out, option->help);
        buffer_append_text(out, "'\n");
    }
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->kind == VALUE_TEXT && operand->choices == NULL) continue;
        buffer_append_format(out, "complete -c aisle -n '__fish_seen_subcommand_from %s", command->name);
        if (operand->repeats)
            buffer_append_format(out, "; and test (count (commandline -opc)) -gt %zu'", i + 1);
        else
            buffer_append_format(out, "; and test (count (commandline -opc)) -eq %zu'", i + 2);
        fish_put_offer(out, operand->kind, operand->choices);
        buffer_append_char(out, '\n');
    }
}

static void complete_fish(struct buffer *out)
{
    buffer_append_text(out, "# fish completion of aisle; put it in ~/.config/fish/completions/aisle.fish\n"
                            "complete -c aisle -f\n"
                            "complete -c aisle -s h -l help -d 'show help'\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) fish_put_command(out, cli_commands[i]);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const struct operand operands[] = {
    {.name = "SHELL", .kind = VALUE_CHOICE, .choices = shells, .help = "the shell to make it for"},
};

static int run(const struct options *given)
{
    static void (*const makers[])(struct buffer *) = {complete_bash, complete_zsh, complete_fish};
    struct buffer script;
    buffer_init(&script, 0);
    for (size_t i = 0; i < COUNT_OF(makers); i++)
        if (strcmp(given->operands[0], shells[i]) == 0) makers[i](&script);
    return cli_write(&script);
}

const struct command cli_completion = {
    .name = "completion",
    .summary = "Print a completion script for bash, zsh or fish",
    .description = "Prints a script that lets the shell complete the commands, options and values of aisle.",
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"source <(aisle completion bash)", "aisle completion zsh > ~/.zfunc/_aisle",
                 "aisle completion fish > ~/.config/fish/completions/aisle.fish"},
    .run = run,
};

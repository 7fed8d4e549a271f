/* Completion scripts of bash, zsh and fish, from the tables of the commands. */
#include <string.h>

#include "cli/cli.h"

/* Text inside single quotes, for sh. */
static void put_quoted(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void put_words(const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) printf("%s%s", i == 0 ? "" : " ", words[i]);
}

static void put_command_names(void)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++) printf("%s%s", i == 0 ? "" : " ", cli_commands[i]->name);
}

/* --- bash ------------------------------------------------------------------------------------------------------- */

/* The statement that offers the values of a kind; `$current` is the word so far. */
static void bash_put_offer(enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        fputs("mapfile -t COMPREPLY < <(compgen -W '", stdout);
        put_words(choices);
        fputs("' -- \"$current\")", stdout);
    } else if (kind == VALUE_COMMAND) {
        fputs("mapfile -t COMPREPLY < <(compgen -W '", stdout);
        put_command_names();
        fputs("' -- \"$current\")", stdout);
    } else if (kind == VALUE_FOLDER) {
        fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")", stdout);
    } else if (kind == VALUE_FILE) {
        fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")", stdout);
    } else {
        fputs(":", stdout);
    }
}

static void bash_put_values(const struct command *command)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (option->kind == VALUE_FLAG) continue;
        printf("    '%s --%s'", command->name, option->name);
        if (option->letter != 0) printf(" | '%s -%c'", command->name, option->letter);
        fputs(") ", stdout);
        bash_put_offer(option->kind, option->choices);
        fputs("; return ;;\n", stdout);
    }
}

static void bash_put_options(const struct command *command)
{
    printf("    %s) options='--help", command->name);
    for (size_t i = 0; i < command->option_count; i++) printf(" --%s", command->options[i].name);
    fputs("' valued='", stdout);
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].kind == VALUE_FLAG) continue;
        printf(" --%s ", command->options[i].name);
        if (command->options[i].letter != 0) printf(" -%c ", command->options[i].letter);
    }
    fputs("' ;;\n", stdout);
}

static void bash_put_operands(const struct command *command)
{
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->repeats)
            printf("    '%s '*) ", command->name);
        else
            printf("    '%s %zu') ", command->name, i + 1);
        bash_put_offer(operand->kind, operand->choices);
        fputs(" ;;\n", stdout);
    }
}

static void complete_bash(void)
{
    fputs(
        "# bash completion of aisle; put it in ~/.local/share/bash-completion/completions/aisle\n"
        "_aisle()\n{\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
        "    local options='' valued='' place=1 i word\n"
        "    COMPREPLY=()\n"
        "    if ((COMP_CWORD == 1)); then\n"
        "        mapfile -t COMPREPLY < <(compgen -W '",
        stdout);
    put_command_names();
    fputs("' -- \"$current\")\n"
          "        return\n"
          "    fi\n"
          "    if [[ $current == '=' ]]; then\n"
          "        current=''\n"
          "    elif [[ $previous == '=' ]]; then\n"
          "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case \"$command $previous\" in\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_values(cli_commands[i]);
    fputs("    esac\n"
          "    case $command in\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_options(cli_commands[i]);
    fputs("    esac\n"
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
          "    case $command' '$place in\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) bash_put_operands(cli_commands[i]);
    fputs("    esac\n"
          "}\n"
          "complete -F _aisle aisle\n",
          stdout);
}

/* --- zsh -------------------------------------------------------------------------------------------------------- */

/* Text inside single quotes and inside a specification of _arguments, where brackets and colons have a meaning. */
static void zsh_put_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            printf("%s%c", strchr("[]:\\", *text) != NULL ? "\\" : "", *text);
    }
}

static void zsh_put_offer(enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        putchar('(');
        put_words(choices);
        putchar(')');
    } else if (kind == VALUE_COMMAND) {
        putchar('(');
        put_command_names();
        putchar(')');
    } else if (kind == VALUE_FOLDER) {
        fputs("_files -/", stdout);
    } else if (kind == VALUE_FILE) {
        fputs("_files", stdout);
    } else {
        putchar(' ');
    }
}

static void zsh_put_option(const struct option *option)
{
    bool flag = option->kind == VALUE_FLAG;
    if (option->letter != 0)
        printf(" \\\n            '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
               flag ? "" : "+", option->name, flag ? "" : "=");
    else
        printf(" \\\n            '--%s%s[", option->name, flag ? "" : "=");
    zsh_put_text(option->help);
    putchar(']');
    if (!flag) {
        printf(":%s:", option->argument);
        zsh_put_offer(option->kind, option->choices);
    }
    putchar('\'');
}

static void zsh_put_command(const struct command *command)
{
    printf("        %s)\n            _arguments -s '(-h --help)'{-h,--help}'[show help]'", command->name);
    for (size_t i = 0; i < command->option_count; i++) zsh_put_option(&command->options[i]);
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->repeats)
            fputs(" \\\n            '*:", stdout);
        else
            printf(" \\\n            '%zu:%s", i + 1, operand->optional ? ":" : "");
        printf("%s:", operand->name);
        zsh_put_offer(operand->kind, operand->choices);
        putchar('\'');
    }
    fputs("\n            ;;\n", stdout);
}

static void complete_zsh(void)
{
    fputs("#compdef aisle\n"
          "# zsh completion of aisle; put it in a folder of $fpath under the name _aisle\n"
          "_aisle()\n{\n"
          "    local curcontext=\"$curcontext\" state\n"
          "    local -a line commands\n"
          "    commands=(\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        printf("        '%s:", cli_commands[i]->name);
        put_quoted(cli_commands[i]->summary);
        fputs("'\n", stdout);
    }
    fputs("    )\n"
          "    _arguments -C '1: :->command' '*:: :->words'\n"
          "    case $state in\n"
          "    command) _describe -t commands 'command' commands ;;\n"
          "    words)\n"
          "        case $line[1] in\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) zsh_put_command(cli_commands[i]);
    fputs("        esac\n"
          "        ;;\n"
          "    esac\n"
          "}\n"
          "if [[ $funcstack[1] == _aisle ]]; then\n"
          "    _aisle \"$@\"\n"
          "else\n"
          "    compdef _aisle aisle\n"
          "fi\n",
          stdout);
}

/* --- fish ------------------------------------------------------------------------------------------------------- */

/* Text inside single quotes, for fish. */
static void fish_put_text(const char *text)
{
    for (; *text != '\0'; text++) printf("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
}

static void fish_put_offer(enum value_kind kind, const char *const *choices)
{
    if (choices != NULL) {
        fputs(" -x -a '", stdout);
        put_words(choices);
        putchar('\'');
    } else if (kind == VALUE_COMMAND) {
        fputs(" -x -a '", stdout);
        put_command_names();
        putchar('\'');
    } else if (kind == VALUE_FOLDER) {
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
    } else if (kind == VALUE_FILE) {
        fputs(" -r -F", stdout);
    } else {
        fputs(" -x", stdout);
    }
}

static void fish_put_command(const struct command *command)
{
    printf("complete -c aisle -n __fish_use_subcommand -a %s -d '", command->name);
    fish_put_text(command->summary);
    fputs("'\n", stdout);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        printf("complete -c aisle -n '__fish_seen_subcommand_from %s' -l %s", command->name, option->name);
        if (option->letter != 0) printf(" -s %c", option->letter);
        if (option->kind != VALUE_FLAG) fish_put_offer(option->kind, option->choices);
        fputs(" -d '", stdout);
        fish_put_text(option->help);
        fputs("'\n", stdout);
    }
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        if (operand->kind == VALUE_TEXT && operand->choices == NULL) continue;
        printf("complete -c aisle -n '__fish_seen_subcommand_from %s", command->name);
        if (operand->repeats)
            printf("; and test (count (commandline -opc)) -gt %zu'", i + 1);
        else
            printf("; and test (count (commandline -opc)) -eq %zu'", i + 2);
        fish_put_offer(operand->kind, operand->choices);
        putchar('\n');
    }
}

static void complete_fish(void)
{
    fputs("# fish completion of aisle; put it in ~/.config/fish/completions/aisle.fish\n"
          "complete -c aisle -f\n"
          "complete -c aisle -s h -l help -d 'show help'\n",
          stdout);
    for (size_t i = 0; cli_commands[i] != NULL; i++) fish_put_command(cli_commands[i]);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const struct operand operands[] = {
    {.name = "SHELL", .kind = VALUE_CHOICE, .choices = shells, .help = "the shell to make it for"},
};

static int run(const struct options *given)
{
    static void (*const makers[])(void) = {complete_bash, complete_zsh, complete_fish};
    for (size_t i = 0; i < COUNT_OF(makers); i++)
        if (strcmp(given->operands[0], shells[i]) == 0) makers[i]();
    return CLI_DONE;
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

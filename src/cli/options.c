/* The words after a subcommand's name, read by its tables. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"

struct reader {
    struct options *options;
    const struct command *command;
    int argc;
    char **argv;
    int next; /* the word to read next */
};

/* Names of the command's options for a suggestion, with "help". At most `room` - 1 of them. */
static void option_names(const struct command *command, const char **names, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < command->option_count && count + 2 < room; i++) names[count++] = command->options[i].name;
    names[count++] = "help";
    names[count] = NULL;
}

static bool unknown_option(const struct command *command, const char *name, struct error *error)
{
    const char *names[64];
    option_names(command, names, COUNT_OF(names));
    const char *nearest = options_nearest(name, names);
    if (nearest != NULL)
        return error_set(error, ERROR_USAGE, "'aisle %s' has no option '--%s'; did you mean '--%s'?", command->name,
                         name, nearest);
    return error_set(error, ERROR_USAGE, "'aisle %s' has no option '--%s'; 'aisle help %s' lists them", command->name,
                     name, command->name);
}

static bool take_value(struct reader *reader, size_t index, const char *text, struct error *error)
{
    const struct option *option = &reader->command->options[index];
    char what[80];
    snprintf(what, sizeof what, "--%s", option->name);
    struct value *value = &reader->options->values[index];
    value->given = true;
    return value_parse(option, text, what, value, error);
}

/* The word that follows an option as its value. */
static bool take_next(struct reader *reader, size_t index, struct error *error)
{
    const struct option *option = &reader->command->options[index];
    if (reader->next >= reader->argc)
        return error_set(error, ERROR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                         option->argument);
    return take_value(reader, index, reader->argv[reader->next++], error);
}

/* --name, --name=VALUE; `word` is past the dashes. */
static bool take_long(struct reader *reader, const char *word, struct error *error)
{
    size_t length = strcspn(word, "=");
    const char *given = word[length] == '=' ? word + length + 1 : NULL;
    char name[80];
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), word);
    if (strcmp(name, "help") == 0 && given == NULL) {
        reader->options->help = true;
        return true;
    }
    for (size_t i = 0; i < reader->command->option_count; i++) {
        const struct option *option = &reader->command->options[i];
        if (strcmp(option->name, name) != 0) continue;
        if (option->kind != VALUE_FLAG)
            return given != NULL ? take_value(reader, i, given, error) : take_next(reader, i, error);
        if (given != NULL) return error_set(error, ERROR_USAGE, "--%s takes no value, got '%s'", name, given);
        return take_value(reader, i, "1", error);
    }
    return unknown_option(reader->command, name, error);
}

/* -a, -ab, -nVALUE; `word` is past the dash. */
static bool take_short(struct reader *reader, const char *word, struct error *error)
{
    while (*word != '\0' && !reader->options->help) {
        char letter = *word++;
        if (letter == 'h') {
            reader->options->help = true;
            return true;
        }
        size_t index = 0;
        while (index < reader->command->option_count && reader->command->options[index].letter != letter) index++;
        if (index == reader->command->option_count)
            return error_set(error, ERROR_USAGE, "'aisle %s' has no option '-%c'; 'aisle help %s' lists them",
                             reader->command->name, letter, reader->command->name);
        if (reader->command->options[index].kind != VALUE_FLAG)
            return *word != '\0' ? take_value(reader, index, word, error) : take_next(reader, index, error);
        if (!take_value(reader, index, "1", error)) return false;
    }
    return true;
}

static bool take_words(struct reader *reader, struct error *error)
{
    struct options *options = reader->options;
    bool only_operands = false;
    while (reader->next < reader->argc && !options->help) {
        char *word = reader->argv[reader->next++];
        if (only_operands || word[0] != '-' || word[1] == '\0')
            options->operands[options->operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (!(word[1] == '-' ? take_long(reader, word + 2, error) : take_short(reader, word + 1, error)))
            return false;
    }
    return true;
}

/* Variables and fallbacks of what was not given. */
static bool take_defaults(struct options *options, struct error *error)
{
    for (size_t i = 0; i < options->command->option_count; i++) {
        const struct option *option = &options->command->options[i];
        struct value *value = &options->values[i];
        if (value->given) continue;
        if (option->required)
            return error_set(error, ERROR_USAGE, "'aisle %s' needs --%s %s (%s)", options->command->name, option->name,
                             option->argument, option->help);
        const char *variable = option->environment == NULL ? NULL : getenv(option->environment);
        bool from_variable = variable != NULL && *variable != '\0';
        const char *text = from_variable ? variable : option->fallback;
        value->number = option->kind == VALUE_CHOICE ? -1 : 0;
        if (text == NULL) continue;
        char what[80];
        snprintf(what, sizeof what, "%s%s", from_variable ? "$" : "--",
                 from_variable ? option->environment : option->name);
        if (!value_parse(option, text, what, value, error)) return false;
    }
    return true;
}

static bool check_operands(const struct options *options, struct error *error)
{
    const struct command *command = options->command;
    for (size_t i = 0; i < command->operand_count && !command->operands[i].optional; i++)
        if (i >= options->operand_count)
            return error_set(error, ERROR_USAGE, "'aisle %s' needs %s (%s)", command->name, command->operands[i].name,
                             command->operands[i].help);
    for (size_t i = 0; i < options->operand_count; i++) {
        const struct operand *operand = NULL;
        if (i < command->operand_count)
            operand = &command->operands[i];
        else if (command->operand_count > 0 && command->operands[command->operand_count - 1].repeats)
            operand = &command->operands[command->operand_count - 1];
        if (operand == NULL)
            return error_set(error, ERROR_USAGE,
                             "'aisle %s' does not know what to do with '%s'; 'aisle help %s' says "
                             "what it takes",
                             command->name, options->operands[i], command->name);
        struct option as_option = {.kind = operand->kind, .choices = operand->choices};
        struct value unused = {0};
        if (!value_parse(&as_option, options->operands[i], operand->name, &unused, error)) return false;
    }
    return true;
}

bool options_parse(struct options *options, const struct command *command, int argc, char **argv, struct error *error)
{
    *options = (struct options){.command = command};
    options->values = memory_zeroed((command->option_count + 1) * sizeof *options->values, error);
    options->operands = memory_zeroed(((size_t)argc + 1) * sizeof *options->operands, error);
    if (options->values == NULL || options->operands == NULL) return false;
    struct reader reader = {.options = options, .command = command, .argc = argc, .argv = argv, .next = 1};
    if (!take_words(&reader, error)) return false;
    return options->help || (take_defaults(options, error) && check_operands(options, error));
}

void options_free(struct options *options)
{
    memory_free(options->values);
    memory_free(options->operands);
    *options = (struct options){0};
}

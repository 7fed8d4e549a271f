#include "cli/describe.h"

void describe_choices(struct buffer *into, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        buffer_append_text(into, i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ");
        buffer_append_text(into, choices[i]);
    }
}

void describe_operand(struct buffer *into, const struct operand *operand)
{
    buffer_append_text(into, operand->help);
    if (operand->kind == VALUE_CHOICE) {
        buffer_append_text(into, ": ");
        describe_choices(into, operand->choices);
    }
}

void describe_synopsis(struct buffer *into, const struct command *command)
{
    buffer_append_format(into, "aisle %s", command->name);
    bool has_more = false;
    for (size_t i = 0; i < command->operand_count; i++) {
        const struct operand *operand = &command->operands[i];
        buffer_append_format(into, " %s%s%s%s", operand->optional ? "[" : "", operand->name,
                             operand->repeats ? "..." : "", operand->optional ? "]" : "");
    }
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].required)
            buffer_append_format(into, " --%s %s", command->options[i].name, command->options[i].argument);
        else
            has_more = true;
    }
    if (has_more) buffer_append_text(into, " [options]");
}

void describe_option(struct buffer *into, const struct option *option)
{
    buffer_append_text(into, option->help);
    if (option->kind == VALUE_CHOICE) {
        buffer_append_text(into, ": ");
        describe_choices(into, option->choices);
    }
    if (option->environment != NULL && option->fallback != NULL)
        buffer_append_format(into, " (default $%s, else %s)", option->environment, option->fallback);
    else if (option->environment != NULL)
        buffer_append_format(into, " (default $%s)", option->environment);
    else if (option->fallback != NULL)
        buffer_append_format(into, " (default %s)", option->fallback);
    else if (option->required)
        buffer_append_text(into, " (always needed)");
}

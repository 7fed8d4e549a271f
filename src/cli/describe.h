/* The words that help, man page and completion make of the tables of a command. */
#ifndef AISLE_CLI_DESCRIBE_H
#define AISLE_CLI_DESCRIBE_H

#include "base/buffer.h"
#include "cli/cli.h"

/* "aisle check --schema FILE PATH... [options]" */
void describe_synopsis(struct buffer *into, const struct command *command);

/* What an operand is, with its choices: "what to make: orders, sales or catalog" */
void describe_operand(struct buffer *into, const struct operand *operand);

/* What an option does, with its choices, variable and default: "what to print: text, csv or json (default text)" */
void describe_option(struct buffer *into, const struct option *option);

/* Choices as "a, b or c". */
void describe_choices(struct buffer *into, const char *const *choices);

#endif

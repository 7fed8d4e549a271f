#include <stdio.h>

#include "cli/cli.h"

static int run(const struct options *given)
{
    (void)given;
    printf("aisle %s\n", AISLE_VERSION);
    return CLI_DONE;
}

const struct command cli_version = {
    .name = "version",
    .summary = "Print the program's version",
    .description = "Prints the program's name and version.",
    .run = run,
};

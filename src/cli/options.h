/* What a subcommand takes, as data: one table of options and one of operands. Parsing, --help, shell completion and the
 * man page all come from these tables.
 *
 * Taken: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, flags in one word (`-ab`), options and operands in any
 * order, `--` before operands that begin with a dash (POSIX Utility Syntax Guidelines with GNU's long options; names
 * are not abbreviated, so that a script keeps its meaning when options are added).
 */
#ifndef AISLE_CLI_OPTIONS_H
#define AISLE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum value_kind {
    VALUE_FLAG,    /* an option without a value: number is 1 when given */
    VALUE_TEXT,    /* any text; `choices`, where there are any, are only offered by completion */
    VALUE_FILE,    /* a path; completion offers files */
    VALUE_FOLDER,  /* a path; completion offers folders */
    VALUE_COUNT,   /* a whole number in minimum … maximum */
    VALUE_SHARE,   /* 0 to 1, also written `5%`: `real` */
    VALUE_SIZE,    /* bytes: `1048576`, `512K`, `512M`, `2G`, `1T` (powers of 1024; `MiB` and `MB` mean the same) */
    VALUE_DATE,    /* a real day, `2025-04-01`: days since 1970-01-01 */
    VALUE_CHOICE,  /* one of `choices`: its index */
    VALUE_COMMAND, /* text that completion takes for the name of a subcommand */
};

struct option {
    const char *name; /* "memory-limit" is given as --memory-limit */
    char letter;      /* 'o' is also given as -o; 0: none */
    enum value_kind kind;
    const char *argument;       /* how help names the value, "SIZE"; NULL for a flag */
    const char *fallback;       /* the value when it is not given, checked as if it were; NULL: none */
    const char *environment;    /* a variable that comes before `fallback` when it is set and not empty; NULL: none */
    const char *help;           /* a phrase without a full stop: "show only this category" */
    const char *const *choices; /* ended by NULL; VALUE_CHOICE, or offers for VALUE_TEXT */
    int64_t minimum, maximum;   /* VALUE_COUNT and VALUE_SIZE; maximum 0: no bound above */
    bool required;
};

struct operand {
    const char *name;     /* "FILE" */
    enum value_kind kind; /* VALUE_TEXT, _FILE, _FOLDER, _DATE, _CHOICE or _COMMAND */
    const char *help;
    const char *const *choices; /* as above */
    bool optional;              /* may be left out, and so may those after it */
    bool repeats;               /* one or more (none or more with `optional`); only the last operand */
};

struct value {
    bool given;       /* on the command line */
    const char *text; /* as it was given, else the variable's or the fallback; NULL when there is neither */
    int64_t number;   /* VALUE_FLAG, _COUNT, _SIZE, _DATE, _CHOICE; -1 for a _CHOICE without a value */
    double real;      /* VALUE_SHARE */
};

struct command;

struct options {
    const struct command *command;
    struct value *values; /* one for each option of the command's table, in its order */
    char **operands;      /* borrowed from argv, ended by NULL */
    size_t operand_count;
    bool help; /* --help or -h was given; then nothing else was checked */
};

/* Reads the words after the subcommand's name (argv[0] is the name and is passed over). ERROR_USAGE says which word is
 * wrong and what would be right. options_free releases what is held, also after a failure. */
bool options_parse(struct options *options, const struct command *command, int argc, char **argv, struct error *error);
void options_free(struct options *options);

/* One text as a value of the kind; `what` names it in the error ("--rows"). Used for every option and its fallback. */
bool value_parse(const struct option *option, const char *text, const char *what, struct value *value,
                 struct error *error);

/* The entry of `names` (ended by NULL) that `word` was probably meant to be: the fewest edits (add, drop,
 * change or swap letters), at most about a third of its length, or one that it begins. NULL when none is near. */
const char *options_nearest(const char *word, const char *const *names);

#endif

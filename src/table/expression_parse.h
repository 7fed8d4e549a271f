/* What the parsers of the kinds of expression share: words, placeholders, paths and operands. For this room only. */
#ifndef AISLE_TABLE_EXPRESSION_PARSE_H
#define AISLE_TABLE_EXPRESSION_PARSE_H

#include "table/expression.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* letters, digits and underscores, beginning with a letter or underscore */
    TOKEN_NAME,   /* #name */
    TOKEN_VALUE,  /* :value */
    TOKEN_NUMBER, /* digits */
    TOKEN_SIGN,   /* = <> < <= > >= ( ) [ ] , . + - */
};
struct token {
    enum token_kind kind;
    struct str text;
};

struct parser {
    struct expression_scope *scope;
    struct arena *arena;
    struct error *error;
    const char *what; /* the parameter, for errors */
    struct str text;
    size_t at;             /* after `token` */
    struct token token;    /* the one that is looked at */
    struct token previous; /* for errors */
    unsigned operators, depth;
    const void *closed; /* the condition that the last closing parenthesis ended: one more around it is redundant */
    bool updating;      /* functions of updates are allowed, those of conditions are not */
};

/* Begins with the first token. Fails for an empty or overlong text. */
bool parser_begin(struct parser *parser, struct str text, const char *what);
bool parser_next(struct parser *parser);
/* A failure with the parameter before it: "Invalid UpdateExpression: …". Returns false. */
bool parser_fail(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool parser_syntax(struct parser *parser); /* Syntax error; token: "…", near: "…" */
bool parser_is_sign(const struct parser *parser, const char *sign);
bool parser_is_word(const struct parser *parser, const char *word); /* in any case */
/* The sign must stand here, and is passed over. */
bool parser_take_sign(struct parser *parser, const char *sign);
/* Counts an operator, which are bounded. */
bool parser_count_operator(struct parser *parser);

/* A document path; a word that is reserved is refused. */
bool parser_path(struct parser *parser, struct path *path);
/* A path, a value, or a function that gives a value (size; if_not_exists and list_append when updating). */
bool parser_operand(struct parser *parser, struct operand *operand);
/* Of updates: an operand, or two with + or - between them. */
bool parser_sum(struct parser *parser, struct operand *operand);
/* The value of the placeholder that is looked at; passes it. */
bool parser_value(struct parser *parser, const struct attribute **value);

/* "[a, b, [3]]" */
const char *path_text(const struct path *path, struct arena *arena);
bool path_equal(const struct path *a, const struct path *b);
/* Fails when one of the paths is the beginning of another, or when two want a map and a list at one place. */
bool paths_check(struct parser *parser, const struct path *paths, size_t count);

bool reserved_word(struct str word);

#endif

/* What the stream that is written to can show, and text that fits it.
 *
 * Colour only on a terminal that is not `TERM=dumb`, and not when NO_COLOR is set and not empty (no-color.org).
 */
#ifndef AISLE_CLI_TERMINAL_H
#define AISLE_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/str.h"

struct terminal {
    bool cursor; /* the stream is a terminal that obeys control sequences */
    bool colour;
    bool utf8; /* the locale's character set; setlocale must have been called */
    int width; /* columns; 0 when the stream is no terminal, where nothing is cut */
};

struct terminal terminal_of(FILE *stream);

enum terminal_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_BLUE };

/* The escape sequence that begins a style (STYLE_PLAIN ends all), or "" without colour. */
const char *terminal_style(const struct terminal *terminal, enum terminal_style style);

/* Columns that well-formed UTF-8 text takes on a terminal: wide characters 2, combining ones 0. Control characters and
 * wrong bytes count 1, as terminal_append shows them. */
size_t terminal_text_width(struct str text);

/* Appends text so that a terminal shows it and obeys none of it: control characters (C0, DEL, C1) and wrong bytes
 * become U+FFFD, or '?' without UTF-8. Past `most` columns (0: no bound) it is cut, and an ellipsis ends it. Returns
 * the columns taken. */
size_t terminal_append(const struct terminal *terminal, struct buffer *into, struct str text, size_t most);

/* Appends a bar of `share` (0 to 1) of `width` columns, in eighths of a column with UTF-8, else in '#'. Padded with
 * spaces to `width`. Anything above 0 shows. */
void terminal_append_bar(const struct terminal *terminal, struct buffer *into, double share, size_t width);

#endif

#include "cli/terminal.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static bool variable_is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0';
}

static int width_of(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long width = columns == NULL ? 0 : strtol(columns, NULL, 10);
    return width >= 20 && width <= 10000 ? (int)width : 80;
}

struct terminal terminal_of(FILE *stream)
{
    struct terminal terminal = {0};
    int fd = fileno(stream);
    terminal.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (fd >= 0 && isatty(fd)) {
        const char *kind = getenv("TERM");
        terminal.cursor = kind != NULL && *kind != '\0' && strcmp(kind, "dumb") != 0;
        terminal.colour = terminal.cursor && !variable_is_set("NO_COLOR");
        terminal.width = width_of(fd);
    }
    return terminal;
}

const char *terminal_style(const struct terminal *terminal, enum terminal_style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m",  [STYLE_BOLD] = "\033[1m",    [STYLE_DIM] = "\033[2m",   [STYLE_RED] = "\033[31m",
        [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_BLUE] = "\033[34m",
    };
    return terminal->colour ? sequences[style] : "";
}

/* One character of UTF-8 text (RFC 3629): its bytes, its code point (-1 for a wrong byte) and its columns. */
struct character {
    size_t bytes;
    int32_t code;
    size_t columns;
};

static int32_t decode(const unsigned char *at, size_t left, size_t *bytes)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80                    ? 1
                    : at[0] >= 0xC2 && at[0] < 0xE0 ? 2
                    : at[0] >= 0xE0 && at[0] < 0xF0 ? 3
                    : at[0] >= 0xF0 && at[0] < 0xF5 ? 4
                                                    : 0;
    *bytes = 1;
    if (length == 0 || length > left) return -1;
    if (length == 1) return at[0];
    int32_t code = at[0] & (0x7F >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) return -1;
        code = code << 6 | (at[i] & 0x3F);
    }
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return -1;
    *bytes = length;
    return code;
}

static struct character character_at(struct str text, size_t offset)
{
    struct character character = {0};
    character.code = decode((const unsigned char *)text.data + offset, text.length - offset, &character.bytes);
    character.columns = 1;
    if (character.code >= 0xA0) {
        int columns = wcwidth((wchar_t)character.code);
        character.columns = columns < 0 ? 1 : (size_t)columns;
    }
    return character;
}

/* Characters that a terminal would act on: controls, and the marks that turn the direction of text around. */
static bool is_shown(int32_t code)
{
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool direction = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return !control && !direction;
}

size_t terminal_text_width(struct str text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.length;) {
        struct character character = character_at(text, i);
        columns += is_shown(character.code) ? character.columns : 1;
        i += character.bytes;
    }
    return columns;
}

size_t terminal_append(const struct terminal *terminal, struct buffer *into, struct str text, size_t most)
{
    bool cut = most > 0 && terminal_text_width(text) > most;
    size_t room = most > 0 ? most - cut : SIZE_MAX;
    size_t columns = 0;
    for (size_t i = 0; i < text.length;) {
        struct character character = character_at(text, i);
        bool shown = is_shown(character.code);
        size_t taken = shown ? character.columns : 1;
        if (columns + taken > room) break;
        if (shown)
            buffer_append(into, text.data + i, character.bytes);
        else
            buffer_append_text(into, terminal->utf8 ? "\uFFFD" : "?");
        columns += taken;
        i += character.bytes;
    }
    if (cut) buffer_append_text(into, terminal->utf8 ? "…" : "~");
    return columns + cut;
}

void terminal_append_bar(const struct terminal *terminal, struct buffer *into, double share, size_t width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    size_t steps = terminal->utf8 ? 8 : 1;
    double kept = share > 0 ? (share < 1 ? share : 1) : 0;
    size_t filled = (size_t)(kept * (double)(width * steps) + 0.5);
    if (filled == 0 && kept > 0) filled = 1;
    for (size_t i = 0; i < filled / steps; i++) buffer_append_text(into, terminal->utf8 ? "█" : "#");
    size_t rest = terminal->utf8 ? filled % steps : 0;
    buffer_append_text(into, eighths[rest]);
    for (size_t i = filled / steps + (rest > 0); i < width; i++) buffer_append_char(into, ' ');
}

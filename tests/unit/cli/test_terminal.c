#include "cli/terminal.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/pty.h"
#include "support/unit.h"

static const struct terminal utf8 = {.utf8 = true};
static const struct terminal ascii = {.utf8 = false};

static void shows(const struct terminal *terminal, const char *text, size_t most, const char *expected, size_t columns)
{
    struct buffer line;
    buffer_init(&line, 0);
    assert_int_equal(terminal_append(terminal, &line, str_of(text), most), columns);
    assert_string_equal(buffer_text(&line), expected);
    buffer_free(&line);
}

static void bar(const struct terminal *terminal, double share, const char *expected)
{
    struct buffer line;
    buffer_init(&line, 0);
    terminal_append_bar(terminal, &line, share, 4);
    assert_string_equal(buffer_text(&line), expected);
    buffer_free(&line);
}

static void measures_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(terminal_text_width(str_of("")), 0);
    assert_int_equal(terminal_text_width(str_of("Möbel")), 5);
    assert_int_equal(terminal_text_width(str_of("日本")), 4);
    assert_int_equal(terminal_text_width(str_of("e\xCC\x81")), 1);
    assert_int_equal(terminal_text_width(str_of("\x1B[2J")), 4);
    assert_int_equal(terminal_text_width(str_of("\xFF\xC3")), 2);
}

static void cuts_with_an_ellipsis(void **state)
{
    (void)state;
    shows(&utf8, "Electronics", 0, "Electronics", 11);
    shows(&utf8, "Electronics", 11, "Electronics", 11);
    shows(&utf8, "Electronics", 6, "Elect…", 6);
    shows(&ascii, "Electronics", 6, "Elect~", 6);
    shows(&utf8, "日本語", 4, "日…", 3);
}

static void text_cannot_command_the_terminal(void **state)
{
    (void)state;
    shows(&utf8, "a\x1B[31mb\n", 0, "a\uFFFD[31mb\uFFFD", 8);
    shows(&ascii, "a\x1B[31mb\n", 0, "a?[31mb?", 8);
    shows(&ascii, "\xC2\x9B\x7F", 0, "??", 2);
    shows(&utf8, "x\xE2\x80\xAEy", 0, "x\uFFFDy", 3);
    shows(&utf8, "\xC0\x80\xED\xA0\x80", 0, "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", 5);
}

static void draws_bars_in_eighths(void **state)
{
    (void)state;
    bar(&utf8, 1.0, "████");
    bar(&utf8, 2.0, "████");
    bar(&utf8, 0.5, "██  ");
    bar(&utf8, 0.4, "█▋  ");
    bar(&utf8, 0.0001, "▏   ");
    bar(&utf8, 0.0, "    ");
    bar(&utf8, -1.0, "    ");
    bar(&ascii, 0.5, "##  ");
    bar(&ascii, 0.0001, "#   ");
}

static void a_pipe_is_no_terminal(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    FILE *stream = fdopen(ends[1], "w");
    struct terminal terminal = terminal_of(stream);
    assert_false(terminal.cursor);
    assert_false(terminal.colour);
    assert_int_equal(terminal.width, 0);
    assert_string_equal(terminal_style(&terminal, STYLE_RED), "");
    fclose(stream);
    close(ends[0]);
}

static void colour_wants_a_willing_terminal(void **state)
{
    (void)state;
    int control = -1;
    FILE *stream = pty_open(100, &control);
    if (stream == NULL) skip();
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    struct terminal terminal = terminal_of(stream);
    assert_true(terminal.cursor && terminal.colour);
    assert_int_equal(terminal.width, 100);
    assert_string_equal(terminal_style(&terminal, STYLE_RED), "\033[31m");
    setenv("NO_COLOR", "1", 1);
    terminal = terminal_of(stream);
    assert_true(terminal.cursor && !terminal.colour);
    setenv("NO_COLOR", "", 1);
    assert_true(terminal_of(stream).colour);
    setenv("TERM", "dumb", 1);
    terminal = terminal_of(stream);
    assert_false(terminal.cursor || terminal.colour);
    fclose(stream);
    close(control);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_columns_not_bytes),
        cmocka_unit_test(cuts_with_an_ellipsis),
        cmocka_unit_test(text_cannot_command_the_terminal),
        cmocka_unit_test(draws_bars_in_eighths),
        cmocka_unit_test(a_pipe_is_no_terminal),
        cmocka_unit_test(colour_wants_a_willing_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

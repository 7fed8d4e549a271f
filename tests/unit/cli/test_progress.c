#include "cli/progress.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/pty.h"
#include "support/unit.h"

static void line(const struct terminal *terminal, uint64_t done, uint64_t total, int64_t elapsed_us,
                 const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    progress_line(terminal, &text, "reading", done, total, elapsed_us);
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

static void tells_share_rate_and_time_left(void **state)
{
    (void)state;
    static const struct terminal ascii = {.width = 100};
    line(&ascii, 0, 2000000000, 0, "reading                     0%  0 B of 2.0 GB");
    line(&ascii, 1000000000, 2000000000, 500000, "reading  ########          50%  1.0 GB of 2.0 GB  2.0 GB/s");
    line(&ascii, 500000000, 2000000000, 2000000,
         "reading  ####              25%  500 MB of 2.0 GB  250 MB/s  6.00 s left");
    line(&ascii, 2000000000, 2000000000, 2000000, "reading  ################ 100%  2.0 GB of 2.0 GB  1.0 GB/s");
    line(&ascii, 1500000, 0, 1000000, "reading  1.5 MB  1.5 MB/s");
}

static void fits_the_terminal(void **state)
{
    (void)state;
    static const struct terminal narrow = {.width = 30, .utf8 = true};
    line(&narrow, 1000000000, 2000000000, 500000, "reading  ████████          50…");
}

static void is_quiet_in_a_pipe(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct progress progress;
    progress_start(&progress, out, "reading");
    progress_update(&progress, 1, 2);
    progress_stage(&progress, "writing");
    progress_update(&progress, 2, 2);
    progress_end(&progress);
    fclose(out);
    assert_int_equal(size, 0);
    free(text);
}

static void clears_its_line_on_a_terminal(void **state)
{
    (void)state;
    int control = -1;
    FILE *stream = pty_open(100, &control);
    if (stream == NULL) skip();
    setenv("TERM", "xterm", 1);
    struct progress progress;
    progress_start(&progress, stream, "reading");
    progress_update(&progress, 1, 2);
    for (int i = 0; i < 1000; i++) progress_update(&progress, 2, 2);
    progress_end(&progress);
    fclose(stream);
    char seen[4000];
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length<sizeof seen - 1; length += got> 0 ? (size_t)got : 0)
        got = read(control, seen + length, sizeof seen - 1 - length);
    assert_true(length > 4);
    seen[length] = '\0';
    assert_true(strncmp(seen, "\rreading  ", 10) == 0);
    assert_true(length < 1000);
    assert_string_equal(seen + length - 4, "\r\033[K");
    close(control);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_share_rate_and_time_left),
        cmocka_unit_test(fits_the_terminal),
        cmocka_unit_test(is_quiet_in_a_pipe),
        cmocka_unit_test(clears_its_line_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

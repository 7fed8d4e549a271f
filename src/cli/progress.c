#include "cli/progress.h"

#include "base/clock.h"
#include "cli/human.h"

enum { BAR_WIDTH = 16, BETWEEN_US = 100000, SETTLED_US = 1000000 };

void progress_start(struct progress *progress, FILE *stream, const char *stage)
{
    *progress = (struct progress){.stream = stream, .terminal = terminal_of(stream)};
    progress_stage(progress, stage);
}

void progress_stage(struct progress *progress, const char *stage)
{
    progress->stage = stage;
    progress->started_us = clock_monotonic_us();
}

void progress_line(const struct terminal *terminal, struct buffer *into, const char *stage, uint64_t done_bytes,
                   uint64_t total_bytes, int64_t elapsed_us)
{
    struct buffer line;
    buffer_init(&line, 0);
    double rate = elapsed_us > 0 ? (double)done_bytes * 1e6 / (double)elapsed_us : 0;
    double share = total_bytes > 0 ? (double)done_bytes / (double)total_bytes : 0;
    buffer_append_format(&line, "%s  ", stage);
    if (total_bytes > 0) {
        terminal_append_bar(terminal, &line, share, BAR_WIDTH);
        buffer_append_format(&line, " %3.0f%%  ", share < 1 ? share * 100 : 100.0);
    }
    human_bytes(&line, done_bytes);
    if (total_bytes > 0) {
        buffer_append_text(&line, " of ");
        human_bytes(&line, total_bytes);
    }
    if (rate >= 1) {
        buffer_append_text(&line, "  ");
        human_bytes(&line, (uint64_t)rate);
        buffer_append_text(&line, "/s");
    }
    if (rate >= 1 && elapsed_us >= SETTLED_US && total_bytes > done_bytes) {
        buffer_append_text(&line, "  ");
        human_duration(&line, (int64_t)((double)(total_bytes - done_bytes) / rate * 1e6));
        buffer_append_text(&line, " left");
    }
    if (!line.failed) terminal_append(terminal, into, str_slice(line.data, line.length), (size_t)terminal->width);
    buffer_free(&line);
}

void progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes)
{
    if (!progress->terminal.cursor) return;
    int64_t now = clock_monotonic_us();
    if (now - progress->shown_us < BETWEEN_US && progress->shown_us != 0) return;
    progress->shown_us = now;
    struct buffer line;
    buffer_init(&line, 0);
    buffer_append_text(&line, "\r");
    progress_line(&progress->terminal, &line, progress->stage, done_bytes, total_bytes, now - progress->started_us);
    buffer_append_text(&line, "\033[K");
    if (!line.failed) fwrite(line.data, 1, line.length, progress->stream);
    fflush(progress->stream);
    buffer_free(&line);
}

void progress_end(struct progress *progress)
{
    if (progress->shown_us == 0) return;
    fputs("\r\033[K", progress->stream);
    fflush(progress->stream);
    progress->shown_us = 0;
}

/* What a run tells of itself in the log: AISLE_LOG=info, and AISLE_LOG=debug for more. */
#include "base/clock.h"
#include "base/log.h"
#include "task/run_private.h"

static double seconds_since(int64_t monotonic_us)
{
    return (double)(clock_monotonic_us() - monotonic_us) / 1e6;
}

void run_log_started(const struct run *run)
{
    log_event(LOG_INFO, "run_started", "pipeline", "s", run->spec->pipeline, "run", "s", run->id, "files", "i",
              (int64_t)run->intake.count, "bytes", "i", (int64_t)run->input_bytes, "memory_limit_bytes", "i",
              (int64_t)run->options.memory_limit, NULL);
}

void run_log_file(const struct run *run, const struct source_file *source)
{
    const char *dataset = run->spec->datasets[source->file->dataset].name;
    if (source->fate == SOURCE_TAKEN) {
        const struct file_report *report = &run->validated[source->validated].report;
        log_event(LOG_INFO, "file_taken", "pipeline", "s", run->spec->pipeline, "run", "s", run->id, "dataset", "s",
                  dataset, "path", "s", source->file->path, "rows", "i", (int64_t)report->read, "rejected", "i",
                  (int64_t)report->rejected, NULL);
        return;
    }
    log_event(LOG_INFO, source->fate == SOURCE_KNOWN ? "file_passed_over" : "file_broken", "pipeline", "s",
              run->spec->pipeline, "run", "s", run->id, "dataset", "s", dataset, "path", "s", source->file->path, "why",
              "s", source->why, NULL);
}

void run_log_opened(const struct run *run, const struct source_file *source)
{
    log_event(LOG_DEBUG, "file_opened", "pipeline", "s", run->spec->pipeline, "run", "s", run->id, "path", "s",
              source->file->path, "stored_bytes", "i", (int64_t)source->source.stored_size, "bytes", "i",
              (int64_t)source->source.size, "sha256", "s", source->source.sha256, NULL);
}

void run_log_step(const struct run *run, uint64_t rows, int64_t started_us)
{
    log_event(LOG_INFO, "step_done", "pipeline", "s", run->spec->pipeline, "run", "s", run->id, "step", "i",
              (int64_t)run->steps, "rows", "i", (int64_t)rows, "seconds", "f", seconds_since(started_us), NULL);
}

void run_log_ended(const struct run *run, const struct error *failure)
{
    double seconds = seconds_since(run->started_monotonic_us);
    if (failure != NULL) {
        log_event(LOG_INFO, "run_failed", "pipeline", "s", run->spec->pipeline, "run", "s", run->id, "code", "s",
                  error_code_name(failure->code), "why", "s", failure->message, "seconds", "f", seconds, NULL);
        return;
    }
    log_event(LOG_INFO, run_keeps_state(run) ? "run_committed" : "run_done", "pipeline", "s", run->spec->pipeline,
              "run", "s", run->id, "status", "s", run_status_name(run->status), "steps", "i", (int64_t)run->steps,
              "days", "i", (int64_t)engine_days(run->engine), "seconds", "f", seconds, NULL);
}

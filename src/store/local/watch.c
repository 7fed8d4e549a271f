/* Watching a folder: inotify tells which files to look at, a walk finds them at the start and whenever inotify lost
 * count; each is looked at again until it has stood still for long enough. */
#include "store/local/watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/local/watch_private.h"

#define EVENTS                                                                                                         \
    (IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define MAXIMUM_DEPTH 32
#define CHAINS 4096
#define FIRST_DELAY_US INT64_C(1000000)
#define LONGEST_DELAY_US INT64_C(60000000)

/* A file that may be on its way to be an object. */
struct candidate {
    struct candidate *next;          /* in its chain */
    int64_t size_bytes, modified_ns; /* as they were seen last; -1: not yet */
    int64_t since_us;                /* when they were first seen so */
    int64_t due_us;                  /* look at it then */
    int64_t delay_us;                /* after the next failure */
    char name[];                     /* below the folder */
};

/* A folder that inotify watches. */
struct place {
    struct place *next;
    int number;
    char name[]; /* below the folder, "" for itself */
};

struct watch {
    struct watch_target target;
    int64_t settle_us;
    int events_fd, stop_fd;
    _Atomic bool stop;
    struct candidate *chains[CHAINS]; /* candidates, by their names */
    struct place *places;
    struct thread *thread;
};

/* Names that are never taken. */
static bool is_left_alone(const char *name)
{
    struct str view = str_of(name);

    return name[0] == '.' || str_ends_with(view, ".tmp") || str_ends_with(view, ".part") ||
           str_ends_with(view, ".done");
}

static bool add_candidate(struct watch *watch, const char *name, struct error *error)
{
    size_t length = strlen(name);
    struct candidate **chain = &watch->chains[XXH3_64bits(name, length) % CHAINS];

    for (struct candidate *one = *chain; one != NULL; one = one->next) {
        if (strcmp(one->name, name) == 0) {
            one->due_us = 0;
            return true;
        }
    }
    struct candidate *one = memory_zeroed(sizeof *one + length + 1, error);

    if (one == NULL) {
        return false;
    }
    memcpy(one->name, name, length + 1);
    one->size_bytes = -1;
    one->delay_us = FIRST_DELAY_US;
    one->next = *chain;
    *chain = one;
    return true;
}

/* "FOLDER/NAME", or the folder itself. */
static bool path_of(const struct watch *watch, const char *name, struct buffer *path, struct error *error)
{
    buffer_clear(path);
    buffer_append_format(path, "%s%s%s", watch->target.folder, name[0] != '\0' ? "/" : "", name);
    return buffer_text(path) != NULL || buffer_check(path, error);
}

static bool add_place(struct watch *watch, const char *name, const char *path, struct error *error)
{
    size_t length = strlen(name);
    int number = inotify_add_watch(watch->events_fd, path, EVENTS);

    if (number < 0) {
        return errno == ENOENT || errno == ENOTDIR || error_set_errno(error, errno, "%s cannot be watched", path);
    }
    for (struct place *place = watch->places; place != NULL; place = place->next) {
        if (place->number == number) {
            return true;
        }
    }
    struct place *place = memory_zeroed(sizeof *place + length + 1, error);

    if (place == NULL) {
        return false;
    }
    memcpy(place->name, name, length + 1);
    place->number = number;
    place->next = watch->places;
    watch->places = place;
    return true;
}

static bool walk(struct watch *watch, const char *name, int depth, struct error *error);

/* A name in a folder: a file, whose marker may stand beside it, or a folder. */
static bool see(struct watch *watch, const char *folder, const char *entry, int depth, struct error *error)
{
    struct buffer name __attribute__((cleanup(buffer_free))) = {0};
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;
    size_t length = strlen(entry);

    if (watch->target.done_marker && length > 5 && strcmp(entry + length - 5, ".done") == 0) {
        length -= 5;
    } else if (is_left_alone(entry)) {
        return true;
    }
    buffer_append_format(&name, "%s%s%.*s", folder, folder[0] != '\0' ? "/" : "", (int)length, entry);
    if (buffer_text(&name) == NULL) {
        return buffer_check(&name, error);
    }
    if (!path_of(watch, name.data, &path, error)) {
        return false;
    }
    if (lstat(path.data, &status) != 0) {
        return true;
    }
    if (S_ISDIR(status.st_mode)) {
        return walk(watch, name.data, depth + 1, error);
    }
    return !S_ISREG(status.st_mode) || add_candidate(watch, name.data, error);
}

/* Watches a folder, and then sees what is in it already. */
static bool walk(struct watch *watch, const char *name, int depth, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    bool good = true;

    if (depth > MAXIMUM_DEPTH) {
        log_event(LOG_WARN, "folder_too_deep", "folder", "s", name, NULL);
        return true;
    }
    if (!path_of(watch, name, &path, error) || !add_place(watch, name, path.data, error)) {
        return false;
    }
    DIR *entries = opendir(path.data);

    if (entries == NULL) {
        return errno == ENOENT || error_set_errno(error, errno, "the folder %s cannot be read", path.data);
    }
    for (const struct dirent *entry = NULL; good && (entry = readdir(entries)) != NULL;) {
        good = see(watch, name, entry->d_name, depth, error);
    }
    closedir(entries);
    return good;
}

static struct place **place_of(struct watch *watch, int number)
{
    struct place **place = &watch->places;

    while (*place != NULL && (*place)->number != number) {
        place = &(*place)->next;
    }
    return place;
}

static bool take_event(struct watch *watch, const struct inotify_event *event, struct error *error)
{
    struct place **place = place_of(watch, event->wd);

    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        return walk(watch, "", 0, error);
    }
    if ((event->mask & IN_IGNORED) != 0 && *place != NULL) {
        struct place *gone = *place;

        *place = gone->next;
        memory_free(gone);
        return true;
    }
    return *place == NULL || event->len == 0 || see(watch, (*place)->name, event->name, 0, error);
}

static bool take_events(struct watch *watch, struct error *error)
{
    char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got = 0;

    while ((got = read(watch->events_fd, bytes, sizeof bytes)) > 0) {
        for (char *at = bytes; at < bytes + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;

            if (!take_event(watch, event, error)) {
                return false;
            }
            at += sizeof *event + event->len;
        }
    }
    return got == 0 || errno == EAGAIN || errno == EINTR ||
           error_set_errno(error, errno, "changes of %s cannot be read", watch->target.folder);
}

/* Whether a candidate is complete now; else when to look again. `*gone`: it is not there any more, or not yet marked.
 */
static bool is_complete(struct watch *watch, struct candidate *one, int64_t now_us, bool *gone)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    *gone = !path_of(watch, one->name, &path, NULL) || lstat(path.data, &status) != 0 || !S_ISREG(status.st_mode);
    if (*gone) {
        return false;
    }
    int64_t modified_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;

    if (watch->target.done_marker) {
        buffer_append_text(&path, ".done");
        *gone = buffer_text(&path) == NULL || lstat(path.data, &status) != 0;
        return !*gone;
    }
    if (one->size_bytes != status.st_size || one->modified_ns != modified_ns) {
        one->size_bytes = status.st_size;
        one->modified_ns = modified_ns;
        one->since_us = now_us;
    }
    one->due_us = one->since_us + watch->settle_us;
    return now_us >= one->due_us;
}

/* True when nothing more is to be done for the candidate. */
static bool settle(struct watch *watch, struct candidate *one, int64_t now_us)
{
    struct error error = {0};
    bool gone = false;

    if (!is_complete(watch, one, now_us, &gone)) {
        return gone;
    }
    if (watch_take(&watch->target, one->name, &error) || (error.code == ERROR_NOT_FOUND && error.name == NULL)) {
        return true;
    }
    one->size_bytes = -1;
    one->due_us = now_us + one->delay_us;
    if (error.code != ERROR_CONFLICT) {
        log_event(LOG_WARN, "file_not_taken", "folder", "s", watch->target.folder, "name", "s", one->name, "reason",
                  "s", error.message, NULL);
        one->delay_us = one->delay_us * 2 < LONGEST_DELAY_US ? one->delay_us * 2 : LONGEST_DELAY_US;
    }
    /* A name that no key can have stays where it is. */
    return error.code == ERROR_INVALID;
}

/* Looks at those of a chain that are due; `*next_us` becomes the earliest time at which one of the others is. */
static void settle_chain(struct watch *watch, struct candidate **at, int64_t *next_us)
{
    while (*at != NULL && !atomic_load(&watch->stop)) {
        struct candidate *one = *at;
        int64_t now_us = clock_monotonic_us();

        if (one->due_us <= now_us && settle(watch, one, now_us)) {
            *at = one->next;
            memory_free(one);
            continue;
        }
        *next_us = one->due_us < *next_us ? one->due_us : *next_us;
        at = &one->next;
    }
}

/* Gives how long to wait for the next that is due, in milliseconds; -1: for an event. */
static int settle_all(struct watch *watch)
{
    int64_t next_us = INT64_MAX;

    for (size_t c = 0; c < CHAINS; c++) {
        settle_chain(watch, &watch->chains[c], &next_us);
    }
    int64_t wait_us = next_us - clock_monotonic_us();

    return next_us == INT64_MAX ? -1 : wait_us <= 0 ? 1 : wait_us > 60000000 ? 60000 : (int)(wait_us / 1000) + 1;
}

static void run(void *context)
{
    struct watch *watch = context;
    struct pollfd waiting[2] = {{.fd = watch->stop_fd, .events = POLLIN}, {.fd = watch->events_fd, .events = POLLIN}};
    struct error error = {0};
    bool lost = !watch_tidy(&watch->target, &error) || !walk(watch, "", 0, &error);

    while (!atomic_load(&watch->stop)) {
        if (lost) {
            log_event(LOG_WARN, "watch_failed", "folder", "s", watch->target.folder, "reason", "s", error.message,
                      NULL);
        }
        int wait_ms = settle_all(watch);
        int ready = poll(waiting, 2, lost ? 1000 : wait_ms);

        if (lost) {
            lost = !walk(watch, "", 0, &error);
        }
        if (ready > 0 && waiting[1].revents != 0 && !take_events(watch, &error)) {
            lost = true;
        }
    }
}

static char *copy(const char *text, struct error *error)
{
    return memory_copy_text(text, strlen(text), error);
}

static bool fill_target(struct watch *watch, const struct watch_options *options, struct error *error)
{
    struct watch_target *target = &watch->target;
    char *real = realpath(options->folder, NULL);

    if (real == NULL) {
        return error_set_errno(error, errno, "the folder %s cannot be watched", options->folder);
    }
    target->folder = real;
    target->bucket = copy(options->bucket, error);
    target->prefix = copy(options->prefix, error);
    target->owner = copy(options->owner, error);
    target->done_marker = options->done_marker;
    target->after = strcmp(options->after, "delete") == 0    ? AFTER_DELETE
                    : strcmp(options->after, "archive") == 0 ? AFTER_ARCHIVE
                                                             : AFTER_KEEP;
    target->stop = &watch->stop;
    return target->bucket != NULL && target->prefix != NULL && target->owner != NULL;
}

static bool check(struct watch *watch, struct error *error)
{
    struct stat status;
    const struct bucket *bucket = bucket_find(watch->target.store, watch->target.bucket, error);

    if (bucket == NULL) {
        return false;
    }
    bucket_release(watch->target.store, bucket);
    return (stat(watch->target.folder, &status) == 0 && S_ISDIR(status.st_mode)) ||
           error_set(error, ERROR_INVALID, "%s is not a folder, so it cannot be watched", watch->target.folder);
}

struct watch *watch_start(struct local_store *store, const struct watch_options *options, struct error *error)
{
    struct watch *watch = memory_zeroed(sizeof *watch, error);

    if (watch == NULL) {
        return NULL;
    }
    watch->target.store = store;
    watch->settle_us = (int64_t)options->settle_ms * 1000;
    watch->events_fd = -1;
    watch->stop_fd = -1;
    if (fill_target(watch, options, error) && check(watch, error)) {
        watch->events_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        watch->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (watch->events_fd < 0 || watch->stop_fd < 0) {
            error_set_errno(error, errno, "%s cannot be watched", options->folder);
        } else {
            watch->thread = thread_start("watch", run, watch, error);
        }
    }
    if (watch->thread == NULL) {
        watch_stop(watch);
        return NULL;
    }
    return watch;
}

void watch_stop(struct watch *watch)
{
    uint64_t word = 1;

    if (watch == NULL) {
        return;
    }
    atomic_store(&watch->stop, true);
    if (watch->thread != NULL) {
        while (write(watch->stop_fd, &word, sizeof word) < 0 && errno == EINTR) {
            continue;
        }
        thread_join(watch->thread);
    }
    if (watch->events_fd >= 0) {
        close(watch->events_fd);
    }
    if (watch->stop_fd >= 0) {
        close(watch->stop_fd);
    }
    for (size_t c = 0; c < CHAINS; c++) {
        for (struct candidate *one = watch->chains[c], *next = NULL; one != NULL; one = next) {
            next = one->next;
            memory_free(one);
        }
    }
    while (watch->places != NULL) {
        struct place *next = watch->places->next;

        memory_free(watch->places);
        watch->places = next;
    }
    memory_free(watch->target.folder);
    memory_free(watch->target.bucket);
    memory_free(watch->target.prefix);
    memory_free(watch->target.owner);
    memory_free(watch);
}

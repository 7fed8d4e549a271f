/* Runs a fuzz target over each file of the folders and files named on the command line, so that an ordinary
 * build, with any compiler, proves that no input of the corpus breaks it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replay {
    const char *folder;
    size_t count;
};

static bool replay_file(const char *path, struct error *error)
{
    struct buffer bytes __attribute__((cleanup(buffer_free))) = {0};

    if (!file_load(path, &bytes, error)) {
        return false;
    }
    /* An allocation of exactly the input's size lets the sanitizer see a read past its end. */
    uint8_t *exact = memory_array(bytes.length, 1, error);

    if (exact == NULL) {
        return false;
    }
    if (bytes.length > 0) {
        memcpy(exact, bytes.data, bytes.length);
    }
    LLVMFuzzerTestOneInput(exact, bytes.length);
    memory_free(exact);
    return true;
}

static bool replay_entry(void *context, const char *name, struct error *error)
{
    struct replay *replay = context;
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&path, "%s/%s", replay->folder, name);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    replay->count++;
    return replay_file(path.data, error);
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat status;
        struct error error;
        struct replay replay = {.folder = argv[i]};
        bool folder = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);

        if (folder ? !file_list(argv[i], replay_entry, &replay, &error) : !replay_file(argv[i], &error)) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        count += folder ? replay.count : 1;
    }
    printf("%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}

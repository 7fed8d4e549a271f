/* Any bytes as aisle.yaml: read into a whole configuration, or refused with a place. */
#include <stdlib.h>
#include <string.h>

#include "task/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct config *config = config_read((const char *)data, size, "fuzzed", &error);

    if (config == NULL) {
        if (error.code == ERROR_NONE || strncmp(error.message, "fuzzed", 6) != 0) abort();
        return 0;
    }
    if (strlen(config->account) != 12 || config->listen[0] == '\0') abort();
    for (unsigned i = 0; i < config->bucket_count; i++)
        if (strlen(config->buckets[i]) < 3) abort();
    for (unsigned i = 0; i < config->watch_count; i++)
        if (config->watches[i].folder[0] == '\0' || config->watches[i].bucket == NULL) abort();
    config_free(config);
    return 0;
}

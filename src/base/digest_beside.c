#include "base/digest_beside.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

enum { BLOCK_BYTES = 256 * 1024, BLOCKS = 4 };

struct digest_beside {
    struct digest *digest;
    struct thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t used[BLOCKS];
    unsigned ready; /* blocks that wait for the thread */
    unsigned in;    /* the block that is being filled */
    bool stop, good;
    struct error error;
    uint8_t blocks[BLOCKS][BLOCK_BYTES];
};

static void work(void *context)
{
    struct digest_beside *beside = context;
    unsigned out = 0;

    pthread_mutex_lock(&beside->lock);
    for (;;) {
        while (beside->ready == 0 && !beside->stop) {
            pthread_cond_wait(&beside->changed, &beside->lock);
        }
        if (beside->ready == 0) {
            break;
        }
        pthread_mutex_unlock(&beside->lock);
        bool good = digest_add(beside->digest, beside->blocks[out], beside->used[out], &beside->error);

        pthread_mutex_lock(&beside->lock);
        beside->good = beside->good && good;
        out = (out + 1) % BLOCKS;
        beside->ready--;
        pthread_cond_signal(&beside->changed);
    }
    pthread_mutex_unlock(&beside->lock);
}

struct digest_beside *digest_beside_new(struct digest *digest, struct error *error)
{
    struct digest_beside *beside = memory_array(1, sizeof *beside, error);

    if (beside == NULL) {
        return NULL;
    }
    memset(beside, 0, offsetof(struct digest_beside, blocks));
    beside->digest = digest;
    beside->good = true;
    pthread_mutex_init(&beside->lock, NULL);
    pthread_cond_init(&beside->changed, NULL);
    beside->thread = thread_start("aisle-digest", work, beside, error);
    if (beside->thread == NULL) {
        digest_beside_end(beside, NULL);
        return NULL;
    }
    return beside;
}

/* Hands the block over and waits for a free one. */
static void hand_over(struct digest_beside *beside)
{
    pthread_mutex_lock(&beside->lock);
    beside->ready++;
    pthread_cond_signal(&beside->changed);
    while (beside->ready == BLOCKS) {
        pthread_cond_wait(&beside->changed, &beside->lock);
    }
    pthread_mutex_unlock(&beside->lock);
    beside->in = (beside->in + 1) % BLOCKS;
    beside->used[beside->in] = 0;
}

void digest_beside_add(struct digest_beside *beside, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        size_t room = BLOCK_BYTES - beside->used[beside->in];
        size_t take = size < room ? size : room;

        memcpy(beside->blocks[beside->in] + beside->used[beside->in], bytes, take);
        beside->used[beside->in] += take;
        bytes += take;
        size -= take;
        if (beside->used[beside->in] == BLOCK_BYTES) {
            hand_over(beside);
        }
    }
}

bool digest_beside_end(struct digest_beside *beside, struct error *error)
{
    if (beside == NULL) {
        return true;
    }
    pthread_mutex_lock(&beside->lock);
    beside->ready += beside->used[beside->in] > 0;
    beside->stop = true;
    pthread_cond_signal(&beside->changed);
    pthread_mutex_unlock(&beside->lock);
    thread_join(beside->thread);
    bool good = beside->good;

    if (!good && error != NULL) {
        *error = beside->error;
    }
    pthread_cond_destroy(&beside->changed);
    pthread_mutex_destroy(&beside->lock);
    memory_free(beside);
    return good;
}

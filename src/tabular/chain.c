#include "tabular/chain.h"

#include "base/memory.h"

bool chain_init(struct chain *chain, size_t count, struct error *error)
{
    chain->links = memory_zeroed((count + 1) * sizeof *chain->links, error);
    if (chain->links == NULL) return false;
    chain->count = count;
    pthread_mutex_init(&chain->lock, NULL);
    pthread_cond_init(&chain->moved, NULL);
    return true;
}

void chain_free(struct chain *chain)
{
    if (chain->links == NULL) return;
    pthread_cond_destroy(&chain->moved);
    pthread_mutex_destroy(&chain->lock);
    memory_free(chain->links);
    chain->links = NULL;
}

void chain_begin(struct chain *chain, size_t index, uint64_t lines)
{
    chain->links[index] = (struct chain_link){
        .begins = true,
        .placed = true,
        .numbered = true,
        .offset_known = true,
        .place = {false, lines},
    };
}

bool chain_wait_place(struct chain *chain, size_t index, struct chain_place *place)
{
    struct chain_link *link = &chain->links[index];
    pthread_mutex_lock(&chain->lock);
    while (!link->placed && !link->stopped) pthread_cond_wait(&chain->moved, &chain->lock);
    bool wanted = !link->stopped;
    *place = link->place;
    pthread_mutex_unlock(&chain->lock);
    return wanted;
}

void chain_pass_place(struct chain *chain, size_t index, const struct chain_place *next)
{
    pthread_mutex_lock(&chain->lock);
    struct chain_link *link = &chain->links[index + 1];
    if (index + 1 < chain->count && !link->begins) {
        link->place = *next;
        link->placed = true;
        pthread_cond_broadcast(&chain->moved);
    }
    pthread_mutex_unlock(&chain->lock);
}

void chain_count(struct chain *chain, size_t index, uint64_t rows)
{
    pthread_mutex_lock(&chain->lock);
    chain->links[index].rows = rows;
    chain->links[index].counted = true;
    for (size_t i = index; i + 1 < chain->count; i++) {
        struct chain_link *link = &chain->links[i];
        if (!link->numbered || !link->counted || link[1].begins) break;
        link[1].rows_before = link->rows_before + link->rows;
        link[1].numbered = true;
    }
    pthread_cond_broadcast(&chain->moved);
    pthread_mutex_unlock(&chain->lock);
}

bool chain_wait_rows(struct chain *chain, size_t index, uint64_t *rows_before)
{
    struct chain_link *link = &chain->links[index];
    pthread_mutex_lock(&chain->lock);
    while (!link->numbered && !link->stopped) pthread_cond_wait(&chain->moved, &chain->lock);
    bool wanted = !link->stopped;
    *rows_before = link->rows_before;
    pthread_mutex_unlock(&chain->lock);
    return wanted;
}

void chain_render(struct chain *chain, size_t index, const struct chain_output *output)
{
    pthread_mutex_lock(&chain->lock);
    chain->links[index].output = *output;
    chain->links[index].rendered = true;
    for (size_t i = index; i + 1 < chain->count; i++) {
        struct chain_link *link = &chain->links[i];
        if (!link->offset_known || !link->rendered || link[1].begins) break;
        link[1].output_before.rejects = link->output_before.rejects + link->output.rejects;
        link[1].output_before.valid = link->output_before.valid + link->output.valid;
        link[1].offset_known = true;
    }
    pthread_cond_broadcast(&chain->moved);
    pthread_mutex_unlock(&chain->lock);
}

bool chain_wait_output(struct chain *chain, size_t index, struct chain_output *before)
{
    struct chain_link *link = &chain->links[index];
    pthread_mutex_lock(&chain->lock);
    while (!link->offset_known && !link->stopped) pthread_cond_wait(&chain->moved, &chain->lock);
    bool wanted = !link->stopped;
    *before = link->output_before;
    pthread_mutex_unlock(&chain->lock);
    return wanted;
}

void chain_total(struct chain *chain, size_t index, uint64_t *rows, struct chain_output *output)
{
    pthread_mutex_lock(&chain->lock);
    const struct chain_link *link = &chain->links[index];
    *rows = link->rows_before + link->rows;
    *output = (struct chain_output){link->output_before.rejects + link->output.rejects,
                                    link->output_before.valid + link->output.valid};
    pthread_mutex_unlock(&chain->lock);
}

void chain_stop(struct chain *chain, size_t from, size_t to)
{
    pthread_mutex_lock(&chain->lock);
    for (size_t i = from; i < to; i++) chain->links[i].stopped = true;
    pthread_cond_broadcast(&chain->moved);
    pthread_mutex_unlock(&chain->lock);
}

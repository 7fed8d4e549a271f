/* Answers, as libmicrohttpd sends them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "http/server_private.h"

enum { BLOCK_BYTES = 64 * 1024 };

/* A piece of a stream. Nothing for now: the connection sleeps until the watch wakes it. */
static ssize_t read_stream(void *context, uint64_t offset, char *data, size_t size)
{
    struct request *request = context;
    struct server *server = request->server;
    ssize_t got = request->answer.read(request->answer.owner, offset, data, size);

    if (got > 0) return got;
    if (got == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    if (got != -2) return MHD_CONTENT_READER_END_WITH_ERROR;
    pthread_mutex_lock(&server->lock);
    bool sleeps = !atomic_load(&server->stopping);

    if (sleeps) {
        MHD_suspend_connection(request->link);
        request->next = server->sleeping;
        server->sleeping = request;
    }
    pthread_mutex_unlock(&server->lock);
    return sleeps ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

/* The body of an answer to HEAD, of which only the length is sent. */
static ssize_t read_nothing(void *context, uint64_t offset, char *data, size_t size)
{
    (void)context, (void)offset, (void)data, (void)size;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *respond_bytes(const void *bytes, size_t size)
{
    /* It is only read, in spite of its type. */
    return MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *respond_file(const struct answer *answer)
{
    int fd = fcntl(answer->fd, F_DUPFD_CLOEXEC, 3);

    if (fd < 0) return NULL;
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(answer->size, fd, answer->offset);

    if (response == NULL) close(fd);
    return response;
}

static struct MHD_Response *respond_length(uint64_t size)
{
    return MHD_create_response_from_callback(size, 1, read_nothing, NULL, NULL);
}

static struct MHD_Response *respond(struct request *request)
{
    struct answer *answer = &request->answer;
    size_t block = answer->size < BLOCK_BYTES ? (size_t)answer->size + 1 : BLOCK_BYTES;
    bool head = str_is(request->exchange.request.method, "HEAD");

    if (head && answer->size_given) return respond_length(answer->size);
    switch (answer->kind) {
    case ANSWER_GATHERED:
        return answer->gathered.failed ? NULL : respond_bytes(answer->gathered.data, answer->gathered.length);
    case ANSWER_BYTES:
        return respond_bytes(answer->bytes, (size_t)answer->size);
    case ANSWER_FILE:
        return head ? respond_length(answer->size) : respond_file(answer);
    case ANSWER_STREAM:
        break;
    }
    return MHD_create_response_from_callback(answer->size == UINT64_MAX ? MHD_SIZE_UNKNOWN : answer->size, block,
                                             read_stream, request, NULL);
}

bool answer_make(struct request *request, struct error *error)
{
    struct answer *answer = &request->answer;
    struct MHD_Response *response = respond(request);

    if (response == NULL)
        return error_set(error, ERROR_MEMORY, "there was no memory (or descriptor) for the answer; try again later");
    char date[32];

    lane_date(request->lane, date);
    bool good = MHD_add_response_header(response, "Date", date) == MHD_YES;

    if (!good) error_set(error, ERROR_MEMORY, "there was no memory for the answer; try again later");
    for (struct answer_field *field = answer->first; field != NULL && good; field = field->next) {
        /* libmicrohttpd takes no empty value; a space means the same (RFC 9110, 5.5). */
        const char *value = field->value[0] == '\0' ? " " : field->value;

        good = MHD_add_response_header(response, field->name, value) == MHD_YES;
        if (!good) error_set(error, ERROR_INTERNAL, "the header %s could not be put in the answer", field->name);
    }
    if (!good) {
        MHD_destroy_response(response);
        return false;
    }
    request->response = response;
    return true;
}

#include "aws/client.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/transfer.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

#define DEFAULT_ATTEMPTS 5
#define DEFAULT_CONNECT_TIMEOUT_MS 5000
#define DEFAULT_IDLE_TIMEOUT_MS 30000

/* Waits are drawn from 0 to the first, the double of it, … at most the last. */
#define FIRST_WAIT_MS 100
#define LAST_WAIT_MS 20000

/* Handles that are kept for later use, with their connections. */
#define MOST_KEPT_HANDLES 64

struct aws_client {
    struct aws_client_options options; /* texts in the arena */
    struct arena *arena;
    const char *scheme;              /* "http://" */
    const char *host;                /* as in the Host header */
    bool started;                    /* libcurl counts who uses it */
    _Atomic int64_t clock_offset_us; /* what the server's clock is ahead, once it has refused ours */
    pthread_mutex_t lock;            /* over what follows */
    struct random random;
    CURL *idle[MOST_KEPT_HANDLES];
    unsigned idle_count;
};

static bool copy_text(struct arena *arena, const char **text, struct error *error)
{
    if (!*text) return true;
    *text = arena_text(arena, *text, strlen(*text), error);
    return *text != NULL;
}

/* Takes "https://HOST[:PORT][/]" apart. */
static bool read_endpoint(struct aws_client *client, struct error *error)
{
    const char *endpoint = client->options.endpoint;
    bool tls = strncasecmp(endpoint, "https://", 8) == 0, plain = strncasecmp(endpoint, "http://", 7) == 0;
    const char *host = endpoint + (tls ? 8 : 7);
    size_t length = tls || plain ? strcspn(host, "/?#") : 0;
    bool good =
        length > 0 && strcspn(host, " @\\") >= length && (host[length] == '\0' || strcmp(host + length, "/") == 0);
    for (size_t i = 0; good && i < length; i++) good = (unsigned char)host[i] > ' ' && (unsigned char)host[i] < 127;
    if (!good) {
        return error_set(error, ERROR_USAGE,
                         "'%s' is no endpoint: give one such as https://s3.eu-central-1.amazonaws.com or "
                         "http://127.0.0.1:9000",
                         endpoint);
    }
    const char *standard = tls ? ":443" : ":80";
    size_t ending = strlen(standard);
    client->scheme = tls ? "https://" : "http://";
    client->options.endpoint = arena_format(client->arena, error, "%s%.*s", client->scheme, (int)length, host);
    if (length > ending && strncmp(host + length - ending, standard, ending) == 0) length -= ending;
    char *lower = arena_text(client->arena, host, length, error);
    for (size_t i = 0; lower && i < length; i++) lower[i] = (char)tolower((unsigned char)lower[i]);
    client->host = lower;
    return client->options.endpoint && lower;
}

static bool take_options(struct aws_client *client, const struct aws_client_options *options, struct error *error)
{
    struct aws_client_options *own = &client->options;
    *own = *options;
    if (own->attempts == 0) own->attempts = DEFAULT_ATTEMPTS;
    if (own->connect_timeout_ms == 0) own->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
    if (own->idle_timeout_ms == 0) own->idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
    const char **texts[] = {&own->endpoint,          &own->region,        &own->service, &own->access_key_id,
                            &own->secret_access_key, &own->session_token, &own->ca_file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!copy_text(client->arena, texts[i], error)) return false;
    }
    return read_endpoint(client, error);
}

struct aws_client *aws_client_new(const struct aws_client_options *options, struct error *error)
{
    uint64_t seed = 0;
    struct aws_client *client = memory_zeroed(sizeof *client, error);
    if (!client) return NULL;
    pthread_mutex_init(&client->lock, NULL);
    client->arena = arena_new(0, error);
    bool good = client->arena && take_options(client, options, error) && random_bytes(&seed, sizeof seed, error);
    if (good) {
        random_seed(&client->random, seed);
        client->started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        if (client->started) return client;
        error_set(error, ERROR_MEMORY, "libcurl could not be started");
    }
    aws_client_free(client);
    return NULL;
}

void aws_client_free(struct aws_client *client)
{
    if (!client) return;
    for (unsigned i = 0; i < client->idle_count; i++) curl_easy_cleanup(client->idle[i]);
    if (client->started) curl_global_cleanup();
    if (client->arena) arena_free(client->arena);
    pthread_mutex_destroy(&client->lock);
    memory_free(client);
}

bool aws_client_is_tls(const struct aws_client *client)
{
    return strcmp(client->scheme, "https://") == 0;
}

const char *aws_client_endpoint(const struct aws_client *client)
{
    return client->options.endpoint;
}

const char *aws_client_region(const struct aws_client *client)
{
    return client->options.region;
}

/* A handle that was used last, so that few connections are kept alive. */
static CURL *take_handle(struct aws_client *client, struct error *error)
{
    pthread_mutex_lock(&client->lock);
    CURL *handle = client->idle_count > 0 ? client->idle[--client->idle_count] : NULL;
    pthread_mutex_unlock(&client->lock);
    if (!handle) handle = curl_easy_init();
    if (!handle) error_set(error, ERROR_MEMORY, "no memory for a request to %s", client->options.endpoint);
    return handle;
}

static void give_handle(struct aws_client *client, CURL *handle)
{
    pthread_mutex_lock(&client->lock);
    bool kept = client->idle_count < MOST_KEPT_HANDLES;
    if (kept) client->idle[client->idle_count++] = handle;
    pthread_mutex_unlock(&client->lock);
    if (!kept) curl_easy_cleanup(handle);
}

/* What one request is made of besides what the caller gave. */
struct sending {
    struct aws_client *client;
    const struct aws_request *request;
    struct arena *arena;
    const char *host, *url, *payload_hash;
};

static bool hash_file(const struct aws_request *request, struct digest *digest, struct error *error)
{
    size_t step = (size_t)256 << 10;
    char *block = memory_array(1, step, error);
    bool good = block != NULL;
    for (uint64_t at = 0; good && at < request->body_bytes;) {
        size_t wanted = request->body_bytes - at < step ? (size_t)(request->body_bytes - at) : step;
        ssize_t got =
            file_read_at(request->body_fd, block, wanted, request->body_offset + at, "the body of a request", error);
        if (got >= 0 && (size_t)got < wanted) {
            error_set(error, ERROR_CONFLICT, "the file became shorter while it was sent: send it again");
        }
        good = got == (ssize_t)wanted && digest_add(digest, block, wanted, error);
        at += wanted;
    }
    memory_free(block);
    return good;
}

static const char *payload_hash(const struct aws_request *request, struct arena *arena, struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];
    char hex[65];
    if (request->payload_hash) return request->payload_hash;
    bool good = false;
    if (request->body || request->body_bytes == 0) {
        good = digest_once(DIGEST_SHA256, request->body ? request->body : "", request->body_bytes, value, error);
    } else {
        struct digest *digest = digest_new(1u << DIGEST_SHA256, error);
        good = digest && hash_file(request, digest, error) && digest_value(digest, DIGEST_SHA256, value, error);
        digest_free(digest);
    }
    if (!good) return NULL;
    digest_hex(value, 32, hex);
    return arena_text(arena, hex, 64, error);
}

static bool prepare(struct sending *sending, struct error *error)
{
    const struct aws_client *client = sending->client;
    const struct aws_request *request = sending->request;
    const char *prefix = request->host_prefix ? request->host_prefix : "";
    const char *dot = request->host_prefix ? "." : "", *mark = *request->query ? "?" : "";
    sending->host = arena_format(sending->arena, error, "%s%s%s", prefix, dot, client->host);
    sending->url = arena_format(sending->arena, error, "%s%s%s%s%s%s%s", client->scheme, prefix, dot,
                                client->options.endpoint + strlen(client->scheme), request->path, mark, request->query);
    sending->payload_hash = payload_hash(request, sending->arena, error);
    return sending->host && sending->url && sending->payload_hash;
}

static int64_t server_now_us(struct aws_client *client)
{
    return clock_now_us() + atomic_load(&client->clock_offset_us);
}

static void scope_of(const struct aws_client *client, int64_t now_us, struct sign_scope *scope)
{
    char compact[16];
    clock_format_compact(now_us, compact);
    *scope = (struct sign_scope){0};
    memcpy(scope->date, compact, 8);
    strncpy(scope->region, client->options.region, sizeof scope->region - 1);
    strncpy(scope->service, client->options.service, sizeof scope->service - 1);
}

static struct sign_credentials credentials_of(const struct aws_client *client)
{
    return (struct sign_credentials){.access_key_id = client->options.access_key_id,
                                     .secret_access_key = client->options.secret_access_key,
                                     .session_token = client->options.session_token};
}

static bool append_header(struct curl_slist **list, struct sign_field field, struct arena *arena, struct error *error)
{
    for (size_t i = 0; i < field.value.length; i++) {
        if (strchr("\r\n", field.value.data[i]) != NULL) { /* a NUL is found at the end of the list */
            return error_set(error, ERROR_INVALID, "the value of the header %.*s would hold a line break or a NUL",
                             STR_ARGS(field.name));
        }
    }
    /* libcurl leaves a header out whose value is empty, unless a semicolon stands for the colon. */
    const char *line = field.value.length > 0
                           ? arena_format(arena, error, "%.*s: %.*s", STR_ARGS(field.name), STR_ARGS(field.value))
                           : arena_format(arena, error, "%.*s;", STR_ARGS(field.name));
    struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
    if (longer) *list = longer;
    return longer || (line && error_set(error, ERROR_MEMORY, "no memory for the headers of a request"));
}

/* The headers of one attempt, signed at this moment. */
static bool make_headers(const struct sending *sending, struct arena *arena, struct curl_slist **list,
                         struct error *error)
{
    struct aws_client *client = sending->client;
    const struct aws_request *request = sending->request;
    size_t count = request->header_count + 1, added_count = 0;
    struct sign_field *headers = arena_take(arena, count * sizeof *headers, error), *added = NULL;
    if (!headers) return false;
    headers[0] = (struct sign_field){str_of("host"), str_of(sending->host)};
    for (size_t i = 1; i < count; i++) headers[i] = request->headers[i - 1];
    if (client->options.access_key_id) {
        struct sign_request signing = {.method = str_of(request->method),
                                       .path = str_of(request->path),
                                       .query = str_of(request->query),
                                       .headers = headers,
                                       .header_count = count};
        struct sign_credentials credentials = credentials_of(client);
        struct sign_scope scope;
        int64_t now_us = server_now_us(client);
        scope_of(client, now_us, &scope);
        if (!sign_headers(&signing, &credentials, &scope, now_us, sending->payload_hash, arena, &added, &added_count,
                          error)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!append_header(list, headers[i], arena, error)) return false;
    }
    for (size_t i = 0; i < added_count; i++) {
        if (!append_header(list, added[i], arena, error)) return false;
    }
    return true;
}

static enum transfer_end attempt(const struct sending *sending, struct aws_response *response, bool *taken,
                                 struct error *error)
{
    struct curl_slist *list = NULL;
    CURL *handle = take_handle(sending->client, error);
    enum transfer_end end = TRANSFER_FAILED;
    if (handle && make_headers(sending, response->arena, &list, error)) {
        struct transfer transfer = {.handle = handle,
                                    .url = sending->url,
                                    .request = sending->request,
                                    .headers = list,
                                    .options = &sending->client->options};
        end = transfer_run(&transfer, response, taken, error);
    }
    curl_slist_free_all(list);
    /* After a failure a handle may be unfit (libcurl 7.88 is after a name that did not resolve). */
    if (handle && end == TRANSFER_ANSWERED) {
        give_handle(sending->client, handle);
    } else if (handle) {
        curl_easy_cleanup(handle);
    }
    return end;
}

/* The text between <Code> and </Code> of a failure's body. */
static struct str failure_code(const struct aws_response *response)
{
    static const char opening[] = "<Code>";
    const char *code = response->body.length > 0
                           ? memmem(response->body.data, response->body.length, opening, sizeof opening - 1)
                           : NULL;
    if (!code) return str_of("");
    code += sizeof opening - 1;
    const char *end = memchr(code, '<', (size_t)(response->body.data + response->body.length - code));
    return end ? str_slice(code, (size_t)(end - code)) : str_of("");
}

static bool is_throttling(const struct aws_response *response)
{
    static const char *const names[] = {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException",
                                        "TooManyRequestsException"};
    struct str code = failure_code(response);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_is(code, names[i])) return true;
    }
    return response->status == 429 || response->status == 503;
}

/* Takes the server's clock when it refuses ours; true when that changes anything. */
static bool correct_clock(struct aws_client *client, const struct aws_response *response)
{
    const char *date = aws_response_header(response, "date");
    if (response->status != 403 || !date || !str_is(failure_code(response), "RequestTimeTooSkewed")) return false;
    time_t server = curl_getdate(date, NULL);
    if (server < 0) return false;
    int64_t offset_us = (int64_t)server * 1000000 - clock_now_us();
    int64_t before_us = atomic_exchange(&client->clock_offset_us, offset_us);
    return llabs(offset_us - before_us) > INT64_C(60) * 1000000;
}

/* Whether another attempt may fare better and does no harm. */
static bool worth_another(struct sending *sending, enum transfer_end end, const struct aws_response *response)
{
    bool once = sending->request->once;
    int status = response->status;
    if (end == TRANSFER_UNREACHABLE) return true;
    if (end == TRANSFER_BROKEN) return !once;
    if (end == TRANSFER_FAILED || status < 400) return false;
    if (is_throttling(response) || correct_clock(sending->client, response)) return true;
    return !once &&
           (status == 500 || status == 502 || status == 504 || str_is(failure_code(response), "RequestTimeout"));
}

/* Full jitter, but never sooner than the server asks for. */
static void wait_before(struct aws_client *client, unsigned attempts, const struct aws_response *response)
{
    uint64_t most_ms = attempts < 10 ? (uint64_t)FIRST_WAIT_MS << (attempts - 1) : LAST_WAIT_MS;
    if (most_ms > LAST_WAIT_MS) most_ms = LAST_WAIT_MS;
    pthread_mutex_lock(&client->lock);
    uint64_t wait_ms = random_below(&client->random, most_ms + 1);
    pthread_mutex_unlock(&client->lock);
    const char *after = aws_response_header(response, "retry-after");
    unsigned long asked_s = after && isdigit((unsigned char)*after) ? strtoul(after, NULL, 10) : 0;
    if (asked_s > LAST_WAIT_MS / 1000) asked_s = LAST_WAIT_MS / 1000;
    if (wait_ms < asked_s * 1000) wait_ms = asked_s * 1000;
    struct timespec left = {.tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* A success that says it failed after all. */
static void look_for_failure(const struct aws_request *request, struct aws_response *response)
{
    size_t looked_at = response->body.length < 1024 ? response->body.length : 1024;
    if (request->error_body && response->status == 200 && looked_at > 0 &&
        memmem(response->body.data, looked_at, "<Error>", 7)) {
        response->status = 500;
    }
}

static void forget_answer(struct aws_response *response)
{
    struct arena *arena = response->arena;
    buffer_free(&response->body);
    arena_reset(arena);
    *response = (struct aws_response){.arena = arena, .attempts = response->attempts};
}

static bool send_until_answered(struct sending *sending, struct aws_response *response, struct error *error)
{
    struct aws_client *client = sending->client;
    const struct aws_request *request = sending->request;
    bool taken = false;
    for (;;) {
        response->attempts++;
        enum transfer_end end = attempt(sending, response, &taken, error);
        if (end == TRANSFER_ANSWERED) look_for_failure(request, response);
        bool last = response->attempts >= client->options.attempts || !worth_another(sending, end, response);
        if (last || (taken && !request->restart)) {
            if (end != TRANSFER_ANSWERED && end != TRANSFER_FAILED && response->attempts > 1) {
                error_prefix(error, "after %u attempts", response->attempts);
            }
            return end == TRANSFER_ANSWERED;
        }
        wait_before(client, response->attempts, response);
        if (taken && !request->restart(request->context, error)) return false;
        taken = false;
        forget_answer(response);
    }
}

bool aws_client_send(struct aws_client *client, const struct aws_request *request, struct aws_response *response,
                     struct error *error)
{
    struct error own = {0};
    *response = (struct aws_response){.arena = arena_new(0, error)};
    if (!response->arena) return false;
    struct arena *arena = arena_new(0, error);
    if (!arena) return false;
    struct sending sending = {.client = client, .request = request, .arena = arena};
    bool good = prepare(&sending, &own) && send_until_answered(&sending, response, &own);
    if (!good && error) *error = own;
    arena_free(arena);
    return good;
}

void aws_response_free(struct aws_response *response)
{
    buffer_free(&response->body);
    if (response->arena) arena_free(response->arena);
    *response = (struct aws_response){0};
}

const char *aws_response_header(const struct aws_response *response, const char *lower_case_name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_is(response->headers[i].name, lower_case_name)) return response->headers[i].value.data;
    }
    return NULL;
}

const char *aws_client_presign(struct aws_client *client, const char *method, const char *host_prefix, const char *path,
                               const char *query, int64_t expires_seconds, struct arena *arena, struct error *error)
{
    if (!client->options.access_key_id) {
        error_set(error, ERROR_USAGE,
                  "a URL can be signed only with an access key: set AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY");
        return NULL;
    }
    const char *prefix = host_prefix ? host_prefix : "", *dot = host_prefix ? "." : "";
    const char *host = arena_format(arena, error, "%s%s%s", prefix, dot, client->host);
    if (!host) return NULL;
    struct sign_field headers[] = {{str_of("host"), str_of(host)}};
    struct sign_request signing = {
        .method = str_of(method), .path = str_of(path), .query = str_of(query), .headers = headers, .header_count = 1};
    struct sign_credentials credentials = credentials_of(client);
    struct sign_scope scope;
    int64_t now_us = server_now_us(client);
    scope_of(client, now_us, &scope);
    const char *given = sign_query(&signing, &credentials, &scope, now_us, expires_seconds, arena, error);
    return given ? arena_format(arena, error, "%s%s%s%s%s?%s", client->scheme, prefix, dot,
                                client->options.endpoint + strlen(client->scheme), path, given)
                 : NULL;
}

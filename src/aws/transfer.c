#include "aws/transfer.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define BODY_CEILING ((size_t)16 << 20)
#define MOST_HEADERS 256
#define SOCKET_BUFFER_BYTES (256L << 10)

/* An exchange under way. */
struct exchange {
    const struct transfer *transfer;
    struct aws_response *response;
    struct error *error;
    uint64_t sent; /* bytes of the request's body that curl has read */
    bool failed;   /* a callback failed, for a reason of our own, and the error says why */
    bool idle;     /* nothing moved for too long */
    bool *taken;
    curl_off_t moved;
    int64_t moved_us;
};

/* The next bytes of the request's body. */
static size_t give_body(char *into, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const struct aws_request *request = exchange->transfer->request;
    uint64_t left = request->body_bytes - exchange->sent;
    size_t wanted = size * count < left ? size * count : (size_t)left;
    if (wanted == 0) return 0;
    if (request->body) {
        memcpy(into, (const char *)request->body + exchange->sent, wanted);
    } else {
        uint64_t at = request->body_offset + exchange->sent;
        ssize_t got = file_read_at(request->body_fd, into, wanted, at, "the body of a request", exchange->error);
        if (got >= 0 && (size_t)got < wanted) {
            error_set(exchange->error, ERROR_CONFLICT, "the file became shorter while it was sent: send it again");
        }
        if (got < 0 || (size_t)got < wanted) {
            exchange->failed = true;
            return CURL_READFUNC_ABORT;
        }
    }
    exchange->sent += wanted;
    return wanted;
}

/* curl sends from the beginning again when a kept connection turns out to be closed. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct exchange *exchange = context;
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    exchange->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool keep_header(struct exchange *exchange, struct str name, struct str value)
{
    struct aws_response *response = exchange->response;
    if (!response->headers) {
        response->headers = arena_take(response->arena, MOST_HEADERS * sizeof *response->headers, exchange->error);
        if (!response->headers) return false;
    }
    if (response->header_count == MOST_HEADERS) {
        return error_set(exchange->error, ERROR_LIMIT, "%s answers with more than %d headers",
                         exchange->transfer->options->endpoint, MOST_HEADERS);
    }
    char *lower = arena_text(response->arena, name.data, name.length, exchange->error);
    const char *text = lower ? arena_text(response->arena, value.data, value.length, exchange->error) : NULL;
    if (!text) return false;
    for (size_t i = 0; i < name.length; i++) lower[i] = (char)tolower((unsigned char)lower[i]);
    response->headers[response->header_count++] =
        (struct sign_field){str_slice(lower, name.length), str_slice(text, value.length)};
    return true;
}

/* A line of the answer's head. A status line begins a new one: an interim answer may have come before. */
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct str line = str_slice(data, size * count);
    if (str_starts_with(line, "HTTP/")) {
        exchange->response->header_count = 0;
        return line.length;
    }
    struct str rest = line;
    while (rest.length > 0 && (rest.data[rest.length - 1] == '\r' || rest.data[rest.length - 1] == '\n')) rest.length--;
    const char *colon = memchr(rest.data, ':', rest.length);
    if (!colon) return line.length;
    size_t name_length = (size_t)(colon - rest.data);
    struct str value = str_trim(str_slice(colon + 1, rest.length - name_length - 1));
    if (keep_header(exchange, str_slice(rest.data, name_length), value)) return line.length;
    exchange->failed = true;
    return 0;
}

/* A piece of the answer's body: of a success to who wants it, else kept. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const struct aws_request *request = exchange->transfer->request;
    size_t bytes = size * count;
    long status = 0;
    curl_easy_getinfo(exchange->transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    bool good = true;
    if (request->take && status >= 200 && status < 300) {
        *exchange->taken = true;
        good = request->take(request->context, data, bytes, exchange->error);
    } else {
        buffer_append(&exchange->response->body, data, bytes);
        good = buffer_check(&exchange->response->body, exchange->error);
    }
    exchange->failed |= !good;
    return good ? bytes : 0;
}

/* Called about once a second, and more often while bytes move. */
static int watch(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)up_total;
    struct exchange *exchange = context;
    int64_t now_us = clock_monotonic_us();
    if (down + up != exchange->moved) {
        exchange->moved = down + up;
        exchange->moved_us = now_us;
    }
    exchange->idle = now_us - exchange->moved_us > (int64_t)exchange->transfer->options->idle_timeout_ms * 1000;
    return exchange->idle;
}

/* The first failure of several settings. */
static CURLcode first_of(CURLcode a, CURLcode b)
{
    return a != CURLE_OK ? a : b;
}

static CURLcode set_method(CURL *handle, const struct aws_request *request)
{
    bool upload =
        strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0 || request->body_bytes > 0;
    CURLcode code = CURLE_OK;
    /* On a connection that was kept curl itself sends again what got no answer. */
    if (request->once) code = curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    if (strcmp(request->method, "HEAD") == 0) return curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    if (upload) {
        code = first_of(code, curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L));
        code = first_of(code, curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_bytes));
    } else {
        code = first_of(code, curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L));
    }
    return first_of(code, curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method));
}

static CURLcode set_limits(CURL *handle, const struct aws_client_options *options)
{
    CURLcode code = curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https"));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_USERAGENT, "aisle/" AISLE_VERSION));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, SOCKET_BUFFER_BYTES));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, SOCKET_BUFFER_BYTES));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms));
    if (options->ca_file) code = first_of(code, curl_easy_setopt(handle, CURLOPT_CAINFO, options->ca_file));
    if (options->insecure_tls) {
        code = first_of(code, curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L));
        code = first_of(code, curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L));
    }
    return code;
}

static CURLcode set_up(struct exchange *exchange, char *why)
{
    const struct transfer *transfer = exchange->transfer;
    CURL *handle = transfer->handle;
    curl_easy_reset(handle);
    CURLcode code = set_limits(handle, transfer->options);
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_URL, transfer->url));
    code = first_of(code, set_method(handle, transfer->request));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->headers));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_READDATA, exchange));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_body));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_SEEKDATA, exchange));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_HEADERDATA, exchange));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch));
    code = first_of(code, curl_easy_setopt(handle, CURLOPT_XFERINFODATA, exchange));
    return first_of(code, curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L));
}

static long request_bytes(const struct exchange *exchange)
{
    long bytes = 0;
    curl_easy_getinfo(exchange->transfer->handle, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes;
}

/* What curl's failure means for another attempt, and a sentence for it. */
static enum transfer_end judge(const struct exchange *exchange, CURLcode code, const char *why)
{
    const struct aws_client_options *options = exchange->transfer->options;
    struct error *error = exchange->error;
    const char *text = *why ? why : curl_easy_strerror(code);
    if (exchange->failed) return TRANSFER_FAILED;
    if (exchange->idle) {
        error_set(error, ERROR_IO, "%s: nothing came or went for %u ms", options->endpoint, options->idle_timeout_ms);
        return TRANSFER_BROKEN;
    }
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        error_set(error, ERROR_MEMORY, "no memory for a request to %s", options->endpoint);
        return TRANSFER_FAILED;
    case CURLE_URL_MALFORMAT:
        error_set(error, ERROR_USAGE, "%s is no address to send requests to: %s", exchange->transfer->url, text);
        return TRANSFER_FAILED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        error_set(error, ERROR_DENIED, "%s is not trusted: %s; AWS_CA_BUNDLE names a file of certificates to trust",
                  options->endpoint, text);
        return TRANSFER_FAILED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        error_set(error, ERROR_IO, "%s cannot be reached: %s", options->endpoint, text);
        return TRANSFER_UNREACHABLE;
    default:
        error_set(error, ERROR_IO, "%s: the exchange broke off: %s", options->endpoint, text);
        return request_bytes(exchange) > 0 ? TRANSFER_BROKEN : TRANSFER_UNREACHABLE;
    }
}

enum transfer_end transfer_run(const struct transfer *transfer, struct aws_response *response, bool *taken,
                               struct error *error)
{
    char why[CURL_ERROR_SIZE] = "";
    struct exchange exchange = {
        .transfer = transfer, .response = response, .error = error, .taken = taken, .moved_us = clock_monotonic_us()};
    buffer_init(&response->body, BODY_CEILING);
    CURLcode code = set_up(&exchange, why);
    if (code == CURLE_OK) code = curl_easy_perform(transfer->handle);
    long status = 0;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(transfer->handle, CURLOPT_ERRORBUFFER, NULL);
    response->status = (int)status;
    return code == CURLE_OK ? TRANSFER_ANSWERED : judge(&exchange, code, why);
}

/* aisle serve: the server, from its words and configuration to its orderly end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/serving.h"

enum {
    SERVE_DATA,
    SERVE_LISTEN,
    SERVE_CONFIG,
    SERVE_READY_FILE,
    SERVE_TLS_CERTIFICATE,
    SERVE_TLS_KEY,
    SERVE_ALLOW_REMOTE,
    SERVE_DOMAIN,
    SERVE_LOG_REQUESTS,
};
static const struct option options[] = {
    [SERVE_DATA] = {.name = "data",
                    .kind = VALUE_FOLDER,
                    .argument = "DIR",
                    .environment = "AISLE_DATA",
                    .help = "the data folder; ./aisle-data unless given"},
    [SERVE_LISTEN] = {.name = "listen",
                      .kind = VALUE_TEXT,
                      .argument = "ADDR:PORT",
                      .environment = "AISLE_LISTEN",
                      .help = "where to listen; 127.0.0.1:9000 unless given, port 0 takes a free one"},
    [SERVE_CONFIG] = {.name = "config",
                      .kind = VALUE_FILE,
                      .argument = "FILE",
                      .environment = "AISLE_CONFIG",
                      .help = "the configuration, YAML; what is given here as options comes before it"},
    [SERVE_READY_FILE] = {.name = "ready-file",
                          .kind = VALUE_FILE,
                          .argument = "FILE",
                          .help = "write the server's URL to this file once it answers"},
    [SERVE_TLS_CERTIFICATE] = {.name = "tls-certificate",
                               .kind = VALUE_FILE,
                               .argument = "FILE",
                               .help = "serve HTTPS with this certificate chain, PEM"},
    [SERVE_TLS_KEY] = {.name = "tls-key",
                       .kind = VALUE_FILE,
                       .argument = "FILE",
                       .help = "the certificate's private key, PEM"},
    [SERVE_ALLOW_REMOTE] = {.name = "allow-remote",
                            .kind = VALUE_FLAG,
                            .help =
                                "listen beyond this machine without TLS: keys are safe, data can be read on the way"},
    [SERVE_DOMAIN] = {.name = "domain",
                      .kind = VALUE_TEXT,
                      .argument = "NAME",
                      .help = "take BUCKET.NAME as the host of a bucket; localhost unless given"},
    [SERVE_LOG_REQUESTS] = {.name = "log-requests",
                            .kind = VALUE_FLAG,
                            .help = "write a JSON line for each request to standard error"},
};

/* What is given on the command line comes before the file. */
static void merge(const struct options *given, struct config *config)
{
    const struct value *values = given->values;

    if (values[SERVE_DATA].text != NULL) config->data = values[SERVE_DATA].text;
    if (values[SERVE_LISTEN].text != NULL) config->listen = values[SERVE_LISTEN].text;
    if (values[SERVE_DOMAIN].text != NULL) config->domain = values[SERVE_DOMAIN].text;
    if (values[SERVE_TLS_CERTIFICATE].text != NULL) config->tls_certificate = values[SERVE_TLS_CERTIFICATE].text;
    if (values[SERVE_TLS_KEY].text != NULL) config->tls_key = values[SERVE_TLS_KEY].text;
    config->allow_remote = config->allow_remote || values[SERVE_ALLOW_REMOTE].given;
    config->log_requests = config->log_requests || values[SERVE_LOG_REQUESTS].given;
    const char *id = getenv("AISLE_ACCESS_KEY_ID"), *secret = getenv("AISLE_SECRET_ACCESS_KEY");

    if (id != NULL && id[0] != '\0') config->access_key_id = id;
    if (secret != NULL && secret[0] != '\0') config->secret_access_key = secret;
}

static bool check(const struct config *config, struct error *error)
{
    if ((config->tls_certificate == NULL) != (config->tls_key == NULL))
        return error_set(error, ERROR_USAGE, "--tls-certificate and --tls-key go together");
    if ((config->access_key_id == NULL) != (config->secret_access_key == NULL))
        return error_set(error, ERROR_USAGE, "AISLE_ACCESS_KEY_ID and AISLE_SECRET_ACCESS_KEY go together");
    bool loopback = false;

    if (!server_address(config->listen, &loopback, error)) return false;
    if (loopback || config->tls_certificate != NULL || config->allow_remote) return true;
    return error_set(error, ERROR_USAGE,
                     "%s can be reached from other machines, where data would go over the wire in the clear; give "
                     "--tls-certificate and --tls-key, or --allow-remote if the network is to be trusted",
                     config->listen);
}

static void set_log_level(const char *name)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (strcmp(levels[level], name) == 0) log_set_level((enum log_level)level);
}

/* From here on the signals that end the server wait for wait_for_end. Threads inherit this. */
static void hold_signals(sigset_t *ending)
{
    sigemptyset(ending);
    sigaddset(ending, SIGTERM);
    sigaddset(ending, SIGINT);
    sigaddset(ending, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ending, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A second signal ends the process at once. */
static void wait_for_end(const sigset_t *ending)
{
    int which = 0;

    while (sigwait(ending, &which) != 0) continue;
    log_event(LOG_INFO, "ending", "signal", "s", strsignal(which), NULL);
    pthread_sigmask(SIG_UNBLOCK, ending, NULL);
}

static bool announce(const struct serving *serving, const char *ready_file, struct error *error)
{
    const char *url = server_url(serving->server);
    struct buffer line __attribute__((cleanup(buffer_free))) = {0};

    if (serving->key_made)
        printf("access key %s, secret key %s (made now and shown this once; 'aisle key' manages keys)\n",
               serving->admin.id, serving->admin.secret);
    printf("listening on %s, data in %s\n", url, serving->config->data);
    fflush(stdout);
    if (ready_file == NULL) return true;
    buffer_append_format(&line, "%s\n", url);
    return buffer_check(&line, error) && file_store(ready_file, line.data, line.length, error);
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct serving serving = {0};
    sigset_t ending;
    struct config *config = config_load(given->values[SERVE_CONFIG].text, &error);

    if (config == NULL) return cli_fail(&error);
    merge(given, config);
    umask(077); /* what is kept here is for those whom the server lets in */
    hold_signals(&ending);
    cli_raise_descriptors();
    set_log_level(config->log_level);
    bool good = check(config, &error) && serving_start(&serving, config, &error) &&
                announce(&serving, given->values[SERVE_READY_FILE].text, &error);

    if (good) wait_for_end(&ending);
    serving_stop(&serving);
    config_free(config);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_serve = {
    .name = "serve",
    .summary = "Serve the data folder: S3 and more, over HTTP",
    .description =
        "Keeps objects in buckets, durable before a client hears of it, and speaks the S3 protocol. On the first start "
        "with a data folder it makes an access key and prints it once; AISLE_ACCESS_KEY_ID and "
        "AISLE_SECRET_ACCESS_KEY, or the configuration, set one instead. /healthz, /readyz and /metrics tell how it "
        "is.\n\n"
        "It listens on this machine alone unless told otherwise; addresses that others reach need TLS or "
        "--allow-remote. SIGTERM and SIGINT end it in order: requests under way are finished first. One process at a "
        "time holds a data folder.",
    .options = options,
    .option_count = COUNT_OF(options),
    .examples = {"aisle serve --data ./shop", "aisle serve --config aisle.yaml",
                 "aisle serve --listen 127.0.0.1:0 --ready-file url",
                 "aisle serve --listen 0.0.0.0:9000 --tls-certificate server.pem --tls-key server.key"},
    .run = run,
};

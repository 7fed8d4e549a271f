#include "cli/reach.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/local/local.h"
#include "store/remote/remote.h"

#define SERVER_FILE "server.json"

struct reach {
    struct arena *arena;
    struct folder *folder;
    struct local_store *local;
    struct store *store;
};

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool says_aws(void)
{
    return is_set("AWS_ENDPOINT_URL_S3") || is_set("AWS_ENDPOINT_URL") || is_set("AWS_PROFILE") ||
           is_set("AWS_ACCESS_KEY_ID");
}

static bool open_remote(struct reach *reach, const char *endpoint, struct error *error)
{
    struct remote_options options = {0};
    if (!aws_client_defaults("s3", reach->arena, &options.client, error)) return false;
    if (endpoint) options.client.endpoint = endpoint;
    /* AWS itself, whose names all resolve; elsewhere a bucket seldom has a host of its own. */
    options.virtual_host = strstr(options.client.endpoint, ".amazonaws.com") != NULL;
    reach->store = remote_open(&options, error);
    return reach->store != NULL;
}

bool reach_server(const char *folder, struct arena *arena, struct aws_client_options *options, struct error *error)
{
    const char *path = arena_format(arena, error, "%s/" SERVER_FILE, folder);
    json_t *said = path ? json_read_file(path, error) : NULL;
    if (!said) return false;
    bool good = aws_client_defaults("s3", arena, options, error);
    const char *url = json_string_value(json_object_get(said, "url"));
    const char *id = json_string_value(json_object_get(said, "access_key_id"));
    const char *secret = json_string_value(json_object_get(said, "secret_access_key"));
    const char *region = json_string_value(json_object_get(said, "region"));
    const char *authority = json_string_value(json_object_get(said, "ca_file"));
    if (good && !url) good = error_set(error, ERROR_INVALID, "%s: \"url\" must be there: start the server again", path);
    if (good) options->endpoint = url = arena_text(arena, url, strlen(url), error);
    if (good && region) options->region = region = arena_text(arena, region, strlen(region), error);
    if (good && authority) options->ca_file = authority = arena_text(arena, authority, strlen(authority), error);
    good = good && url;
    if (good && id && secret && !is_set("AWS_ACCESS_KEY_ID")) {
        options->access_key_id = arena_text(arena, id, strlen(id), error);
        options->secret_access_key = arena_text(arena, secret, strlen(secret), error);
        options->session_token = NULL;
        good = options->access_key_id && options->secret_access_key;
    }
    json_decref(said);
    return good;
}

static bool open_server(struct reach *reach, const char *folder, const struct error *held, struct error *error)
{
    struct error own = {0};
    struct remote_options options = {0};
    if (!reach_server(folder, reach->arena, &options.client, &own)) {
        if (error) *error = own.code == ERROR_NOT_FOUND ? *held : own;
        return false;
    }
    reach->store = remote_open(&options, error);
    return reach->store != NULL;
}

static bool open_folder(struct reach *reach, const char *path, struct error *error)
{
    struct error own = {0};
    reach->folder = folder_open(path, FOLDER_WRITE, &own);
    if (!reach->folder && own.code == ERROR_CONFLICT) return open_server(reach, path, &own, error);
    if (!reach->folder) {
        if (error) *error = own;
        return false;
    }
    struct local_options options = {.folder = reach->folder};
    reach->local = local_open(&options, error);
    reach->store = reach->local ? local_port(reach->local, REACH_OWNER, error) : NULL;
    return reach->store != NULL;
}

static bool is_there(struct reach *reach, const char *folder, struct error *error)
{
    const char *path = arena_format(reach->arena, error, "%s/aisle.db", folder);
    return path && access(path, F_OK) == 0;
}

static struct reach *reach_new(struct error *error)
{
    struct reach *reach = memory_zeroed(sizeof *reach, error);
    if (!reach) return NULL;
    reach->arena = arena_new(0, error);
    if (reach->arena) return reach;
    reach_close(reach);
    return NULL;
}

struct reach *reach_open(const struct value *endpoint, const struct value *data, struct error *error)
{
    struct reach *reach = reach_new(error);
    if (!reach) return NULL;
    bool folder = !endpoint->text && (data->given || (!says_aws() && is_there(reach, data->text, error)));
    if (folder ? open_folder(reach, data->text, error) : open_remote(reach, endpoint->text, error)) return reach;
    reach_close(reach);
    return NULL;
}

struct reach *reach_open_elsewhere(const struct value *endpoint, const struct value *data, struct error *error)
{
    error->code = ERROR_NONE;
    struct reach *reach = reach_new(error);
    if (!reach) return NULL;
    bool folder = !endpoint->text && !says_aws() && is_there(reach, data->text, error);
    if (!folder && open_remote(reach, endpoint->text, error)) return reach;
    reach_close(reach);
    return NULL;
}

struct store *reach_store(const struct reach *reach)
{
    return reach->store;
}

void reach_close(struct reach *reach)
{
    if (!reach) return;
    store_free(reach->store);
    if (reach->local) local_close(reach->local);
    if (reach->folder) folder_close(reach->folder);
    if (reach->arena) arena_free(reach->arena);
    memory_free(reach);
}

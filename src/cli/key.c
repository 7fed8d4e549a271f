/* aisle key: access keys of a data folder, or of a running server. */
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/reach.h"
#include "cli/table.h"
#include "task/keys.h"

enum { KEY_NAME, KEY_OWNER, KEY_POLICY, KEY_ALL_RIGHTS, KEY_SESSION, KEY_EXPIRES, KEY_DATA, KEY_ENDPOINT, KEY_JSON };
static const struct option options[] = {
    [KEY_NAME] = {.name = "name",
                  .kind = VALUE_TEXT,
                  .argument = "NAME",
                  .help = "who the key is for, such as orders-validate: the user's name in policies"},
    [KEY_OWNER] = {.name = "owner",
                   .kind = VALUE_TEXT,
                   .argument = "ACCOUNT",
                   .help = "the account that the key acts for, 12 digits; the server's own unless given"},
    [KEY_POLICY] = {.name = "policy",
                    .kind = VALUE_FILE,
                    .argument = "FILE",
                    .help = "what the key may do, in IAM's JSON policy language"},
    [KEY_ALL_RIGHTS] = {.name = "all-rights",
                        .kind = VALUE_FLAG,
                        .help = "take the key's policy away: it may do all that its account may"},
    [KEY_SESSION] = {.name = "session", .kind = VALUE_FLAG, .help = "make a session key, which has a token and ends"},
    [KEY_EXPIRES] = {.name = "expires",
                     .kind = VALUE_TEXT,
                     .argument = "TIME",
                     .help = "end the key after so long: 90s, 15m, 1h, 7d"},
    [KEY_DATA] = CLI_OPTION_DATA,
    [KEY_ENDPOINT] = {.name = "endpoint-url",
                      .kind = VALUE_TEXT,
                      .argument = "URL",
                      .help = "the server to ask, with the access key of AWS_ACCESS_KEY_ID or ~/.aws/credentials"},
    [KEY_JSON] = CLI_OPTION_JSON,
};

enum { ADD, LIST, DISABLE, ENABLE, REMOVE, POLICY };
static const char *const actions[] = {[ADD] = "add",
                                      [LIST] = "list",
                                      [DISABLE] = "disable",
                                      [ENABLE] = "enable",
                                      [REMOVE] = "remove",
                                      [POLICY] = "policy",
                                      NULL};
static const struct operand operands[] = {
    {.name = "ACTION", .kind = VALUE_CHOICE, .choices = actions, .help = "what to do"},
    {.name = "ID",
     .kind = VALUE_TEXT,
     .optional = true,
     .help = "the access key's id, of all actions but add and list"},
};

static void release_json(json_t **json)
{
    json_decref(*json);
}

static int find_action(const char *word)
{
    int action = 0;
    while (actions[action] != NULL && strcmp(actions[action], word) != 0) action++;
    return action;
}

/* "1h" in seconds. */
static bool read_time(const char *text, json_int_t *seconds, struct error *error)
{
    static const struct {
        char unit;
        json_int_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t digits = strspn(text, "0123456789");
    if (digits >= 1 && digits <= 9 && strlen(text) == digits + 1) {
        for (size_t i = 0; i < COUNT_OF(units); i++) {
            if (text[digits] != units[i].unit) continue;
            *seconds = strtol(text, NULL, 10) * units[i].seconds;
            return true;
        }
    }
    return error_set(error, ERROR_USAGE, "--expires is a number with s, m, h or d, such as 15m, not \"%.40s\"", text);
}

/* --- asking --- */

/* Over HTTP, the server that holds the folder or is named. */
static json_t *ask_server(const struct aws_client_options *reached, const char *method, const char *id,
                          const json_t *body, struct arena *arena, struct error *error)
{
    struct aws_client *client = aws_client_new(reached, error);
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    struct aws_response response = {0};
    json_t *answer = NULL;
    if (client == NULL) return NULL;
    if (body != NULL) json_append(&text, body, JSON_COMPACT);
    struct aws_request request = {.method = method,
                                  .path = arena_format(arena, error, id[0] == '\0' ? "/-/keys" : "/-/keys/%s", id),
                                  .query = "",
                                  .body = text.data,
                                  .body_bytes = text.length,
                                  .once = strcmp(method, "POST") == 0};
    if (request.path != NULL && buffer_check(&text, error) && aws_client_send(client, &request, &response, error)) {
        answer = json_read(response.body.data, response.body.length, "the server's answer", error);
        const char *message = json_string_value(json_object_get(answer, "message"));
        if (answer != NULL && response.status != 200) {
            error_set(error, ERROR_DENIED, "the server refuses: %s", message == NULL ? "it does not say why" : message);
            json_decref(answer);
            answer = NULL;
        }
    }
    aws_response_free(&response);
    aws_client_free(client);
    return answer;
}

static json_t *ask_folder(struct folder *folder, const char *method, const char *id, json_t *body, struct error *error)
{
    struct local_options local = {.folder = folder};
    struct local_store *store = local_open(&local, error);
    json_t *answer = store == NULL ? NULL : keys_do(store, REACH_OWNER, method, id, body, error);
    if (store != NULL) local_close(store);
    return answer;
}

static json_t *ask(const struct options *given, const char *method, const char *id, json_t *body, struct arena *arena,
                   struct error *error)
{
    const char *data = given->values[KEY_DATA].text;
    struct aws_client_options reached = {0};
    struct error own = {0};
    if (given->values[KEY_ENDPOINT].text != NULL) {
        if (!aws_client_defaults("s3", arena, &reached, error)) return NULL;
        reached.endpoint = given->values[KEY_ENDPOINT].text;
        return ask_server(&reached, method, id, body, arena, error);
    }
    struct folder *folder = folder_open(data, FOLDER_WRITE, &own);
    if (folder != NULL) {
        json_t *answer = ask_folder(folder, method, id, body, error);
        folder_close(folder);
        return answer;
    }
    struct error held = own;
    if (held.code == ERROR_CONFLICT && reach_server(data, arena, &reached, &own))
        return ask_server(&reached, method, id, body, arena, error);
    *error = held.code == ERROR_CONFLICT && own.code != ERROR_NOT_FOUND ? own : held;
    return NULL;
}

/* --- showing --- */

static const char *text_of(const json_t *key, const char *name)
{
    const char *text = json_string_value(json_object_get(key, name));
    return text == NULL ? "" : text;
}

static bool show_list(const json_t *answer, struct error *error)
{
    static const struct table_column columns[] = {
        {"id", TABLE_WHOLE, 0},    {"name", TABLE_TEXT, 0},     {"account", TABLE_WHOLE, 0}, {"state", TABLE_WHOLE, 0},
        {"rights", TABLE_TEXT, 0}, {"created", TABLE_WHOLE, 0}, {"expires", TABLE_WHOLE, 0},
    };
    struct terminal terminal = terminal_of(stdout);
    struct table *table = table_new(stdout, &terminal, columns, COUNT_OF(columns), error);
    json_t *key;
    size_t i;
    if (table == NULL) return false;
    json_array_foreach (json_object_get(answer, "keys"), i, key) {
        bool active = json_is_true(json_object_get(key, "active"));
        bool limited = !json_is_null(json_object_get(key, "policy"));
        table_text(table, str_of(text_of(key, "id")));
        table_text(table, str_of(text_of(key, "name")));
        table_text(table, str_of(text_of(key, "owner")));
        table_text(table, str_of(active ? "active" : "disabled"));
        table_text(table, str_of(limited ? "by policy" : "all"));
        table_text(table, str_of(text_of(key, "created")));
        table_text(table, str_of(text_of(key, "expires")));
        table_end_row(table);
    }
    bool shown = table_finish(table, error);
    table_free(table);
    return shown;
}

static void show_made(const json_t *key)
{
    printf("access key     %s\nsecret key     %s\n", text_of(key, "id"), text_of(key, "secret"));
    if (text_of(key, "session_token")[0] != '\0') printf("session token  %s\n", text_of(key, "session_token"));
    if (text_of(key, "expires")[0] != '\0') printf("expires        %s\n", text_of(key, "expires"));
    fputs("The secret is shown this once.\n", stderr);
}

static bool show_json(const json_t *json, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    json_append(&text, json, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buffer_append_char(&text, '\n');
    if (!buffer_check(&text, error)) return false;
    fwrite(text.data, 1, text.length, stdout);
    return true;
}

static bool show_policy(const json_t *answer, const char *id, struct error *error)
{
    json_t *key;
    size_t i;
    json_array_foreach (json_object_get(answer, "keys"), i, key)
        if (strcmp(text_of(key, "id"), id) == 0) return show_json(json_object_get(key, "policy"), error);
    return error_set(error, ERROR_NOT_FOUND, "there is no access key \"%.100s\"; aisle key list shows all", id);
}

/* --- what is asked --- */

static bool add_policy(const struct options *given, json_t *body, struct error *error)
{
    const char *path = given->values[KEY_POLICY].text;
    if (given->values[KEY_ALL_RIGHTS].given) {
        if (path != NULL) return error_set(error, ERROR_USAGE, "--policy and --all-rights do not go together");
        return json_object_set_new(body, "policy", json_null()) == 0;
    }
    if (path == NULL) return true;
    json_t *policy = json_read_file(path, error);
    return policy != NULL && json_object_set_new(body, "policy", policy) == 0;
}

static bool describe(const struct options *given, json_t *body, struct error *error)
{
    const struct value *values = given->values;
    json_int_t seconds = 0;
    if (values[KEY_NAME].text == NULL)
        return error_set(error, ERROR_USAGE, "aisle key add needs --name, who the key is for");
    json_object_set_new(body, "name", json_string(values[KEY_NAME].text));
    if (values[KEY_OWNER].text != NULL) json_object_set_new(body, "owner", json_string(values[KEY_OWNER].text));
    if (values[KEY_EXPIRES].text != NULL || values[KEY_SESSION].given) {
        const char *time = values[KEY_EXPIRES].text == NULL ? "1h" : values[KEY_EXPIRES].text;
        if (!read_time(time, &seconds, error)) return false;
        json_object_set_new(body, "expires_seconds", json_integer(seconds));
    }
    json_object_set_new(body, "session", json_boolean(values[KEY_SESSION].given));
    return add_policy(given, body, error);
}

/* Options that only one action takes, given to another, are a mistake that would go unseen. */
static bool check_words(const struct options *given, int action, struct error *error)
{
    static const int of_add[] = {KEY_NAME, KEY_OWNER, KEY_SESSION, KEY_EXPIRES};
    bool one = action != ADD && action != LIST;
    if (one != (given->operand_count == 2))
        return error_set(error, ERROR_USAGE,
                         one ? "aisle key %s needs the id of a key; aisle key list shows them"
                             : "aisle key %s takes no id",
                         actions[action]);
    for (size_t i = 0; action != ADD && i < COUNT_OF(of_add); i++)
        if (given->values[of_add[i]].given)
            return error_set(error, ERROR_USAGE, "--%s goes with aisle key add", options[of_add[i]].name);
    if (action != ADD && action != POLICY && given->values[KEY_POLICY].given)
        return error_set(error, ERROR_USAGE, "--policy goes with aisle key add and aisle key policy");
    if (action != POLICY && given->values[KEY_ALL_RIGHTS].given)
        return error_set(error, ERROR_USAGE, "--all-rights goes with aisle key policy");
    return true;
}

static bool act(const struct options *given, int action, struct arena *arena, struct error *error)
{
    const char *id = given->operand_count == 2 ? given->operands[1] : "";
    uint64_t failures = json_failures();
    json_t *body __attribute__((cleanup(release_json))) = json_object();
    json_t *answer __attribute__((cleanup(release_json))) = NULL;
    const char *method = "PATCH";
    bool shows_policy = action == POLICY && !given->values[KEY_POLICY].given && !given->values[KEY_ALL_RIGHTS].given;
    if (action == ADD) {
        method = "POST";
        if (!describe(given, body, error)) return false;
    } else if (action == LIST || shows_policy) {
        method = "GET";
    } else if (action == REMOVE) {
        method = "DELETE";
    } else if (action == POLICY) {
        if (!add_policy(given, body, error)) return false;
    } else {
        json_object_set_new(body, "active", json_boolean(action == ENABLE));
    }
    if (!json_built(failures, error)) return false;
    bool has_body = json_object_size(body) > 0;
    answer = ask(given, method, shows_policy ? "" : id, has_body ? body : NULL, arena, error);
    if (answer == NULL) return false;
    if (shows_policy) return show_policy(answer, id, error);
    if (given->values[KEY_JSON].given)
        return show_json(action == LIST ? json_object_get(answer, "keys") : answer, error);
    if (action == LIST) return show_list(answer, error);
    if (action == ADD) show_made(answer);
    return true;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    int action = find_action(given->operands[0]);
    bool good = arena != NULL && check_words(given, action, &error) && act(given, action, arena, &error);
    if (arena != NULL) arena_free(arena);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_key = {
    .name = "key",
    .summary = "Manage access keys: who may sign requests, with which rights",
    .description =
        "An access key signs requests in the name of an account. Without a policy it has all rights of its account; "
        "with "
        "one (--policy, IAM's JSON policy language) it may do what the policy allows and nothing else, so that each "
        "step of a pipeline has only its own rights. A session key has a token besides, and ends.\n\n"
        "add makes a key and shows its secret this once; list shows all keys without secrets; disable, enable and "
        "remove do so at once; policy shows a key's policy, or sets it with --policy FILE.\n\n"
        "The keys are those of the data folder. Where a server holds the folder, the server is asked; "
        "--endpoint-url asks another server, signed with a key that has all rights.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle key add --name orders-validate --policy validate.json",
                 "aisle key add --name visitor --session --expires 1h --json", "aisle key list",
                 "aisle key disable AKIAIOSFODNN7EXAMPLE",
                 "aisle key policy AKIAIOSFODNN7EXAMPLE --policy validate.json"},
    .run = run,
};

/* Policies of both kinds: a document, and after a NUL the action, the resource and the context, a line each. A
 * refusal has its name, and a verdict is the same when it is asked for again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/policy.h"
#include "base/buffer.h"

enum { MOST_LINES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the question into lines; gives how many there are. */
static size_t cut_lines(struct str text, struct str lines[MOST_LINES])
{
    size_t count = 0;

    while (count < MOST_LINES) {
        const char *end = text.length == 0 ? NULL : memchr(text.data, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.data);

        lines[count++] = str_slice(text.data, length);
        if (end == NULL) {
            break;
        }
        text = str_slice(end + 1, text.length - length - 1);
    }
    return count;
}

static void judge(const char *document, size_t size, enum policy_kind kind, const struct policy_request *request)
{
    struct error error = {0};
    struct policy *policy =
        policy_compile(document, size, kind, kind == POLICY_OF_RESOURCE ? "arn:aws:s3:::b" : NULL, &error);

    if (policy == NULL) {
        if (error.name == NULL || strcmp(error.name, "MalformedPolicy") != 0) {
            abort();
        }
        return;
    }
    enum policy_verdict verdict = policy_judge(policy, request, &error);
    enum policy_verdict again = policy_judge(policy, request, &error);

    policy_is_public(policy);
    policy_mentions(policy, "s3:ExistingObjectTag/");
    if (verdict != again) {
        abort();
    }
    policy_free(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *nul = size == 0 ? NULL : memchr(data, '\0', size);
    size_t document_size = nul == NULL ? size : (size_t)(nul - (const char *)data);
    struct str lines[MOST_LINES] = {{"", 0}, {"", 0}};
    struct sign_field context[MOST_LINES];
    char action[256] = "s3:GetObject";
    char resource[256] = "arn:aws:s3:::b/k";
    struct policy_request request = {.principal = "arn:aws:iam::111122223333:user/alice",
                                     .account = "111122223333",
                                     .action = action,
                                     .resource = resource,
                                     .context = context};

    if (nul != NULL) {
        size_t count = cut_lines(str_slice(nul + 1, size - document_size - 1), lines);

        snprintf(action, sizeof action, "%.*s", (int)(lines[0].length & 255), lines[0].data);
        snprintf(resource, sizeof resource, "%.*s", (int)(lines[1].length & 255), lines[1].data);
        for (size_t i = 2; i + 1 < count; i += 2) {
            context[request.context_count++] = (struct sign_field){lines[i], lines[i + 1]};
        }
    }
    judge((const char *)data, document_size, POLICY_OF_RESOURCE, &request);
    judge((const char *)data, document_size, POLICY_OF_IDENTITY, &request);
    return 0;
}

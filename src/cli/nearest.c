/* What a mistyped word was meant to be. */
#include <string.h>

#include "base/str.h"
#include "cli/options.h"

/* How far apart, halved steps: a word that begins a name is one edit away, and of names equally far the one with the
 * same first letter is nearer, since few people mistype that. */
static size_t distance(const char *word, size_t length, const char *name)
{
    size_t edits = str_distance(str_of(word), str_of(name));
    bool begins = length > 1 && strncmp(name, word, length) == 0;
    if (begins && edits > 1)
        edits = 1;
    return 2 * edits + (word[0] != name[0]);
}

const char *options_nearest(const char *word, const char *const *names)
{
    size_t length = strlen(word);
    size_t allowed = length < 4 ? 1 : length < 6 ? 2 : length / 3;
    size_t least = 2 * (allowed < length ? allowed : 0) + 2;
    const char *nearest = NULL;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t far = distance(word, length, names[i]);
        if (far < least) {
            least = far;
            nearest = names[i];
        }
    }
    return nearest;
}

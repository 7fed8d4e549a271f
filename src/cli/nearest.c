/* What a mistyped word was meant to be. */
#include <string.h>

#include "base/str.h"
#include "cli/options.h"

/* Two neighbouring letters have changed places. */
static bool is_swap(const char *word, const char *name)
{
    size_t same = 0;
    while (word[same] != '\0' && word[same] == name[same]) same++;
    return word[same] != '\0' && name[same] != '\0' && word[same + 1] != '\0' && word[same] == name[same + 1] &&
           word[same + 1] == name[same] && strcmp(word + same + 2, name + same + 2) == 0;
}

/* Twice the edits, and one more where the first letters differ, which few people mistype. A swap, and a word that
 * begins the name, are one edit. */
static size_t distance(const char *word, const char *name)
{
    size_t length = strlen(word);
    size_t edits = str_distance(str_of(word), str_of(name));
    bool begins = length > 1 && strncmp(name, word, length) == 0;
    if (edits > 1 && edits < SIZE_MAX && (begins || is_swap(word, name))) edits = 1;
    return edits < SIZE_MAX / 2 ? 2 * edits + (word[0] != name[0]) : SIZE_MAX;
}

const char *options_nearest(const char *word, const char *const *names)
{
    size_t length = strlen(word);
    size_t allowed = length < 4 ? 1 : length < 6 ? 2 : length / 3;
    size_t least = 2 * (allowed < length ? allowed : 0) + 2;
    const char *nearest = NULL;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t far = distance(word, names[i]);
        if (far < least) {
            least = far;
            nearest = names[i];
        }
    }
    return nearest;
}

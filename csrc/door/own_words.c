#include "door/own_words.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name; /* the log's, and in proxy/errors.py */
    int status;
} known[SP_OWN_COUNT] = {
    [SP_OWN_LATE_HEAD] = {"late-head", 408}, [SP_OWN_LOST_BODY] = {"lost-body", 411},
    [SP_OWN_RESTARTED] = {"restarted", 503}, [SP_OWN_ENDED] = {"ended", 503},
    [SP_OWN_ENDING] = {"ending", 503},       [SP_OWN_NOT_STARTED] = {"not-started", 503},
    [SP_OWN_NOT_THERE] = {"not-there", 503},
};

static const struct sp_failure nothing = {.status = 500, .line = {"samesite_proxy\n", 15}};

enum sp_error
sp_own_words_new(struct sp_own_words **words)
{
    struct sp_own_words *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    for (int which = 0; which < SP_OWN_COUNT; which++) {
        made->own[which] = nothing;
        made->own[which].status = known[which].status;
        made->own[which].why = known[which].name;
    }
    *words = made;
    return SP_OK;
}

void
sp_own_words_free(struct sp_own_words *words)
{
    if (words != NULL) {
        sp_texts_free(words->texts);
        free(words);
    }
}

enum sp_own
sp_own_words_named(const char *name)
{
    int which = 0;

    while (which < SP_OWN_COUNT && strcmp(known[which].name, name) != 0) {
        which++;
    }
    return (enum sp_own)which;
}

const struct sp_failure *
sp_own_words_unread(const struct sp_own_words *words, int status)
{
    for (size_t i = 0; i < words->unread_count; i++) {
        if (words->unread[i].status == status) {
            return &words->unread[i];
        }
    }
    return words->unread_count > 0 ? &nothing : NULL;
}

/* What the listener says of its own, in each form, as Python has told it: whether a client may know
 * why is DEBUG's to decide. The engine thread's. */
#ifndef SP_DOOR_OWN_WORDS_H
#define SP_DOOR_OWN_WORDS_H

#include "door/site.h"

enum sp_own {
    SP_OWN_LATE_HEAD,
    SP_OWN_LOST_BODY, /* of Django's, in chunks */
    SP_OWN_RESTARTED,
    SP_OWN_ENDED,
    SP_OWN_ENDING,
    SP_OWN_NOT_STARTED,
    SP_OWN_NOT_THERE,
    SP_OWN_COUNT,
};

#define SP_OWN_MAX_UNREAD 8

struct sp_own_words {
    struct sp_failure own[SP_OWN_COUNT];
    struct sp_failure unread[SP_OWN_MAX_UNREAD]; /* of a head that is not read, by its status */
    size_t unread_count;                         /* 0: the reason itself */
    bool is_absence_at_once; /* as long as there is no site; else it is waited for */
    struct sp_text *texts;   /* owned: what the spans are views of */
};

/* With lines that say nothing. */
enum sp_error sp_own_words_new(struct sp_own_words **words);
void sp_own_words_free(struct sp_own_words *words);

/* SP_OWN_COUNT: there is none of that name. */
enum sp_own sp_own_words_named(const char *name);

/* What is said of a head that is not read, instead of the reason; NULL: the reason. */
const struct sp_failure *sp_own_words_unread(const struct sp_own_words *words, int status);

#endif

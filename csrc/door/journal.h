/* What the listener has answered, for the access log: written by the engine, read by Python. */
#ifndef SP_DOOR_JOURNAL_H
#define SP_DOOR_JOURNAL_H

#include "core/wakeup.h"
#include "wire/span.h"

#include <pthread.h>

/* Who reads too slowly loses the newest. */
#define SP_JOURNAL_SIZE   1024U
#define SP_JOURNAL_TARGET 512U
#define SP_JOURNAL_METHOD 24U
#define SP_JOURNAL_PEER   64U
#define SP_JOURNAL_WORDS  256U

struct sp_record {
    char peer[SP_JOURNAL_PEER]; /* each NUL-terminated, and cut where it is too long */
    char method[SP_JOURNAL_METHOD];
    char target[SP_JOURNAL_TARGET];
    char words[SP_JOURNAL_WORDS]; /* on `error`; without one why the listener has refused it */
    int status;
    long long sent;     /* bytes of the answer's body */
    long long total;    /* ms */
    long long upstream; /* ms until the frontend's head, or -1 */
    enum sp_error error;
    int frontend; /* or -1 */
};

struct sp_journal {
    pthread_mutex_t mutex; /* guards what follows */
    struct sp_wakeup wakeup;
    struct sp_record *records; /* owned; SP_JOURNAL_SIZE of them, used as a ring */
    unsigned first;
    unsigned count;
    bool takes_all; /* else failures alone */
};

enum sp_error sp_journal_init(struct sp_journal *journal);
void sp_journal_clear(struct sp_journal *journal);

/* The engine thread. */
bool sp_journal_wants(struct sp_journal *journal, enum sp_error error, int status);
void sp_journal_add(struct sp_journal *journal, const struct sp_record *record);

/* Any thread. False when there is none; then its descriptor is silent again. */
bool sp_journal_take(struct sp_journal *journal, struct sp_record *record);
void sp_journal_take_all(struct sp_journal *journal, bool all);

#endif

/* How callers reach the engine thread: a list of exchanges with wishes, and a wake-up. */
#ifndef SP_ENGINE_MAILBOX_H
#define SP_ENGINE_MAILBOX_H

#include "core/wakeup.h"
#include "engine/exchange.h"

struct sp_loop;

/* Work for the engine thread whose end is waited for; it lives on the waiting thread's stack. */
struct sp_chore {
    enum sp_error (*run)(struct sp_loop *loop, void *context);
    void *context;
    enum sp_error outcome; /* once it is done */
    bool is_done;
    struct sp_chore *next;
};

struct sp_mailbox {
    pthread_mutex_t mutex;
    struct sp_exchange *first, *last; /* each entry holds a reference */
    struct sp_chore *chores;          /* borrowed from the threads that wait for them */
    pthread_cond_t changed;           /* a chore is done, or the engine is over */
    bool is_over;                     /* it has let go of all that it worked with */
    struct sp_wakeup wakeup;
    atomic_bool asleep;   /* the engine is in its poll call, or about to be */
    atomic_bool stopping; /* the engine is to end; nothing more is taken */
};

enum sp_error sp_mailbox_init(struct sp_mailbox *mailbox);
void sp_mailbox_clear(struct sp_mailbox *mailbox);

/* Any thread: adds `wish`, for when the engine wakes. SP_E_SHUTDOWN once it stops. */
enum sp_error sp_mailbox_put(struct sp_mailbox *mailbox, struct sp_exchange *exchange,
                             unsigned wish);

/* Any thread: wakes the engine if it sleeps. */
void sp_mailbox_ring(struct sp_mailbox *mailbox);

/* Both. */
enum sp_error sp_mailbox_post(struct sp_mailbox *mailbox, struct sp_exchange *exchange,
                              unsigned wish);

/* Any other thread: the engine thread runs `run`, and this one waits for what it says.
 * SP_E_SHUTDOWN, and it has not run, once the engine stops; then it is waited for until it is over:
 * whatever it worked with may be freed. */
enum sp_error sp_mailbox_perform(struct sp_mailbox *mailbox,
                                 enum sp_error (*run)(struct sp_loop *loop, void *context),
                                 void *context);

/* The engine thread: does what waits to be done. */
void sp_mailbox_do_chores(struct sp_mailbox *mailbox, struct sp_loop *loop);

/* Any other thread: the engine is to stop, and is waited for until it is over. */
void sp_mailbox_stop(struct sp_mailbox *mailbox);

/* The engine thread, at its end: it touches nothing of its callers' any more. */
void sp_mailbox_end(struct sp_mailbox *mailbox);

/* The engine thread: the next exchange with wishes, its reference included, or NULL. */
struct sp_exchange *sp_mailbox_take(struct sp_mailbox *mailbox, unsigned *wishes);

/* The engine thread, around its poll call: false when there is mail, and so no sleep. */
bool sp_mailbox_fall_asleep(struct sp_mailbox *mailbox);
void sp_mailbox_wake_up(struct sp_mailbox *mailbox);

#endif

/* How the engine tells an event loop (asyncio's) that exchanges have news: one descriptor for
 * the loop to watch, and a list of the exchanges. Shared by reference. */
#ifndef SP_ENGINE_NOTIFIER_H
#define SP_ENGINE_NOTIFIER_H

#include "core/error.h"
#include "core/wakeup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct sp_exchange;

struct sp_notifier {
    atomic_uint references;
    pid_t pid;             /* of the process whose descriptors these are */
    pthread_mutex_t mutex; /* guards what follows */
    struct sp_wakeup wakeup;
    struct sp_exchange *notified; /* those with news; each entry holds a reference */
    bool is_closed;               /* its loop is gone: never notified again */
};

enum sp_error sp_notifier_new(struct sp_notifier **notifier);
struct sp_notifier *sp_notifier_take(struct sp_notifier *notifier);
void sp_notifier_give_back(struct sp_notifier *notifier);

/* The engine thread: `exchange` has news. Twice before it is listed counts as once. */
void sp_notifier_notify(struct sp_notifier *notifier, struct sp_exchange *exchange);

/* Whether it was made in this process. A forked child's copy is of no use: its descriptor is
 * closed, and its mutex may be held by a thread that is not there. */
bool sp_notifier_is_ours(const struct sp_notifier *notifier);

/* What the loop is to watch; -1 once it is closed, and in a forked child. */
int sp_notifier_descriptor(struct sp_notifier *notifier);

/* The loop's thread: silences the descriptor. What is listed then is to be taken. */
void sp_notifier_silence(struct sp_notifier *notifier);

/* The loop's thread: the next exchange with news, its reference included, or NULL. */
struct sp_exchange *sp_notifier_next(struct sp_notifier *notifier);

/* The loop's thread: closes the descriptor and forgets the list. In a forked child nothing. */
void sp_notifier_close(struct sp_notifier *notifier);

#endif

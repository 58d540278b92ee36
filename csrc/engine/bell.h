/* How the engine tells an event loop (asyncio's) that exchanges have news: one descriptor for
 * the loop to watch, and a list of the exchanges. Shared by reference. */
#ifndef SP_ENGINE_BELL_H
#define SP_ENGINE_BELL_H

#include "engine/error.h"
#include "engine/wakeup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct sp_exchange;

struct sp_bell {
    atomic_uint references;
    pid_t pid;             /* of the process whose descriptors these are */
    pthread_mutex_t mutex; /* guards what follows */
    struct sp_wakeup wakeup;
    struct sp_exchange *rung; /* those with news; each entry holds a reference */
    bool is_closed;           /* its loop is gone: never rung again */
};

enum sp_error sp_bell_new(struct sp_bell **bell);
struct sp_bell *sp_bell_take(struct sp_bell *bell);
void sp_bell_give_back(struct sp_bell *bell);

/* The engine thread: `exchange` has news. Twice before it is listed counts as once. */
void sp_bell_ring(struct sp_bell *bell, struct sp_exchange *exchange);

/* Whether it was made in this process. A forked child's copy is of no use: its descriptor is
 * closed, and its mutex may be held by a thread that is not there. */
bool sp_bell_is_ours(const struct sp_bell *bell);

/* The loop's thread: silences the descriptor. What is listed then is to be taken. */
void sp_bell_silence(struct sp_bell *bell);

/* The loop's thread: the next exchange with news, its reference included, or NULL. */
struct sp_exchange *sp_bell_next(struct sp_bell *bell);

/* The loop's thread: closes the descriptor and forgets the list. In a forked child nothing. */
void sp_bell_close(struct sp_bell *bell);

#endif

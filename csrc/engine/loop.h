/* The engine's event loop. */
#ifndef SP_ENGINE_LOOP_H
#define SP_ENGINE_LOOP_H

#include "core/poller.h"
#include "core/sockets.h"
#include "core/splice.h"
#include "core/timers.h"
#include "engine/feed.h"
#include "engine/mailbox.h"
#include "engine/news.h"
#include "upstream/connector.h"
#include "upstream/pool.h"
#include "upstream/shortcut.h"

struct sp_hop;

/* Oldest first; referenced. */
struct sp_exchanges {
    struct sp_exchange *first, *last;
};

/* Whoever lives in the loop beside its exchanges. The first member of what it is. */
struct sp_guest {
    void (*end_round)(struct sp_loop *loop, struct sp_guest *guest);
    void (*end)(struct sp_loop *loop, struct sp_guest *guest); /* all of it, at once */
    struct sp_guest *next;                                     /* in the loop's list */
};

struct sp_loop {
    struct sp_connector *connector; /* owned */
    struct sp_pool pool;
    struct sp_shortcuts shortcuts;
    struct sp_splices splices;
    char *bytes;               /* owned; SP_LOOP_BYTES, what is read at once */
    struct sp_poller *poller;  /* owned */
    struct sp_mailbox mailbox; /* any thread's, as is the next */
    struct sp_feed *feed;      /* borrowed; the rest is the engine thread's */
    struct sp_sockets sockets;
    struct sp_timer shortage; /* until those that the poller has refused are watched */
    struct sp_news news;
    long long now;               /* ms; of this round, for all that is timed in it */
    long long next_scan;         /* ms; when upstreams' deadlines are looked at, or SP_NEVER */
    struct sp_timers timers;     /* all other deadlines */
    struct sp_exchanges working; /* those that have a hop */
    struct sp_exchanges waiting; /* for a connection */
    size_t running;              /* how many work */
    struct sp_exchange *relayed; /* those with a client's connection of ours; referenced */
    size_t relayed_count;
    struct sp_guest *guests; /* borrowed until each has left */
    struct sp_hop *idle;     /* owned; kept for the next exchanges */
    size_t idle_count;
    size_t held;          /* how many wait for their upstream to be back */
    size_t behind;        /* bytes of answers, at most, that wait for their clients */
    struct sp_hop *ready; /* those to be run in the next round */
};

#define SP_LOOP_BYTES ((size_t)256 * 1024)

/* What it does is noted in `feed`. */
enum sp_error sp_loop_new(struct sp_feed *feed, struct sp_loop **loop);

/* Something has happened that an upstream's deadline may come of. */
void sp_loop_stir(struct sp_loop *loop);

/* A guest comes; the loop's deadlines are `timers`. And it leaves, or never came. */
void sp_loop_invite(struct sp_loop *loop, struct sp_guest *guest);
void sp_loop_dismiss(struct sp_loop *loop, struct sp_guest *guest);

/* Runs until the mailbox is told to stop; then every exchange is done (SP_E_SHUTDOWN). */
void sp_loop_run(struct sp_loop *loop);

/* For a loop that never ran, or has ended and whose connections may be closed. */
void sp_loop_free(struct sp_loop *loop);

#endif

/* The engine's event loop: one thread that drives libcurl's multi handle. */
#ifndef SP_ENGINE_LOOP_H
#define SP_ENGINE_LOOP_H

#include "engine/mailbox.h"
#include "engine/news.h"
#include "engine/poller.h"
#include "engine/sockets.h"
#include "engine/timers.h"
#include "engine/transfer.h"

struct sp_listener;

struct sp_loop {
    CURLM *multi;              /* owned */
    struct sp_poller *poller;  /* owned */
    struct sp_mailbox mailbox; /* any thread's; the rest is the engine thread's */
    struct sp_sockets sockets;
    struct sp_news news;
    long long timer;                  /* ms; when libcurl wants to be called, or SP_NEVER */
    long long next_scan;              /* ms; when upstreams' deadlines are looked at, or SP_NEVER */
    struct sp_timers timers;          /* all other deadlines */
    struct sp_exchange *first, *last; /* every exchange at work, oldest first; referenced */
    size_t running;                   /* of them, those that libcurl has */
    struct sp_exchange *relayed;      /* those with a client's connection of ours; referenced */
    size_t relayed_count;
    size_t waiting;                /* of them, those that wait for a connection */
    struct sp_listener *listeners; /* borrowed until each is closed */
    struct sp_transfer *idle;      /* owned; at most SP_IDLE_TRANSFERS */
    size_t idle_count;
};

#define SP_IDLE_TRANSFERS 128

enum sp_error sp_loop_new(struct sp_loop **loop);

/* Something has happened that an upstream's deadline may come of. */
void sp_loop_stir(struct sp_loop *loop);

/* Runs until the mailbox is told to stop; then every exchange is done (SP_E_SHUTDOWN). */
void sp_loop_run(struct sp_loop *loop);

/* For a loop that never ran, or has ended and whose connections may be closed. */
void sp_loop_free(struct sp_loop *loop);

#endif

/* A client's socket that the engine owns: the other kind of client end beside the pipe. The
 * answer's bytes go out on it, and in a tunnel what comes in goes upstream. */
#ifndef SP_ENGINE_CONNECTION_H
#define SP_ENGINE_CONNECTION_H

#include "core/error.h"
#include "core/flow.h"
#include "core/queue.h"
#include "core/sockets.h"
#include "core/splice.h"
#include "core/timers.h"

/* What is kept for a client that reads slowly: a head and what the pipe held before. */
#define SP_CONNECTION_CEILING ((size_t)1024 * 1024)

enum sp_connection_state {
    SP_CONNECTION_OPEN,      /* bytes move */
    SP_CONNECTION_FLUSHING,  /* the upstream is through; what is left goes out */
    SP_CONNECTION_LINGERING, /* all is out; the client's last bytes are read away */
    SP_CONNECTION_CLOSED,
};

struct sp_exchange;

struct sp_connection {
    struct sp_watcher watcher;    /* the relay's */
    struct sp_exchange *exchange; /* the relay's; borrowed while it has the connection */
    int fd;                       /* owned; non-blocking */
    bool is_tunnel;               /* what the client sends goes upstream */
    enum sp_connection_state state;
    struct sp_queue out;            /* for the client */
    struct sp_splice *splice;       /* owned; with bytes that follow `out`, or NULL */
    unsigned long long sent;        /* bytes that are sent in all */
    bool is_client_done;            /* the client's stream has ended */
    bool is_ended;                  /* our own stream has */
    bool is_armed;                  /* to be reset by whatever closes it */
    bool is_crowded;                /* the upstream has no room for what the client sends */
    struct sp_flow flow;            /* of what the client says in a tunnel */
    size_t lingered;                /* bytes read away */
    unsigned long long sent_before; /* `sent`, when the wait for its client to take more began */
    struct sp_timer timer;          /* the relay's */
    struct sp_timers *timers;       /* the relay's; borrowed: the loop's */
};

/* Of a socket that is non-blocking and kept already (sp_descriptor_accept). Takes `fd` also when it
 * fails. */
enum sp_error sp_connection_new(int fd, struct sp_connection **connection);

/* Of any socket; copies `head`, which goes out first. Takes `fd` also when it fails. */
enum sp_error sp_connection_adopt(int fd, bool is_tunnel, struct sp_span head,
                                  struct sp_connection **connection);

/* Closes the socket if it is still open. */
void sp_connection_free(struct sp_connection *connection);

/* Sends at most three spans after what is waiting, by one system call; what the socket does not
 * take waits in `out`. False when the client is gone, or more would wait than may. */
bool sp_connection_gather(struct sp_connection *connection, const struct sp_span *spans,
                          size_t count);

/* The same for what `splice` holds, which it takes also when it fails. Nothing may be added behind
 * it until it is sent. */
bool sp_connection_pass(struct sp_connection *connection, struct sp_splice *splice);

/* Adds `bytes` to what is waiting, without sending. False when more would wait than may. */
bool sp_connection_queue(struct sp_connection *connection, struct sp_span bytes);

/* Sends what is waiting. False when the client is gone. */
bool sp_connection_flush(struct sp_connection *connection);

bool sp_connection_is_flushed(const struct sp_connection *connection);

/* Until its end is said, any other, be it that of the process, is a reset: where no length and no
 * last chunk says so, a peer would take it for the end of a whole stream. */
void sp_connection_arm(struct sp_connection *connection);

/* Reads away, and counts, some of what the client sends and nobody reads. */
enum sp_io sp_connection_read_away(struct sp_connection *connection);

/* Ends our stream; the client's may go on. */
void sp_connection_end(struct sp_connection *connection);

/* Closes it so that the peer sees a reset, not an end. */
void sp_connection_reset(struct sp_connection *connection);
void sp_connection_close(struct sp_connection *connection);

#endif

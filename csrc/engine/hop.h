/* An exchange's upstream end: its request goes out on a connection, its answer comes in (RFC 9112).
 * Used again for the next exchange. The engine thread's alone. */
#ifndef SP_ENGINE_HOP_H
#define SP_ENGINE_HOP_H

#include "core/timers.h"
#include "engine/exchange.h"
#include "upstream/connector.h"
#include "upstream/stream.h"
#include "wire/chunked.h"

struct sp_loop;

/* How the end of the answer's body is known (RFC 9112, 6.3). */
enum sp_extent {
    SP_EXTENT_NONE, /* there is no body */
    SP_EXTENT_LENGTH,
    SP_EXTENT_CHUNKED,
    SP_EXTENT_CLOSE,  /* by the end of the stream */
    SP_EXTENT_TUNNEL, /* likewise, after a 101 */
};

struct sp_hop {
    struct sp_loop *loop;         /* borrowed */
    struct sp_exchange *exchange; /* borrowed; NULL: idle */
    struct sp_attempt *attempt;   /* while it connects */
    struct sp_stream *stream;     /* owned, once it is connected */
    struct sp_hop *next;          /* in the loop's list of idle ones */
    struct sp_hop *next_ready;    /* in the loop's list of those to be run in the next round */
    bool is_ready;
    bool is_reused;    /* the stream has carried a request before */
    bool is_uncertain; /* whether it is connected at all shows when something is sent */
    bool is_head;      /* the method is HEAD */
    enum sp_error fault;
    const char *words;    /* on the fault; static, or NULL */
    struct sp_timer held; /* engine/holding's: until it connects again */

    /* The request. */
    struct sp_queue head; /* its first line and fields, whole until it is not said again */
    bool is_underway;     /* some of them are out */
    bool is_request_done; /* the upstream has all of it */
    bool is_blocked;      /* the stream takes no more for now */
    bool is_send_broken;  /* nor ever */
    bool is_put_off;      /* what comes next is to pass, once all before it is out */

    /* The answer. */
    bool is_heard;     /* a byte of it has come */
    unsigned interims; /* answers before it */
    bool is_answer_done;
    bool is_stray;  /* something has come behind it */
    bool is_silent; /* a tunnel's upstream has ended its stream */
    enum sp_extent extent;
    long long left; /* of SP_EXTENT_LENGTH */
    struct sp_chunked chunked;
    size_t appetite; /* how many bytes are read at once, at most */
    size_t behind;   /* of the last of them, how many may wait for the client */
};

/* Gives the exchange a hop, which sends its request on a connection that rests, or connects. */
enum sp_error sp_hop_begin(struct sp_loop *loop, struct sp_exchange *exchange);

/* Parts the two; the connection rests if nothing speaks against it. */
void sp_hop_end(struct sp_hop *hop, enum sp_error error);

/* The request's pipe has something, or has ended. */
void sp_hop_send(struct sp_hop *hop);

/* The answer's reader has room again. */
void sp_hop_receive(struct sp_hop *hop);

/* Whether there is a connection. */
bool sp_hop_is_connected(const struct sp_hop *hop);

/* It is run in the next round: not from within what another has begun. */
void sp_hop_make_ready(struct sp_hop *hop);
void sp_hop_run_ready(struct sp_loop *loop);

#endif

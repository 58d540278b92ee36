/* A connection of the engine's, to an upstream or of a client, plain or TLS, on which bytes move
 * without waiting. The engine thread's alone, but that any thread may make a client's. */
#ifndef SP_UPSTREAM_STREAM_H
#define SP_UPSTREAM_STREAM_H

#include "core/flow.h"
#include "core/queue.h"
#include "core/sockets.h"
#include "core/splice.h"
#include "core/timers.h"
#include "upstream/connector.h"
#include "upstream/shortcut.h"
#include "upstream/tls.h"
#include "upstream/upstream.h"

struct sp_stream {
    struct sp_watcher watcher;      /* its user's */
    struct sp_timer timer;          /* likewise */
    void *user;                     /* of what is told; borrowed */
    struct sp_sockets *sockets;     /* borrowed: the loop's; NULL: it is in none */
    int fd;                         /* owned; SP_NO_SOCKET: closed */
    struct sp_tls *tls;             /* owned, and with it the descriptor; NULL: plain */
    struct sp_queue out;            /* what is to be sent */
    struct sp_splice *splice;       /* owned; with bytes that follow `out`, or NULL */
    unsigned long long sent;        /* bytes that are sent in all */
    unsigned long long sent_before; /* `sent`, when the wait for its peer to take more began */
    struct sp_flow flow;            /* of what comes */
    size_t lingered;                /* bytes read away */
    bool is_held;                   /* there is no room for what the peer sends: it is not read */
    bool is_over;                   /* the peer's stream has ended */
    bool is_ended;                  /* our own has */
    bool is_reset;                  /* as a sending has heard: the end of what is read is none */
    bool is_armed;                  /* to be reset by whatever closes it */

    /* To an upstream. */
    struct sp_upstream *upstream;      /* a reference of our own */
    bool is_used;                      /* it has carried a request before */
    long long idle_until;              /* ms; the pool's */
    struct sp_stream *younger, *older; /* the pool's */
};

/* Takes what `connected` says, also when it fails (NULL: no memory). */
struct sp_stream *sp_stream_new(struct sp_sockets *sockets, struct sp_upstream *upstream,
                                const struct sp_connected *connected);

/* One to where the upstream was found last, which may not come about. NULL: that is not known. */
struct sp_stream *sp_stream_guess(struct sp_sockets *sockets, struct sp_shortcuts *shortcuts,
                                  struct sp_upstream *upstream, long long now);

/* A client's, of a socket that is non-blocking and kept already (sp_descriptor_accept), and in no
 * loop yet. Takes `fd` also when it fails (NULL: no memory). */
struct sp_stream *sp_stream_of_client(int fd);

/* The same of any socket; copies `head`, which goes out first. */
enum sp_error sp_stream_adopt(int fd, struct sp_span head, struct sp_stream **stream);

/* Closes it if it is still open. */
void sp_stream_free(struct sp_stream *stream);

/* It comes into the loop. False: memory is short. */
bool sp_stream_join(struct sp_stream *stream, struct sp_sockets *sockets);

/* And is no longer watched or timed there. */
void sp_stream_leave(struct sp_stream *stream);

/* `happened` is told of what happens on it, with the stream as its watcher. */
void sp_stream_give_to(struct sp_stream *stream, void *user,
                       void (*happened)(struct sp_loop *, struct sp_watcher *, unsigned));

/* The one whose timer this is. */
struct sp_stream *sp_stream_of_timer(struct sp_timer *timer);

/* As sp_sockets_watch. */
void sp_stream_watch(struct sp_stream *stream, unsigned events);

/* Sends some of at most SP_SEND_MOST spans; `*taken` bytes of them are gone, or the stream's. */
enum sp_io sp_stream_send(struct sp_stream *stream, const struct sp_span *spans, size_t count,
                          size_t *taken);

/* Sends at most three spans on a plain one after what is waiting, by one system call; what the
 * socket does not take waits in `out`. False when the peer is gone, or more would wait than may. */
bool sp_stream_gather(struct sp_stream *stream, const struct sp_span *spans, size_t count);

/* Adds `bytes` to what is waiting, without sending. False when more would wait than may. */
bool sp_stream_queue(struct sp_stream *stream, struct sp_span bytes);

/* Takes, on a plain one, what `splice` holds: it follows what waits, and nothing may be added
 * behind it until it is sent; or dropped, after which the stream is of no more use. */
void sp_stream_pass(struct sp_stream *stream, struct sp_splice *splice);
void sp_stream_drop(struct sp_stream *stream);

/* Whether bytes that it has taken wait to be sent; and sending them, as far as that goes. */
bool sp_stream_is_behind(const struct sp_stream *stream);
enum sp_io sp_stream_flush(struct sp_stream *stream);

/* Receives at most `size` bytes. A TLS stream is asked until SP_IO_AGAIN. */
enum sp_io sp_stream_receive(struct sp_stream *stream, char *bytes, size_t size, size_t *got);

/* Reads away, and counts, some of what a client sends and nobody reads. */
enum sp_io sp_stream_read_away(struct sp_stream *stream);

/* Whether the end of the peer's stream was meant: TLS must say so (RFC 9112, 9.8), and a plain one
 * must not have been reset. */
bool sp_stream_ended_well(const struct sp_stream *stream);

/* Whether nothing has come on one that carries no request: neither its end nor bytes that nobody
 * asked for, which would be taken for the next answer. */
bool sp_stream_is_quiet(struct sp_stream *stream);

/* Until its end is said, any other, be it that of the process, is a reset: where no length and no
 * last chunk says so, a peer would take it for the end of a whole stream. */
void sp_stream_arm(struct sp_stream *stream);

/* Our own stream ends, and the peer sees it, and may go on; of TLS it sees only that, since there
 * is no word for it that libcurl would say. */
void sp_stream_end(struct sp_stream *stream);

/* Closes it; so that the peer sees a reset, not an end. */
void sp_stream_close(struct sp_stream *stream);
void sp_stream_reset(struct sp_stream *stream);

#endif

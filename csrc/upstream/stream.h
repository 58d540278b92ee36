/* A connection to an upstream, plain or TLS, on which bytes move without waiting. The engine
 * thread's alone. */
#ifndef SP_UPSTREAM_STREAM_H
#define SP_UPSTREAM_STREAM_H

#include "core/sockets.h"
#include "core/splice.h"
#include "upstream/connector.h"
#include "upstream/shortcut.h"
#include "upstream/tls.h"
#include "upstream/upstream.h"

struct sp_stream {
    struct sp_watcher watcher;         /* its user's, or the pool's */
    void *user;                        /* of what is told; borrowed */
    struct sp_sockets *sockets;        /* borrowed: the loop's */
    struct sp_upstream *upstream;      /* a reference of our own */
    int fd;                            /* owned */
    struct sp_tls *tls;                /* owned, and with it the descriptor; NULL: plain */
    struct sp_splice *splice;          /* owned; with bytes that are to be sent, or NULL */
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
void sp_stream_close(struct sp_stream *stream);

/* `happened` is told of what happens on it, with the stream as its watcher. */
void sp_stream_give_to(struct sp_stream *stream, void *user,
                       void (*happened)(struct sp_loop *, struct sp_watcher *, unsigned));

/* As sp_sockets_watch. */
void sp_stream_watch(struct sp_stream *stream, unsigned events);

/* Sends some of at most SP_SEND_MOST spans; `*taken` bytes of them are gone, or the stream's. */
enum sp_io sp_stream_send(struct sp_stream *stream, const struct sp_span *spans, size_t count,
                          size_t *taken);

/* Takes a plain stream that is not behind what `splice` holds: it is behind until that is sent, or
 * dropped, after which it is of no more use. */
void sp_stream_pass(struct sp_stream *stream, struct sp_splice *splice);
void sp_stream_drop(struct sp_stream *stream);

/* Whether bytes that it has taken wait for the socket to be writable, and to be sent then: `*gone`
 * bytes of a splice. */
bool sp_stream_is_behind(const struct sp_stream *stream);
enum sp_io sp_stream_catch_up(struct sp_stream *stream, size_t *gone);

/* Receives at most `size` bytes. A TLS stream is asked until SP_IO_AGAIN. */
enum sp_io sp_stream_receive(struct sp_stream *stream, char *bytes, size_t size, size_t *got);

/* Whether the end of the peer's stream was meant: TLS must say so (RFC 9112, 9.8). */
bool sp_stream_ended_well(const struct sp_stream *stream);

/* Our own stream ends, and the peer sees it; of TLS it sees only that, since there is no word for
 * it that libcurl would say. */
void sp_stream_end(struct sp_stream *stream);

/* Whether nothing has come on one that carries no request: neither its end nor bytes that nobody
 * asked for, which would be taken for the next answer. */
bool sp_stream_is_quiet(struct sp_stream *stream);

#endif

#include "upstream/stream.h"

#include "core/descriptors.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

/* What is kept for a client that reads slowly: a head and what a pipe held before. */
#define SP_STREAM_CEILING ((size_t)1024 * 1024)

/* What is sent through TLS at once: a record of it. */
#define SP_BLOCK_MOST ((size_t)16384)

#define SP_READ_AWAY_SIZE ((size_t)16 * 1024)

static void
set_option(int fd, int level, int option)
{
    int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof(on)); /* without it, it is as it was */
}

static struct sp_stream *
stream_over(const struct sp_connected *connected)
{
    struct sp_stream *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        sp_connected_close(connected);
        return NULL;
    }
    made->fd = connected->fd;
    made->tls = connected->tls;
    sp_queue_init(&made->out, SP_STREAM_CEILING);
    /* A Unix socket has no such option, and no such delay. */
    set_option(made->fd, IPPROTO_TCP, TCP_NODELAY);
    return made;
}

struct sp_stream *
sp_stream_new(struct sp_sockets *sockets, struct sp_upstream *upstream,
              const struct sp_connected *connected)
{
    struct sp_stream *made = stream_over(connected);

    if (made != NULL && !sp_stream_join(made, sockets)) {
        sp_stream_free(made);
        return NULL;
    }
    if (made != NULL) {
        made->upstream = sp_upstream_take(upstream);
    }
    return made;
}

struct sp_stream *
sp_stream_guess(struct sp_sockets *sockets, struct sp_shortcuts *shortcuts,
                struct sp_upstream *upstream, long long now)
{
    struct sp_connected found = {SP_OK, "", SP_NO_SOCKET, NULL};

    found.fd = sp_shortcuts_take(shortcuts, upstream, now);
    return found.fd != SP_NO_SOCKET ? sp_stream_new(sockets, upstream, &found) : NULL;
}

struct sp_stream *
sp_stream_of_client(int fd)
{
    /* Nothing is sent to a client between two requests, nor in a tunnel that is silent: one whose
     * machine has gone would never be found out. */
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
    return stream_over(&(struct sp_connected){.fd = fd});
}

enum sp_error
sp_stream_adopt(int fd, struct sp_span head, struct sp_stream **stream)
{
    if (!sp_descriptor_keep(fd) || !sp_descriptor_set_nonblocking(fd)) {
        sp_descriptor_close(fd);
        return SP_E_SYSTEM;
    }
    struct sp_stream *made = sp_stream_of_client(fd);
    if (made == NULL || !sp_stream_queue(made, head)) {
        sp_stream_free(made);
        return SP_E_NO_MEMORY;
    }
    *stream = made;
    return SP_OK;
}

bool
sp_stream_join(struct sp_stream *stream, struct sp_sockets *sockets)
{
    bool is_owned = sp_sockets_own(sockets, stream->fd, &stream->watcher);

    stream->sockets = is_owned ? sockets : NULL;
    return is_owned;
}

void
sp_stream_leave(struct sp_stream *stream)
{
    sp_timer_clear(&stream->timer);
    if (stream->sockets != NULL) {
        sp_sockets_disown(stream->sockets, stream->fd);
        stream->sockets = NULL;
    }
}

void
sp_stream_give_to(struct sp_stream *stream, void *user,
                  void (*happened)(struct sp_loop *, struct sp_watcher *, unsigned))
{
    stream->user = user;
    stream->watcher.happened = happened;
}

struct sp_stream *
sp_stream_of_timer(struct sp_timer *timer)
{
    return (struct sp_stream *)(void *)((char *)timer - offsetof(struct sp_stream, timer));
}

void
sp_stream_watch(struct sp_stream *stream, unsigned events)
{
    sp_sockets_watch(stream->sockets, stream->fd, events);
}

/* What libcurl has answered with "again" is offered again, the same bytes at the same address: so
 * nothing is added before all is gone. */
static enum sp_io
send_by_blocks(struct sp_stream *stream, const struct sp_span *spans, size_t count, size_t *taken)
{
    enum sp_io io = sp_stream_flush(stream);

    for (size_t i = 0; i < count; i++) {
        for (struct sp_span rest = spans[i]; rest.len > 0;) {
            struct sp_span block = rest;
            block.len = block.len < SP_BLOCK_MOST ? block.len : SP_BLOCK_MOST;
            if (io != SP_IO_OK) {
                return io;
            }
            if (!sp_queue_append(&stream->out, block)) {
                return SP_IO_SHORT;
            }
            *taken += block.len;
            rest = sp_span_from(rest, block.len);
            io = sp_stream_flush(stream);
        }
    }
    return io == SP_IO_AGAIN && *taken > 0 ? SP_IO_OK : io;
}

/* The system tells of a reset once: where a sending hears it, the reading is told an end behind
 * what has come. Of one that the peer's end came before it says EPIPE. */
static enum sp_io
note_reset(struct sp_stream *stream, enum sp_io io)
{
    stream->is_reset = stream->is_reset || (io == SP_IO_BROKEN && errno == ECONNRESET);
    return io;
}

enum sp_io
sp_stream_send(struct sp_stream *stream, const struct sp_span *spans, size_t count, size_t *taken)
{
    *taken = 0;
    if (stream->tls != NULL) {
        return send_by_blocks(stream, spans, count, taken);
    }
    enum sp_io io = note_reset(stream, sp_io_send(stream->fd, spans, count, taken));
    stream->sent += *taken;
    return io;
}

bool
sp_stream_gather(struct sp_stream *stream, const struct sp_span *spans, size_t count)
{
    size_t taken = 0;
    /* It would overtake what is in the pipe. */
    bool is_open = stream->splice == NULL &&
                   sp_queue_send(&stream->out, stream->fd, spans, count, &taken) != SP_IO_BROKEN;

    stream->sent += taken;
    return is_open;
}

bool
sp_stream_queue(struct sp_stream *stream, struct sp_span bytes)
{
    return stream->splice == NULL && sp_queue_append(&stream->out, bytes);
}

void
sp_stream_pass(struct sp_stream *stream, struct sp_splice *splice)
{
    stream->splice = splice;
}

void
sp_stream_drop(struct sp_stream *stream)
{
    sp_splice_give_back(stream->splice);
    stream->splice = NULL;
}

bool
sp_stream_is_behind(const struct sp_stream *stream)
{
    return !sp_queue_is_empty(&stream->out) || stream->splice != NULL;
}

enum sp_io
sp_stream_flush(struct sp_stream *stream)
{
    struct sp_span left = sp_queue_peek(&stream->out);
    enum sp_io io = SP_IO_OK;
    size_t taken = 0;

    if (left.len > 0) {
        io = stream->tls != NULL ? sp_tls_send(stream->tls, left, &taken)
                                 : note_reset(stream, sp_io_send(stream->fd, &left, 1, &taken));
        sp_queue_drop(&stream->out, taken);
        stream->sent += taken;
    }
    if (io == SP_IO_OK && stream->splice != NULL && sp_queue_is_empty(&stream->out)) {
        io = note_reset(stream, sp_splice_send(&stream->splice, stream->fd, &taken));
        stream->sent += taken;
    }
    return io;
}

enum sp_io
sp_stream_receive(struct sp_stream *stream, char *bytes, size_t size, size_t *got)
{
    return stream->tls != NULL ? sp_tls_receive(stream->tls, bytes, size, got)
                               : sp_io_receive(stream->fd, bytes, size, got);
}

enum sp_io
sp_stream_read_away(struct sp_stream *stream)
{
    char bytes[SP_READ_AWAY_SIZE];
    size_t got = 0;
    enum sp_io io = sp_stream_receive(stream, bytes, sizeof(bytes), &got);

    stream->lingered += got;
    return io;
}

bool
sp_stream_ended_well(const struct sp_stream *stream)
{
    return stream->tls != NULL ? sp_tls_said_goodbye(stream->tls) : !stream->is_reset;
}

bool
sp_stream_is_quiet(struct sp_stream *stream)
{
    char byte;
    size_t got = 0;

    if (stream->tls != NULL) {
        return sp_tls_receive(stream->tls, &byte, 1, &got) == SP_IO_AGAIN;
    }
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && sp_descriptor_would_block();
}

/* Whether a close is a reset. A Unix socket knows none; its peer then sees an end. */
static void
set_armed(struct sp_stream *stream, bool is_armed)
{
    struct linger linger = {.l_onoff = is_armed, .l_linger = 0};

    if (stream->is_armed != is_armed) {
        stream->is_armed = is_armed;
        (void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
}

static void
close_once(struct sp_stream *stream, bool is_reset)
{
    if (stream->fd != SP_NO_SOCKET) {
        set_armed(stream, is_reset);
        sp_stream_drop(stream);
        sp_stream_leave(stream);
        sp_connected_close(&(struct sp_connected){.fd = stream->fd, .tls = stream->tls});
        stream->fd = SP_NO_SOCKET;
    }
}

void
sp_stream_arm(struct sp_stream *stream)
{
    set_armed(stream, true);
}

void
sp_stream_end(struct sp_stream *stream)
{
    set_armed(stream, false); /* a close behind the end would destroy what is on its way */
    stream->is_ended = true;
    (void)shutdown(stream->fd, SHUT_WR); /* if it fails, the peer is gone already */
}

void
sp_stream_close(struct sp_stream *stream)
{
    close_once(stream, false);
}

void
sp_stream_reset(struct sp_stream *stream)
{
    close_once(stream, true);
}

void
sp_stream_free(struct sp_stream *stream)
{
    if (stream != NULL) {
        sp_stream_close(stream);
        sp_queue_clear(&stream->out);
        sp_upstream_give_back(stream->upstream);
        free(stream);
    }
}

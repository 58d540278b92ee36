#include "upstream/stream.h"

#include "core/descriptors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

struct sp_stream *
sp_stream_new(struct sp_sockets *sockets, struct sp_upstream *upstream,
              const struct sp_connected *connected)
{
    struct sp_stream *made = calloc(1, sizeof(*made));
    int on = 1;

    if (made == NULL || !sp_sockets_own(sockets, connected->fd, &made->watcher)) {
        sp_connected_close(connected);
        free(made);
        return NULL;
    }
    /* A Unix socket has no such option, and no such delay. */
    (void)setsockopt(connected->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    made->sockets = sockets;
    made->upstream = sp_upstream_take(upstream);
    made->fd = connected->fd;
    made->tls = connected->tls;
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

void
sp_stream_close(struct sp_stream *stream)
{
    sp_splice_give_back(stream->splice);
    sp_sockets_disown(stream->sockets, stream->fd);
    sp_connected_close(&(struct sp_connected){.fd = stream->fd, .tls = stream->tls});
    sp_upstream_give_back(stream->upstream);
    free(stream);
}

void
sp_stream_give_to(struct sp_stream *stream, void *user,
                  void (*happened)(struct sp_loop *, struct sp_watcher *, unsigned))
{
    stream->user = user;
    stream->watcher.happened = happened;
}

void
sp_stream_watch(struct sp_stream *stream, unsigned events)
{
    sp_sockets_watch(stream->sockets, stream->fd, events);
}

static enum sp_io
send_through_tls(struct sp_stream *stream, const struct sp_span *spans, size_t count, size_t *taken)
{
    enum sp_io io = SP_IO_OK;

    for (size_t i = 0; i < count && io == SP_IO_OK; i++) {
        size_t sent = 0;
        io = sp_tls_send(stream->tls, spans[i], &sent);
        *taken += sent;
        io = io == SP_IO_OK && sent < spans[i].len ? SP_IO_AGAIN : io;
    }
    return io;
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

enum sp_io
sp_stream_send(struct sp_stream *stream, const struct sp_span *spans, size_t count, size_t *taken)
{
    *taken = 0;
    return stream->tls != NULL ? send_through_tls(stream, spans, count, taken)
                               : sp_io_send(stream->fd, spans, count, taken);
}

enum sp_io
sp_stream_catch_up(struct sp_stream *stream, size_t *gone)
{
    struct sp_span nothing = SP_SPAN("");

    return stream->splice != NULL ? sp_splice_send(&stream->splice, stream->fd, gone)
                                  : send_through_tls(stream, &nothing, 1, gone);
}

bool
sp_stream_is_behind(const struct sp_stream *stream)
{
    return stream->splice != NULL || (stream->tls != NULL && sp_tls_is_behind(stream->tls));
}

enum sp_io
sp_stream_receive(struct sp_stream *stream, char *bytes, size_t size, size_t *got)
{
    return stream->tls != NULL ? sp_tls_receive(stream->tls, bytes, size, got)
                               : sp_io_receive(stream->fd, bytes, size, got);
}

bool
sp_stream_ended_well(const struct sp_stream *stream)
{
    return stream->tls == NULL || sp_tls_said_goodbye(stream->tls);
}

void
sp_stream_end(struct sp_stream *stream)
{
    (void)shutdown(stream->fd, SHUT_WR); /* if it fails, the peer is gone already */
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

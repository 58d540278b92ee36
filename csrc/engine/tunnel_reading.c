#include "engine/tunnel_reading.h"

#include "engine/hop_passing.h"
#include "engine/roster.h"
#include "upstream/stream.h"

#include <stdint.h>

#define SP_READ_SIZE ((size_t)64 * 1024)

/* Into the pipe that the hop reads; the end, where there are none. */
static void
pass_on(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes)
{
    pthread_mutex_lock(&exchange->mutex);
    bool written = sp_pipe_write(&exchange->request, bytes); /* there is room, the caller asked */
    exchange->request.ended = exchange->request.ended || bytes.len == 0;
    bool starved = exchange->request_starved;
    exchange->request_starved = false;
    pthread_mutex_unlock(&exchange->mutex);
    if (!written) {
        sp_roster_end(loop, exchange, SP_E_NO_MEMORY); /* an end would pass for the client's */
    }
    else if (starved) {
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
    }
}

static size_t
room_upstream(struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    size_t room = sp_pipe_room(&exchange->request);
    pthread_mutex_unlock(&exchange->mutex);
    return room < SP_READ_SIZE ? room : SP_READ_SIZE;
}

static void
pass_end_on(struct sp_loop *loop, struct sp_exchange *exchange)
{
    exchange->client_stream->is_over = true;
    pass_on(loop, exchange, SP_SPAN(""));
}

static enum sp_io
read_client_copy(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;
    char bytes[SP_READ_SIZE];
    size_t room = room_upstream(exchange);
    size_t got = 0;

    if (room == 0) {
        stream->is_held = true;
        return SP_IO_AGAIN;
    }
    enum sp_io io = sp_io_receive(stream->fd, bytes, room, &got);
    if (io == SP_IO_OK) {
        sp_flow_count(&stream->flow, got, loop->now);
        pass_on(loop, exchange, (struct sp_span){bytes, got});
    }
    return io;
}

/* False: it must be copied. */
static bool
read_client_unseen(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_io *io)
{
    struct sp_stream *stream = exchange->client_stream;
    enum sp_passing passing = SP_PASSING_COPY;
    size_t count = SIZE_MAX;

    if (exchange->hop != NULL && sp_flow_is_at_least(&stream->flow, SP_SPLICE_WORTH, loop->now)) {
        passing = sp_hop_pass(exchange->hop, stream->fd, &count, io);
    }
    if (passing == SP_PASSING_LATER) {
        stream->is_held = true;
        *io = SP_IO_AGAIN;
    }
    else if (passing == SP_PASSING_DONE && *io == SP_IO_OK) {
        sp_flow_count(&stream->flow, count, loop->now);
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
    }
    return passing != SP_PASSING_COPY;
}

enum sp_io
sp_tunnel_read(struct sp_loop *loop, struct sp_exchange *exchange)
{
    enum sp_io io;

    if (!read_client_unseen(loop, exchange, &io)) {
        io = read_client_copy(loop, exchange);
    }
    if (io == SP_IO_END) {
        pass_end_on(loop, exchange);
    }
    return io;
}

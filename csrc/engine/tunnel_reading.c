#include "engine/tunnel_reading.h"

#include "engine/connection.h"
#include "engine/hop_passing.h"
#include "engine/roster.h"

#include <stdint.h>

#define SP_READ_SIZE ((size_t)64 * 1024)

/* Into the pipe that the hop reads; the end, where there are none. */
static void
forward(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes)
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
note_end(struct sp_loop *loop, struct sp_exchange *exchange)
{
    exchange->connection->is_client_done = true;
    forward(loop, exchange, SP_SPAN(""));
}

static enum sp_io
read_copy(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;
    char bytes[SP_READ_SIZE];
    size_t room = room_upstream(exchange);
    size_t got = 0;

    if (room == 0) {
        connection->is_crowded = true;
        return SP_IO_AGAIN;
    }
    enum sp_io io = sp_io_receive(connection->fd, bytes, room, &got);
    if (io == SP_IO_OK) {
        sp_flow_count(&connection->flow, got, loop->now);
        forward(loop, exchange, (struct sp_span){bytes, got});
    }
    return io;
}

/* False: it must be copied. */
static bool
read_unseen(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_io *io)
{
    struct sp_connection *connection = exchange->connection;
    enum sp_passing passing = SP_PASSING_COPY;
    size_t count = SIZE_MAX;

    if (exchange->hop != NULL &&
        sp_flow_is_at_least(&connection->flow, SP_SPLICE_WORTH, loop->now)) {
        passing = sp_hop_pass(exchange->hop, connection->fd, &count, io);
    }
    if (passing == SP_PASSING_LATER) {
        connection->is_crowded = true;
        *io = SP_IO_AGAIN;
    }
    else if (passing == SP_PASSING_DONE && *io == SP_IO_OK) {
        sp_flow_count(&connection->flow, count, loop->now);
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
    }
    return passing != SP_PASSING_COPY;
}

enum sp_io
sp_tunnel_read(struct sp_loop *loop, struct sp_exchange *exchange)
{
    enum sp_io io;

    if (!read_unseen(loop, exchange, &io)) {
        io = read_copy(loop, exchange);
    }
    if (io == SP_IO_END) {
        note_end(loop, exchange);
    }
    return io;
}

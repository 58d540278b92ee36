#include "engine/connection.h"

#include "core/descriptors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SP_READ_AWAY_SIZE ((size_t)16 * 1024)

static void
prepare(int fd)
{
    int on = 1;

    /* A Unix socket has no such option, and no such delay. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* Nothing is sent to a client between two requests, nor in a tunnel that is silent: one whose
     * machine has gone would never be found out. Without it, it is as it was. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

enum sp_error
sp_connection_new(int fd, struct sp_connection **connection)
{
    struct sp_connection *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        sp_descriptor_close(fd);
        return SP_E_NO_MEMORY;
    }
    made->fd = fd;
    sp_queue_init(&made->out, SP_CONNECTION_CEILING);
    prepare(fd);
    *connection = made;
    return SP_OK;
}

enum sp_error
sp_connection_adopt(int fd, bool is_tunnel, struct sp_span head, struct sp_connection **connection)
{
    struct sp_connection *made = NULL;

    if (!sp_descriptor_keep(fd) || !sp_descriptor_set_nonblocking(fd)) {
        sp_descriptor_close(fd);
        return SP_E_SYSTEM;
    }
    enum sp_error error = sp_connection_new(fd, &made);
    if (error != SP_OK) {
        return error;
    }
    made->is_tunnel = is_tunnel;
    if (!sp_queue_append(&made->out, head)) {
        sp_connection_free(made);
        return SP_E_NO_MEMORY;
    }
    *connection = made;
    return SP_OK;
}

void
sp_connection_free(struct sp_connection *connection)
{
    if (connection != NULL) {
        sp_connection_close(connection);
        sp_queue_clear(&connection->out);
        free(connection);
    }
}

bool
sp_connection_gather(struct sp_connection *connection, const struct sp_span *spans, size_t count)
{
    size_t taken = 0;
    /* It would overtake what is in the pipe. */
    bool is_open =
        connection->splice == NULL &&
        sp_queue_send(&connection->out, connection->fd, spans, count, &taken) != SP_IO_BROKEN;

    connection->sent += taken;
    return is_open;
}

bool
sp_connection_queue(struct sp_connection *connection, struct sp_span bytes)
{
    return connection->splice == NULL && sp_queue_append(&connection->out, bytes);
}

bool
sp_connection_flush(struct sp_connection *connection)
{
    size_t taken = 0;
    enum sp_io io = SP_IO_OK;

    if (!sp_queue_is_empty(&connection->out)) {
        io = sp_queue_send(&connection->out, connection->fd, NULL, 0, &taken);
    }
    connection->sent += taken;
    if (io == SP_IO_OK && connection->splice != NULL && sp_queue_is_empty(&connection->out)) {
        io = sp_splice_send(&connection->splice, connection->fd, &taken);
        connection->sent += taken;
    }
    return io != SP_IO_BROKEN;
}

bool
sp_connection_pass(struct sp_connection *connection, struct sp_splice *splice)
{
    connection->splice = splice;
    return sp_connection_flush(connection);
}

bool
sp_connection_is_flushed(const struct sp_connection *connection)
{
    return sp_queue_is_empty(&connection->out) && connection->splice == NULL;
}

static void
close_as_it_is(struct sp_connection *connection)
{
    if (connection->state != SP_CONNECTION_CLOSED) {
        connection->state = SP_CONNECTION_CLOSED;
        sp_splice_give_back(connection->splice);
        connection->splice = NULL;
        sp_descriptor_close(connection->fd);
    }
}

/* Whether a close is a reset. A Unix socket knows none; its peer then sees an end. */
static void
set_armed(struct sp_connection *connection, bool is_armed)
{
    struct linger linger = {.l_onoff = is_armed, .l_linger = 0};

    if (connection->is_armed != is_armed && connection->state != SP_CONNECTION_CLOSED) {
        connection->is_armed = is_armed;
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
}

void
sp_connection_arm(struct sp_connection *connection)
{
    set_armed(connection, true);
}

enum sp_io
sp_connection_read_away(struct sp_connection *connection)
{
    char bytes[SP_READ_AWAY_SIZE];
    size_t got = 0;
    enum sp_io io = sp_io_receive(connection->fd, bytes, sizeof(bytes), &got);

    connection->lingered += got;
    return io;
}

void
sp_connection_end(struct sp_connection *connection)
{
    set_armed(connection, false); /* a close behind the end would destroy what is on its way */
    connection->is_ended = true;
    (void)shutdown(connection->fd, SHUT_WR); /* if it fails, the client is gone already */
}

void
sp_connection_reset(struct sp_connection *connection)
{
    set_armed(connection, true);
    close_as_it_is(connection);
}

void
sp_connection_close(struct sp_connection *connection)
{
    set_armed(connection, false);
    close_as_it_is(connection);
}

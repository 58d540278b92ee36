#include "engine/connection.h"

#include "core/descriptors.h"
#include "core/vector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How many of `bytes` the socket takes now. */
static bool
send_now(struct sp_connection *connection, struct sp_span bytes, size_t *count)
{
    *count = 0;
    while (*count < bytes.len) {
        ssize_t sent = send(connection->fd, bytes.data + *count, bytes.len - *count, MSG_NOSIGNAL);
        if (sent < 0) {
            return sp_descriptor_would_block();
        }
        *count += (size_t)sent;
        connection->sent += (size_t)sent;
    }
    return true;
}

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
    sp_buffer_init(&made->out, SP_CONNECTION_CEILING);
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
    if (!sp_buffer_append(&made->out, head)) {
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
        sp_buffer_clear(&connection->out);
        free(connection);
    }
}

static bool
has_out(const struct sp_connection *connection)
{
    return connection->out_sent < connection->out.len;
}

/* It would overtake what is in the pipe. */
static bool
append(struct sp_connection *connection, struct sp_span bytes)
{
    return connection->splice == NULL && sp_buffer_append(&connection->out, bytes);
}

bool
sp_connection_send(struct sp_connection *connection, struct sp_span bytes)
{
    size_t sent = 0;

    if (sp_connection_is_flushed(connection) && !send_now(connection, bytes, &sent)) {
        return false;
    }
    return append(connection, sp_span_from(bytes, sent));
}

static struct sp_span
waiting(const struct sp_connection *connection)
{
    return sp_span_from(sp_buffer_peek(&connection->out), connection->out_sent);
}

/* Most connections are idle most of the time: what is empty holds no memory. */
static void
count_sent(struct sp_connection *connection, size_t count)
{
    connection->out_sent += count;
    if (!has_out(connection)) {
        sp_buffer_clear(&connection->out);
        connection->out_sent = 0;
    }
}

/* What is left of `span` when `*sent` bytes of it and what follows it are gone. */
static struct sp_span
cut_sent(struct sp_span span, size_t *sent)
{
    size_t count = *sent < span.len ? *sent : span.len;

    *sent -= count;
    return sp_span_from(span, count);
}

bool
sp_connection_gather(struct sp_connection *connection, const struct sp_span *spans, size_t count)
{
    struct iovec vector[SP_GATHER_MAX + 1];
    struct sp_span first = waiting(connection);

    vector[0] = sp_vector(first);
    for (size_t i = 0; i < count; i++) {
        vector[i + 1] = sp_vector(spans[i]);
    }
    /* Its own type is an int here and a size_t there: this fits both. */
    unsigned short pieces = (unsigned short)(count + 1);
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = pieces};
    ssize_t result = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (result < 0 && !sp_descriptor_would_block()) {
        return false;
    }
    size_t sent = result > 0 ? (size_t)result : 0;
    connection->sent += sent;
    size_t of_first = first.len - cut_sent(first, &sent).len;
    count_sent(connection, of_first);
    for (size_t i = 0; i < count; i++) {
        if (!append(connection, cut_sent(spans[i], &sent))) {
            return false;
        }
    }
    return true;
}

bool
sp_connection_queue(struct sp_connection *connection, struct sp_span bytes)
{
    return append(connection, bytes);
}

static bool
drain_splice(struct sp_connection *connection)
{
    ssize_t sent = 0;

    while (connection->splice->held > 0 && sent >= 0) {
        sent = sp_splice_drain(connection->splice, connection->fd);
        connection->sent += sent > 0 ? (size_t)sent : 0;
    }
    if (sent < 0) {
        return sp_descriptor_would_block();
    }
    sp_splice_give_back(connection->splice);
    connection->splice = NULL;
    return true;
}

bool
sp_connection_flush(struct sp_connection *connection)
{
    size_t sent = 0;

    if (!send_now(connection, waiting(connection), &sent)) {
        return false;
    }
    count_sent(connection, sent);
    return connection->splice == NULL || has_out(connection) || drain_splice(connection);
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
    return !has_out(connection) && connection->splice == NULL;
}

void
sp_connection_end(struct sp_connection *connection)
{
    connection->is_ended = true;
    (void)shutdown(connection->fd, SHUT_WR); /* if it fails, the client is gone already */
}

void
sp_connection_reset(struct sp_connection *connection)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    /* A Unix socket knows no reset; its peer then sees an end. */
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    sp_connection_close(connection);
}

void
sp_connection_close(struct sp_connection *connection)
{
    if (connection->state != SP_CONNECTION_CLOSED) {
        connection->state = SP_CONNECTION_CLOSED;
        sp_splice_give_back(connection->splice);
        connection->splice = NULL;
        sp_descriptor_close(connection->fd);
    }
}

#include "engine/relay.h"

#include "core/clock.h"
#include "engine/client_end.h"
#include "engine/client_socket.h"
#include "engine/connection.h"
#include "engine/hop.h"
#include "engine/roster.h"
#include "engine/tunnel_reading.h"

#include <stddef.h>

#define SP_LINGER_CEILING ((size_t)64 * 1024)

/* While the last bytes wait for a client that reads slowly, what it sends waits too. */
static bool
is_read(const struct sp_connection *connection)
{
    return !connection->is_client_done && !connection->is_crowded &&
           connection->state != SP_CONNECTION_FLUSHING;
}

/* Between its bytes a tunnel, or an event stream, may be silent for as long as it likes; but what
 * is there the client must take, and its end must come. */
static void
note_patience(struct sp_connection *connection)
{
    bool lingers = connection->state == SP_CONNECTION_LINGERING;
    enum sp_wait wait = lingers ? SP_WAIT_LINGER : SP_WAIT_CLIENT;
    bool goes_on = sp_timer_is_set(&connection->timer) && connection->timer.wait == wait;

    if (!lingers && sp_connection_is_flushed(connection)) {
        sp_timer_clear(&connection->timer);
    }
    else if (!goes_on || (!lingers && connection->sent != connection->sent_before)) {
        connection->sent_before = connection->sent;
        sp_timers_set(connection->timers, &connection->timer, wait, sp_clock_now());
    }
}

static void
watch_client(struct sp_sockets *sockets, struct sp_connection *connection)
{
    note_patience(connection);
    /* An error is told also when nothing else is wanted; but once our stream has ended, the
     * end of the client's is told as one too, and may have to wait until there is room. */
    unsigned events = connection->is_ended ? 0U : SP_POLL_ERROR;

    events |= is_read(connection) ? SP_POLL_IN : 0U;
    events |= sp_connection_is_flushed(connection) ? 0U : SP_POLL_OUT;
    sp_sockets_watch(sockets, connection->fd, events);
}

/* The last of a connection; its exchange may go with it. */
static void
let_go(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->previous_relayed != NULL) {
        exchange->previous_relayed->next_relayed = exchange->next_relayed;
    }
    else {
        loop->relayed = exchange->next_relayed;
    }
    if (exchange->next_relayed != NULL) {
        exchange->next_relayed->previous_relayed = exchange->previous_relayed;
    }
    loop->relayed_count--;
    sp_timer_clear(&exchange->connection->timer);
    sp_connection_free(exchange->connection);
    exchange->connection = NULL;
    sp_exchange_give_back(exchange);
}

static void
close_connection(struct sp_loop *loop, struct sp_exchange *exchange, bool reset)
{
    struct sp_connection *connection = exchange->connection;

    sp_sockets_disown(&loop->sockets, connection->fd);
    if (reset) {
        sp_connection_reset(connection);
    }
    else {
        sp_connection_close(connection);
    }
    let_go(loop, exchange);
}

/* Gone, or as good as gone: the upstream is told by the end of its own connection. */
static void
give_up(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->state == SP_EXCHANGE_DONE) {
        close_connection(loop, exchange, true);
    }
    else {
        sp_roster_end(loop, exchange, SP_E_CLIENT_GONE); /* which resets the connection */
    }
}

/* What a client sends that nobody reads: behind a request for events, or after a tunnel. */
static void
read_unwanted(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;
    enum sp_io io = sp_connection_read_away(connection);
    bool is_over = io == SP_IO_END || io == SP_IO_BROKEN;

    connection->is_client_done = is_over;
    if (is_over && connection->state == SP_CONNECTION_LINGERING) {
        close_connection(loop, exchange, false);
    }
    else if ((is_over && connection->state == SP_CONNECTION_OPEN) ||
             connection->lingered > SP_LINGER_CEILING) {
        give_up(loop, exchange);
    }
}

static void
patience_ended(struct sp_loop *loop, struct sp_timer *timer)
{
    char *at = (char *)timer - offsetof(struct sp_connection, timer);
    struct sp_connection *connection = (struct sp_connection *)(void *)at;

    if (timer->wait == SP_WAIT_LINGER) {
        close_connection(loop, connection->exchange, false);
    }
    else {
        give_up(loop, connection->exchange);
    }
}

static void
flush(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;

    if (!sp_connection_flush(connection)) {
        give_up(loop, exchange);
        return;
    }
    if (!sp_connection_is_flushed(connection)) {
        watch_client(&loop->sockets, connection);
        return;
    }
    if (connection->state == SP_CONNECTION_FLUSHING && connection->is_client_done) {
        close_connection(loop, exchange, false);
        return;
    }
    if (connection->state == SP_CONNECTION_FLUSHING) {
        sp_connection_end(connection);
        connection->state = SP_CONNECTION_LINGERING;
        connection->is_crowded = false;
    }
    if (exchange->hop != NULL && exchange->hop->is_silent) {
        sp_connection_end(connection);
    }
    watch_client(&loop->sockets, connection);
    if (exchange->response_held) {
        sp_roster_resume(loop, exchange, SP_WISH_RECEIVE);
    }
}

/* The hop may have ended the exchange, and its connection with it. */
static void
flush_if_open(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->connection != NULL) {
        flush(loop, exchange);
    }
}

static void
read_client(struct sp_loop *loop, struct sp_exchange *exchange)
{
    const struct sp_connection *connection = exchange->connection;

    if (!connection->is_tunnel || connection->state != SP_CONNECTION_OPEN) {
        read_unwanted(loop, exchange);
    }
    else if (sp_tunnel_read(loop, exchange) == SP_IO_BROKEN) {
        give_up(loop, exchange);
    }
}

static void
relayed_client_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    const struct sp_connection *connection = (struct sp_connection *)(void *)watcher;
    struct sp_exchange *exchange = connection->exchange;
    /* Kept, since the connection may be closed on the way. */
    struct sp_exchange *kept = sp_exchange_take(exchange);
    /* Where both ends have said that they are through, it shows as an error. */
    bool lingers = connection->state == SP_CONNECTION_LINGERING;

    if (lingers || ((events & SP_POLL_IN) != 0 && is_read(connection))) {
        read_client(loop, exchange);
    }
    else if ((events & SP_POLL_ERROR) != 0 && !connection->is_ended &&
             sp_client_is_gone(connection->fd)) {
        /* Looked at again: the event may be of a socket that had this number before. */
        give_up(loop, exchange);
    }
    flush_if_open(loop, exchange);
    sp_exchange_give_back(kept);
}

/* What the pipe holds goes out before what comes next. */
static bool
empty_pipe(struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;
    bool kept = true;

    pthread_mutex_lock(&exchange->mutex);
    for (struct sp_span bytes = sp_pipe_peek(&exchange->response); bytes.len > 0 && kept;
         bytes = sp_pipe_peek(&exchange->response)) {
        kept = sp_queue_append(&connection->out, bytes);
        sp_pipe_consume(&exchange->response, bytes.len);
    }
    pthread_mutex_unlock(&exchange->mutex);
    return kept;
}

static void
hold_while_full(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (!sp_connection_is_flushed(exchange->connection)) {
        sp_exchange_hold(exchange);
        watch_client(&loop->sockets, exchange->connection);
    }
}

/* (17) Straight to the client. */
static enum sp_error
send_to_client(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes, bool more)
{
    struct sp_connection *connection = exchange->connection;

    (void)more;
    if (!sp_connection_gather(connection, &bytes, 1)) {
        return SP_E_CLIENT_GONE;
    }
    hold_while_full(loop, exchange);
    return SP_OK;
}

static enum sp_error
splice_to_client(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_splice *splice)
{
    if (!sp_connection_pass(exchange->connection, splice)) {
        return SP_E_CLIENT_GONE;
    }
    hold_while_full(loop, exchange);
    return SP_OK;
}

static void
read_client_again(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;

    if (connection->is_crowded) {
        connection->is_crowded = false;
        watch_client(&loop->sockets, connection);
    }
}

/* (18) The client sees an end once it has all before it, and may go on sending. */
static enum sp_error
end_to_client(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_connection *connection = exchange->connection;

    if (!sp_connection_flush(connection)) {
        return SP_E_CLIENT_GONE;
    }
    if (sp_connection_is_flushed(connection)) {
        sp_connection_end(connection);
    }
    watch_client(&loop->sockets, connection);
    return SP_OK;
}

/* (18) The end, or a reset, is passed on. */
static void
pass_end(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->error != SP_OK) {
        close_connection(loop, exchange, true);
        return;
    }
    exchange->connection->state = SP_CONNECTION_FLUSHING;
    flush(loop, exchange);
}

/* Its head went out before, or is the caller's. */
static void
pass_over(struct sp_loop *loop, struct sp_exchange *exchange)
{
    (void)loop;
    (void)exchange;
}

static enum sp_error
let_pass(struct sp_loop *loop, struct sp_exchange *exchange)
{
    (void)loop;
    (void)exchange;
    return SP_OK;
}

static const struct sp_client_end relay_end = {
    .interim = pass_over,
    .answer = let_pass,
    .receive = send_to_client,
    .pass = splice_to_client,
    .drained = read_client_again,
    .end_half = end_to_client,
    .ended = pass_end,
};

/* (16) The connection becomes the exchange's client end. */
void
sp_relay_begin(struct sp_loop *loop, struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->connection = exchange->offered;
    exchange->offered = NULL;
    pthread_mutex_unlock(&exchange->mutex);
    exchange->connection->watcher.happened = relayed_client_stirred;
    exchange->connection->timer.expired = patience_ended;
    exchange->connection->timers = &loop->timers;
    exchange->connection->exchange = exchange;
    exchange->client_end = &relay_end;
    sp_connection_arm(exchange->connection);
    exchange->next_relayed = loop->relayed;
    if (loop->relayed != NULL) {
        loop->relayed->previous_relayed = exchange;
    }
    loop->relayed = sp_exchange_take(exchange);
    loop->relayed_count++;
    bool kept = empty_pipe(exchange);
    if (!sp_sockets_own(&loop->sockets, exchange->connection->fd, &exchange->connection->watcher) ||
        !kept) {
        give_up(loop, exchange);
    }
    else if (exchange->state == SP_EXCHANGE_DONE) {
        pass_end(loop, exchange);
    }
    else {
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
        flush_if_open(loop, exchange);
    }
}

void
sp_relay_end_all(struct sp_loop *loop)
{
    while (loop->relayed != NULL) {
        close_connection(loop, loop->relayed, true);
    }
}

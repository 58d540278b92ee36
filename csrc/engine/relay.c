#include "engine/relay.h"

#include "core/clock.h"
#include "engine/client_end.h"
#include "engine/client_socket.h"
#include "engine/hop.h"
#include "engine/roster.h"
#include "engine/tunnel_reading.h"
#include "upstream/stream.h"

#define SP_LINGER_CEILING ((size_t)64 * 1024)

/* While the last bytes wait for a client that reads slowly, what it sends waits too. */
static bool
is_read(const struct sp_exchange *exchange)
{
    const struct sp_stream *stream = exchange->client_stream;

    return !stream->is_over && !stream->is_held && exchange->relay != SP_RELAY_FLUSHING;
}

/* Between its bytes a tunnel, or an event stream, may be silent for as long as it likes; but what
 * is there the client must take, and its end must come. */
static void
note_patience(struct sp_loop *loop, const struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;
    bool lingers = exchange->relay == SP_RELAY_LINGERING;
    enum sp_wait wait = lingers ? SP_WAIT_LINGER : SP_WAIT_CLIENT;
    bool goes_on = sp_timer_is_set(&stream->timer) && stream->timer.wait == wait;

    if (!lingers && !sp_stream_is_behind(stream)) {
        sp_timer_clear(&stream->timer);
    }
    else if (!goes_on || (!lingers && stream->sent != stream->sent_before)) {
        stream->sent_before = stream->sent;
        sp_timers_set(&loop->timers, &stream->timer, wait, sp_clock_now());
    }
}

static void
watch_client(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;
    /* An error is told also when nothing else is wanted; but once our stream has ended, the
     * end of the client's is told as one too, and may have to wait until there is room. */
    unsigned events = stream->is_ended ? 0U : SP_POLL_ERROR;

    note_patience(loop, exchange);
    events |= is_read(exchange) ? SP_POLL_IN : 0U;
    events |= sp_stream_is_behind(stream) ? SP_POLL_OUT : 0U;
    sp_stream_watch(stream, events);
}

/* The last of a connection; its exchange may go with it. */
static void
let_client_go(struct sp_loop *loop, struct sp_exchange *exchange)
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
    sp_stream_free(exchange->client_stream);
    exchange->client_stream = NULL;
    sp_exchange_give_back(exchange);
}

static void
close_connection(struct sp_loop *loop, struct sp_exchange *exchange, bool reset)
{
    if (reset) {
        sp_stream_reset(exchange->client_stream);
    }
    let_client_go(loop, exchange);
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
    struct sp_stream *stream = exchange->client_stream;
    enum sp_io io = sp_stream_read_away(stream);
    bool is_over = io == SP_IO_END || io == SP_IO_BROKEN;

    stream->is_over = is_over;
    if (is_over && exchange->relay == SP_RELAY_LINGERING) {
        close_connection(loop, exchange, false);
    }
    else if ((is_over && exchange->relay == SP_RELAY_OPEN) ||
             stream->lingered > SP_LINGER_CEILING) {
        give_up(loop, exchange);
    }
}

static void
relayed_client_is_late(struct sp_loop *loop, struct sp_timer *timer)
{
    struct sp_exchange *exchange = sp_stream_of_timer(timer)->user;

    if (timer->wait == SP_WAIT_LINGER) {
        close_connection(loop, exchange, false);
    }
    else {
        give_up(loop, exchange);
    }
}

static void
flush(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;

    if (sp_stream_flush(stream) == SP_IO_BROKEN) {
        give_up(loop, exchange);
        return;
    }
    if (sp_stream_is_behind(stream)) {
        watch_client(loop, exchange);
        return;
    }
    if (exchange->relay == SP_RELAY_FLUSHING && stream->is_over) {
        close_connection(loop, exchange, false);
        return;
    }
    if (exchange->relay == SP_RELAY_FLUSHING) {
        sp_stream_end(stream);
        exchange->relay = SP_RELAY_LINGERING;
        stream->is_held = false;
    }
    if (exchange->hop != NULL && exchange->hop->is_silent) {
        sp_stream_end(stream);
    }
    watch_client(loop, exchange);
    if (exchange->response_held) {
        sp_roster_resume(loop, exchange, SP_WISH_RECEIVE);
    }
}

/* The hop may have ended the exchange, and its connection with it. */
static void
flush_if_open(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->client_stream != NULL) {
        flush(loop, exchange);
    }
}

static void
read_client(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->head.status != 101 || exchange->relay != SP_RELAY_OPEN) {
        read_unwanted(loop, exchange);
    }
    else if (sp_tunnel_read(loop, exchange) == SP_IO_BROKEN) {
        give_up(loop, exchange);
    }
}

static void
relayed_client_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    const struct sp_stream *stream = (struct sp_stream *)(void *)watcher;
    struct sp_exchange *exchange = stream->user;
    /* Kept, since the connection may be closed on the way. */
    struct sp_exchange *kept = sp_exchange_take(exchange);
    /* Where both ends have said that they are through, it shows as an error. */
    bool lingers = exchange->relay == SP_RELAY_LINGERING;

    if (lingers || ((events & SP_POLL_IN) != 0 && is_read(exchange))) {
        read_client(loop, exchange);
    }
    else if ((events & SP_POLL_ERROR) != 0 && !stream->is_ended && sp_client_is_gone(stream->fd)) {
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
    struct sp_stream *stream = exchange->client_stream;
    bool kept = true;

    pthread_mutex_lock(&exchange->mutex);
    for (struct sp_span bytes = sp_pipe_peek(&exchange->response); bytes.len > 0 && kept;
         bytes = sp_pipe_peek(&exchange->response)) {
        kept = sp_queue_append(&stream->out, bytes);
        sp_pipe_consume(&exchange->response, bytes.len);
    }
    pthread_mutex_unlock(&exchange->mutex);
    return kept;
}

static void
hold_while_full(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (sp_stream_is_behind(exchange->client_stream)) {
        sp_exchange_hold(exchange);
        watch_client(loop, exchange);
    }
}

/* (14) Straight to the client. */
static enum sp_error
send_to_client(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes, bool more)
{
    (void)more;
    if (!sp_stream_gather(exchange->client_stream, &bytes, 1)) {
        return SP_E_CLIENT_GONE;
    }
    hold_while_full(loop, exchange);
    return SP_OK;
}

static enum sp_error
splice_to_client(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_splice *splice)
{
    sp_stream_pass(exchange->client_stream, splice);
    if (sp_stream_flush(exchange->client_stream) == SP_IO_BROKEN) {
        return SP_E_CLIENT_GONE;
    }
    hold_while_full(loop, exchange);
    return SP_OK;
}

static void
read_client_again(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;

    if (stream->is_held) {
        stream->is_held = false;
        watch_client(loop, exchange);
    }
}

/* (15) The client sees an end once it has all before it, and may go on sending. */
static enum sp_error
end_to_client(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_stream *stream = exchange->client_stream;

    if (sp_stream_flush(stream) == SP_IO_BROKEN) {
        return SP_E_CLIENT_GONE;
    }
    if (!sp_stream_is_behind(stream)) {
        sp_stream_end(stream);
    }
    watch_client(loop, exchange);
    return SP_OK;
}

/* (15) The end, or a reset, is passed on. */
static void
pass_end(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->error != SP_OK) {
        close_connection(loop, exchange, true);
        return;
    }
    exchange->relay = SP_RELAY_FLUSHING;
    flush(loop, exchange);
}

/* Its head went out before, or is the caller's. */
static enum sp_error
let_pass(struct sp_loop *loop, struct sp_exchange *exchange)
{
    (void)loop;
    (void)exchange;
    return SP_OK;
}

static const struct sp_client_end relay_end = {
    .answer = let_pass,
    .receive = send_to_client,
    .pass = splice_to_client,
    .drained = read_client_again,
    .end_half = end_to_client,
    .ended = pass_end,
};

/* (13) The connection becomes the exchange's client end. */
void
sp_relay_begin(struct sp_loop *loop, struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->client_stream = exchange->offered;
    exchange->offered = NULL;
    pthread_mutex_unlock(&exchange->mutex);
    struct sp_stream *stream = exchange->client_stream;
    sp_stream_give_to(stream, exchange, relayed_client_stirred);
    stream->timer.expired = relayed_client_is_late;
    stream->is_held = stream->is_over = false; /* what the listener has seen shows again */
    sp_stream_arm(stream);
    exchange->client_end = &relay_end;
    exchange->next_relayed = loop->relayed;
    if (loop->relayed != NULL) {
        loop->relayed->previous_relayed = exchange;
    }
    loop->relayed = sp_exchange_take(exchange);
    loop->relayed_count++;
    bool kept = empty_pipe(exchange);
    if (!sp_stream_join(stream, &loop->sockets) || !kept) {
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

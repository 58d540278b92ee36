#include "engine/hop.h"

#include "core/clock.h"
#include "engine/holding.h"
#include "engine/hop_answer.h"
#include "engine/hop_reading.h"
#include "engine/hop_request.h"
#include "engine/hops.h"
#include "engine/loop.h"
#include "engine/roster.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* How many times a TLS connection is read before others have their turn. */
#define SP_TLS_READS 16

static void
watch(struct sp_hop *hop)
{
    unsigned events = hop->is_blocked ? SP_POLL_OUT : 0U;

    if (!hop->exchange->response_held && !hop->is_silent) {
        events |= SP_POLL_IN;
    }
    else if (hop->is_silent) {
        events |= SP_POLL_ERROR; /* a client that goes on would not see a reset else */
    }
    sp_stream_watch(hop->stream, events);
}

/* Nothing of it waits in TLS either. */
static bool
is_request_out(const struct sp_hop *hop)
{
    return hop->is_request_done && !sp_stream_is_behind(hop->stream);
}

static bool
is_over(const struct sp_hop *hop)
{
    const struct sp_exchange *exchange = hop->exchange;

    if (hop->extent == SP_EXTENT_TUNNEL && exchange->head.complete) {
        return hop->is_silent && (hop->stream->is_ended || hop->is_send_broken);
    }
    return hop->is_answer_done &&
           (is_request_out(hop) || exchange->body_length == SP_BODY_TUNNEL ||
            !sp_status_wants_body(exchange->head.status) || !sp_hop_answer_leaves_connection(hop));
}

static void
settle(struct sp_hop *hop)
{
    if (hop->fault != SP_OK) {
        sp_roster_end(hop->loop, hop->exchange, hop->fault);
    }
    else if (hop->stream != NULL && is_over(hop)) {
        sp_roster_end(hop->loop, hop->exchange, SP_OK);
    }
    else if (hop->stream != NULL) {
        watch(hop);
    }
}

static void begin_to_connect(struct sp_hop *hop);

/* (5) Only what is the same when it is done twice, or never began, is said on another connection,
 * and only if the one that had been used gave no byte. */
static bool
begins_anew(struct sp_hop *hop)
{
    bool is_lost = hop->is_uncertain && !hop->is_underway;
    bool is_repeated = hop->is_reused && sp_hop_request_is_repeatable(hop);

    if (hop->is_heard || (!is_lost && !is_repeated)) {
        return false;
    }
    sp_shortcuts_forget(&hop->loop->shortcuts, hop->exchange->upstream);
    sp_stream_free(hop->stream);
    hop->stream = NULL;
    hop->is_reused = hop->is_uncertain = hop->is_underway = false;
    hop->head.gone = 0;
    hop->is_request_done = hop->is_blocked = hop->is_send_broken = false;
    hop->exchange->sent = SP_NEVER;
    begin_to_connect(hop);
    return true;
}

/* False: nothing more is there for now. */
static bool
receive_once(struct sp_hop *hop)
{
    enum sp_io io = sp_hop_read(hop);

    switch (io) {
    case SP_IO_OK:
        return true;
    case SP_IO_AGAIN:
        return false;
    case SP_IO_SHORT:
        hop->fault = SP_E_NO_MEMORY;
        return false;
    case SP_IO_END:
    case SP_IO_BROKEN:
        break;
    }
    if (!begins_anew(hop)) {
        sp_hop_answer_end(hop, io == SP_IO_BROKEN);
    }
    return false;
}

static bool
is_reading(const struct sp_hop *hop)
{
    return hop->stream != NULL && !hop->exchange->response_held && !hop->is_silent &&
           hop->fault == SP_OK;
}

/* A plain connection tells when there is more; what TLS holds does not show. */
static void
receive(struct sp_hop *hop)
{
    unsigned reads = hop->stream->tls != NULL ? SP_TLS_READS : 1;
    bool goes_on = true;

    while (goes_on && reads > 0 && is_reading(hop)) {
        goes_on = receive_once(hop) && !is_over(hop);
        reads--;
    }
    if (goes_on && is_reading(hop) && hop->stream->tls != NULL) {
        sp_hop_make_ready(hop);
    }
}

static void
run_hop(struct sp_hop *hop)
{
    sp_loop_stir(hop->loop);
    if (hop->stream != NULL) {
        sp_hop_request_send(hop);
        receive(hop);
    }
    settle(hop);
}

static void
hop_happened(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_hop *hop = ((struct sp_stream *)(void *)watcher)->user;

    sp_loop_stir(loop);
    if (hop->is_blocked && (events & (SP_POLL_OUT | SP_POLL_ERROR)) != 0) {
        sp_hop_request_send(hop);
    }
    if ((events & (SP_POLL_IN | SP_POLL_ERROR)) != 0) {
        /* A broken tunnel shows only so once its upstream's stream has ended. */
        hop->is_silent = hop->is_silent && (events & SP_POLL_ERROR) == 0;
        receive(hop);
    }
    settle(hop);
}

static void
take_on(struct sp_hop *hop, struct sp_stream *stream)
{
    hop->stream = stream;
    hop->is_reused = stream->is_used;
    sp_stream_give_to(stream, hop, hop_happened);
    sp_hop_request_send(hop);
    if (hop->is_send_broken || stream->tls != NULL) {
        sp_hop_make_ready(hop); /* TLS may hold bytes already, which do not show */
    }
    watch(hop);
}

static void
held_long_enough(struct sp_loop *loop, struct sp_timer *timer)
{
    struct sp_hop *hop = (struct sp_hop *)(void *)((char *)timer - offsetof(struct sp_hop, held));

    (void)loop;
    if (atomic_load(&hop->exchange->upstream->is_left)) {
        hop->fault = SP_E_MOVED;
        sp_hop_make_ready(hop);
        return;
    }
    begin_to_connect(hop);
}

static void
connected(struct sp_loop *loop, void *owner, const struct sp_connected *connected)
{
    struct sp_hop *hop = owner;

    sp_loop_stir(loop);
    hop->attempt = NULL;
    if (sp_holding_begin(hop, connected->error, held_long_enough)) {
        return;
    }
    hop->fault = connected->error;
    hop->words = connected->error != SP_OK ? connected->words : NULL;
    if (hop->fault == SP_OK) {
        struct sp_stream *stream =
            sp_stream_new(&loop->sockets, hop->exchange->upstream, connected);
        if (stream != NULL) {
            sp_shortcuts_note(&loop->shortcuts, stream->upstream, stream->fd, loop->now);
            take_on(hop, stream);
            return;
        }
        hop->fault = SP_E_NO_MEMORY;
    }
    settle(hop);
}

static void
begin_to_connect(struct sp_hop *hop)
{
    struct sp_loop *loop = hop->loop;
    size_t most = hop->exchange->upstream->options.max_connections;

    /* Those that rest are connections, too; this one has been counted among the running. */
    sp_pool_trim(&loop->pool, most > loop->running ? most - loop->running : 0);
    struct sp_stream *stream =
        sp_stream_guess(&loop->sockets, &loop->shortcuts, hop->exchange->upstream, loop->now);

    hop->is_uncertain = stream != NULL;
    if (stream != NULL) {
        take_on(hop, stream);
        return;
    }
    hop->attempt = sp_connector_begin(loop->connector, hop->exchange->upstream, connected, hop);
    if (hop->attempt == NULL) {
        hop->fault = SP_E_NO_MEMORY;
        sp_hop_make_ready(hop);
    }
}

/* Of the one before nothing stays but memory. */
static void
reset(struct sp_hop *hop, struct sp_exchange *exchange)
{
    *hop = (struct sp_hop){
        .loop = hop->loop,
        .head = hop->head,
        .chunked = hop->chunked,
        .exchange = exchange,
        .is_head = strcmp(exchange->method, "HEAD") == 0,
    };
    exchange->hop = hop;
}

/* (4) On a connection that rests, or on a new one. */
enum sp_error
sp_hop_begin(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_hop *hop = sp_hops_borrow(loop);
    struct sp_stream *stream = NULL;

    assert(exchange->hop == NULL);
    if (hop == NULL) {
        return SP_E_NO_MEMORY;
    }
    reset(hop, exchange);
    if (!sp_hop_request_begin(hop)) {
        return SP_E_NO_MEMORY;
    }
    /* (12) An upgrade's is its own. */
    if (exchange->body_length != SP_BODY_TUNNEL) {
        stream = sp_pool_take(&loop->pool, exchange->upstream, loop->now);
    }
    if (stream != NULL) {
        take_on(hop, stream);
    }
    else {
        begin_to_connect(hop);
    }
    return SP_OK;
}

static void
leave_stream(struct sp_hop *hop, enum sp_error error)
{
    bool is_reusable = error == SP_OK && hop->is_answer_done && is_request_out(hop) &&
                       sp_hop_answer_leaves_connection(hop);

    if (is_reusable) {
        sp_pool_put(&hop->loop->pool, hop->stream, hop->loop->now, hop->exchange->head.keep_alive);
    }
    else {
        sp_stream_free(hop->stream);
    }
    hop->stream = NULL;
}

void
sp_hop_end(struct sp_hop *hop, enum sp_error error)
{
    if (hop->attempt != NULL) {
        sp_connector_cancel(hop->loop->connector, hop->attempt);
        hop->attempt = NULL;
    }
    if (hop->stream != NULL) {
        leave_stream(hop, error);
    }
    sp_holding_end(hop);
    sp_hop_count_behind(hop, 0);
    hop->exchange->hop = NULL;
    hop->exchange = NULL;
    if (!hop->is_ready) {
        sp_hops_give_back(hop); /* else it is where it was to be run */
    }
}

void
sp_hop_send(struct sp_hop *hop)
{
    if (hop->stream == NULL) {
        return; /* it is looked at once there is one */
    }
    sp_hop_request_send(hop);
    if (hop->is_send_broken || is_over(hop)) {
        sp_hop_make_ready(hop);
    }
    watch(hop);
}

void
sp_hop_receive(struct sp_hop *hop)
{
    if (hop->stream != NULL) {
        watch(hop);
    }
    if (hop->stream != NULL && hop->stream->tls != NULL) {
        sp_hop_make_ready(hop);
    }
}

bool
sp_hop_is_connected(const struct sp_hop *hop)
{
    return hop->stream != NULL && (!hop->is_uncertain || hop->is_underway);
}

void
sp_hop_make_ready(struct sp_hop *hop)
{
    if (!hop->is_ready) {
        hop->is_ready = true;
        hop->next_ready = hop->loop->ready;
        hop->loop->ready = hop;
    }
}

void
sp_hop_run_ready(struct sp_loop *loop)
{
    struct sp_hop *hop = loop->ready;

    loop->ready = NULL;
    while (hop != NULL) {
        struct sp_hop *next = hop->next_ready;
        hop->is_ready = false;
        if (hop->exchange != NULL) {
            run_hop(hop);
        }
        else {
            sp_hops_give_back(hop);
        }
        hop = next;
    }
}

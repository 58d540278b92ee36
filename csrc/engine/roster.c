#include "engine/roster.h"

#include "core/clock.h"
#include "engine/client_end.h"
#include "engine/hop.h"

#include <stdio.h>
#include <string.h>

static void
link_last(struct sp_exchanges *list, struct sp_exchange *exchange)
{
    exchange->next = NULL;
    exchange->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = exchange;
    list->last = exchange;
}

static void
unlink_exchange(struct sp_exchanges *list, struct sp_exchange *exchange)
{
    struct sp_exchange *previous = exchange->previous;
    struct sp_exchange *next = exchange->next;

    *(previous != NULL ? &previous->next : &list->first) = next;
    *(next != NULL ? &next->previous : &list->last) = previous;
}

static void
set_state(struct sp_exchange *exchange, enum sp_exchange_state state)
{
    pthread_mutex_lock(&exchange->mutex);
    sp_exchange_set_state(exchange, state);
    pthread_mutex_unlock(&exchange->mutex);
}

static void
mark_as_done(struct sp_exchange *exchange, enum sp_error error, const char *words)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->error = error;
    (void)snprintf(exchange->detail, sizeof(exchange->detail), "%s", words);
    sp_exchange_set_state(exchange, SP_EXCHANGE_DONE);
    sp_exchange_notify(exchange);
    pthread_mutex_unlock(&exchange->mutex);
}

static void
begin_with_hop(struct sp_loop *loop, struct sp_exchange *exchange)
{
    set_state(exchange, SP_EXCHANGE_SENDING);
    exchange->active = loop->now;
    link_last(&loop->working, exchange);
    loop->running++;
    enum sp_error error = sp_hop_begin(loop, exchange);
    if (error != SP_OK) {
        sp_roster_end(loop, exchange, error);
    }
}

/* What is still to begin when the engine stops is not said to anybody. */
static bool
may_begin(const struct sp_loop *loop, const struct sp_exchange *exchange)
{
    return loop->running < exchange->upstream->options.max_connections &&
           !atomic_load(&loop->mailbox.stopping);
}

/* A connection is free: the one that waits longest has it, of those to whose upstream there may be
 * one more. */
static void
begin_waiting(struct sp_loop *loop)
{
    struct sp_exchange *exchange = loop->waiting.first;

    while (exchange != NULL && !may_begin(loop, exchange)) {
        exchange = exchange->next;
    }
    if (exchange != NULL) {
        unlink_exchange(&loop->waiting, exchange);
        begin_with_hop(loop, exchange);
    }
}

/* At the listener its request has a row already. */
static void
show(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_feed_request request = {
        .method = {exchange->method, strlen(exchange->method)},
        .target = {exchange->target, strlen(exchange->target)},
        .name = sp_upstream_place(exchange->upstream),
        .who = SP_FEED_FIRST_FRONTEND,
        .now = loop->now,
    };

    exchange->row = sp_feed_open(loop->feed, 0, &request);
}

/* (3) A hop, or a place among those that wait for a connection. */
void
sp_roster_admit(struct sp_loop *loop, struct sp_exchange *exchange)
{
    exchange->started = exchange->active = loop->now;
    sp_loop_stir(loop);
    if (sp_feed_scope(loop->feed) == SP_FEED_PROCESS) {
        show(loop, exchange);
    }
    if (may_begin(loop, exchange)) {
        begin_with_hop(loop, exchange);
    }
    else {
        set_state(exchange, SP_EXCHANGE_WAITING);
        link_last(&loop->waiting, exchange);
    }
}

/* (10) The upstream is through, or the exchange is given up. */
void
sp_roster_end(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_error error)
{
    struct sp_hop *hop = exchange->hop;
    const char *words = exchange->head.broken;

    if (exchange->state == SP_EXCHANGE_DONE) {
        return;
    }
    bool is_waiting = exchange->state == SP_EXCHANGE_WAITING;
    loop->running -= is_waiting ? 0 : 1;
    if (words == NULL && hop != NULL) {
        words = hop->words;
    }
    unlink_exchange(is_waiting ? &loop->waiting : &loop->working, exchange);
    /* First: whoever hears that it is done may have more to say of its row. */
    sp_feed_end(loop->feed, exchange->row, error, loop->now);
    mark_as_done(exchange, error, words != NULL ? words : "");
    if (hop != NULL) {
        sp_hop_end(hop, error);
    }
    if (exchange->client_end->ended != NULL) {
        exchange->client_end->ended(loop, exchange);
    }
    sp_exchange_give_back(exchange);
    if (!is_waiting) {
        begin_waiting(loop);
    }
}

void
sp_roster_end_all(struct sp_loop *loop)
{
    while (loop->waiting.first != NULL) {
        sp_roster_end(loop, loop->waiting.first, SP_E_SHUTDOWN);
    }
    while (loop->working.first != NULL) {
        sp_roster_end(loop, loop->working.first, SP_E_SHUTDOWN);
    }
}

void
sp_roster_resume(struct sp_loop *loop, struct sp_exchange *exchange, unsigned wishes)
{
    sp_loop_stir(loop);
    if (exchange->hop == NULL) {
        return;
    }
    if ((wishes & SP_WISH_RECEIVE) != 0) {
        pthread_mutex_lock(&exchange->mutex);
        /* A wish may be told twice, and what it was for have come after the first time. */
        bool is_readable = sp_pipe_room(&exchange->response) >= SP_RECEIVE_SIZE;
        exchange->response_held = !is_readable;
        pthread_mutex_unlock(&exchange->mutex);
        exchange->active = loop->now; /* the reader was slow, not the upstream */
        if (is_readable) {
            sp_hop_receive(exchange->hop);
        }
    }
    if ((wishes & SP_WISH_SEND) != 0) {
        exchange->active = loop->now; /* the sender was slow, not the upstream */
        sp_hop_send(exchange->hop);
    }
}

static bool
has_events(const struct sp_exchange *exchange)
{
    struct sp_span rest = sp_buffer_peek(&exchange->head.lines);
    struct sp_field field;

    while (exchange->state == SP_EXCHANGE_ANSWERING &&
           sp_response_head_next(&exchange->head, &rest, &field)) {
        if (sp_span_equal_nocase(field.name, SP_SPAN("Content-Type"))) {
            struct sp_span type = sp_span_cut(&field.value, ';');
            return sp_span_equal_nocase(type, SP_SPAN("text/event-stream"));
        }
    }
    return false;
}

/* A tunnel may stand still for as long as it likes, and so may events, which may be far apart. What
 * is said of a head that is complete stays so. */
static bool
is_timeless(struct sp_exchange *exchange)
{
    if (exchange->state == SP_EXCHANGE_ANSWERING && !exchange->is_judged) {
        exchange->is_judged = true;
        exchange->is_event_stream = has_events(exchange);
    }
    return exchange->client_stream != NULL || exchange->is_event_stream;
}

/* The upstream alone is timed: not a caller that reads or sends slowly. */
static enum sp_error
overdue(struct sp_exchange *exchange, long long now)
{
    const struct sp_upstream_options *options = &exchange->upstream->options;

    if (exchange->state == SP_EXCHANGE_WAITING) {
        return now - exchange->started > options->connect_timeout ? SP_E_TOO_MANY : SP_OK;
    }
    if (is_timeless(exchange)) {
        return SP_OK;
    }
    if (exchange->state == SP_EXCHANGE_SENDING && exchange->sent != SP_NEVER) {
        bool late = now - exchange->sent > options->response_timeout;
        return late ? SP_E_RESPONSE_TIMEOUT : SP_OK;
    }
    if (exchange->hop != NULL && exchange->hop->stream != NULL &&
        !sp_hop_is_connected(exchange->hop)) {
        bool late = now - exchange->active > options->connect_timeout;
        return late ? SP_E_CONNECT_TIMEOUT : SP_OK; /* libcurl keeps its own */
    }
    /* A caller that waits for room while the answer waits for it would wait for ever. */
    bool reading_slowly = exchange->response_held && !exchange->request_crowded;
    bool sending_slowly = exchange->request_starved;
    bool connected = exchange->hop != NULL && sp_hop_is_connected(exchange->hop);
    long long active =
        exchange->request_fed > exchange->active ? exchange->request_fed : exchange->active;
    bool stalled =
        connected && !reading_slowly && !sending_slowly && now - active > options->idle_timeout;
    return stalled ? SP_E_IDLE_TIMEOUT : SP_OK;
}

/* As many as this that wait at once for the same are no accident in development: the frontend asks
 * Django for a page while it makes that very page, in code of its own, which sends no CDN-Loop. */
#define SP_LOOP_LENGTH 8

static bool
waits_like(const struct sp_exchange *other, const struct sp_exchange *exchange)
{
    return other->state < SP_EXCHANGE_ANSWERING && strcmp(other->target, exchange->target) == 0 &&
           strcmp(other->method, exchange->method) == 0;
}

static size_t
mark_those_like(const struct sp_exchanges *list, const struct sp_exchange *exchange, bool is_loop)
{
    size_t count = 0;

    for (struct sp_exchange *other = list->first; other != NULL; other = other->next) {
        if (waits_like(other, exchange)) {
            other->is_in_loop |= is_loop;
            count++;
        }
    }
    return count;
}

/* Tells all of them at once: each that ends leaves fewer to be counted. */
static void
look_for_loop(struct sp_loop *loop, const struct sp_exchange *exchange)
{
    size_t count = mark_those_like(&loop->working, exchange, false) +
                   mark_those_like(&loop->waiting, exchange, false);
    bool is_loop = count >= SP_LOOP_LENGTH;

    (void)mark_those_like(&loop->working, exchange, is_loop); /* counted above */
    (void)mark_those_like(&loop->waiting, exchange, is_loop);
}

/* Why an exchange ends whose time is over. */
static enum sp_error
explained(struct sp_loop *loop, const struct sp_exchange *exchange, enum sp_error error)
{
    if (error != SP_E_RESPONSE_TIMEOUT || !exchange->upstream->options.is_development) {
        return error;
    }
    if (!exchange->is_in_loop) {
        look_for_loop(loop, exchange);
    }
    return exchange->is_in_loop ? SP_E_RESPONSE_LOOP : error;
}

/* True when there may be others later. */
static bool
scan_list(struct sp_loop *loop, const struct sp_exchanges *list, long long now)
{
    struct sp_exchange *exchange = list->first;
    bool goes_on = false;

    while (exchange != NULL) {
        pthread_mutex_lock(&exchange->mutex);
        enum sp_error error = overdue(exchange, now);
        goes_on |= error == SP_OK && !is_timeless(exchange);
        pthread_mutex_unlock(&exchange->mutex);
        if (error == SP_OK) {
            exchange = exchange->next;
            continue;
        }
        sp_roster_end(loop, exchange, explained(loop, exchange, error));
        exchange = list->first; /* others may have ended with it */
    }
    return goes_on;
}

bool
sp_roster_scan(struct sp_loop *loop, long long now)
{
    bool waiting = scan_list(loop, &loop->waiting, now);

    return scan_list(loop, &loop->working, now) || waiting;
}

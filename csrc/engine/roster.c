#include "engine/roster.h"

#include "engine/clock.h"
#include "engine/relay.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void
link_last(struct sp_loop *loop, struct sp_exchange *exchange)
{
    exchange->next = NULL;
    exchange->previous = loop->last;
    if (loop->last != NULL) {
        loop->last->next = exchange;
    }
    else {
        loop->first = exchange;
    }
    loop->last = exchange;
}

static void
unlink_exchange(struct sp_loop *loop, struct sp_exchange *exchange)
{
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    }
    else {
        loop->first = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    else {
        loop->last = exchange->previous;
    }
}

static enum sp_error
borrow_transfer(struct sp_loop *loop, const struct sp_exchange *exchange,
                struct sp_transfer **transfer)
{
    bool is_direct = exchange->client_end != NULL;
    long size = (long)(is_direct ? SP_DIRECT_RECEIVE_SIZE : SP_RECEIVE_SIZE);
    struct sp_transfer **link = &loop->idle;

    while (*link != NULL && (*link)->receive_size != size) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return sp_transfer_new(&loop->news, &loop->sockets, size, transfer);
    }
    *transfer = *link;
    *link = (*transfer)->next;
    loop->idle_count--;
    return SP_OK;
}

/* One whose exchange did not go straight is not used again: libcurl counts its retries over
 * all the requests of a handle, and soon would refuse one that is due. */
static void
give_back_transfer(struct sp_loop *loop, struct sp_transfer *transfer, bool went_straight)
{
    if (!went_straight || loop->idle_count == SP_IDLE_TRANSFERS) {
        sp_transfer_free(transfer);
        return;
    }
    transfer->next = loop->idle;
    loop->idle = transfer;
    loop->idle_count++;
}

static void
set_state(struct sp_exchange *exchange, enum sp_exchange_state state)
{
    pthread_mutex_lock(&exchange->mutex);
    sp_exchange_set_state(exchange, state);
    pthread_mutex_unlock(&exchange->mutex);
}

static void
finish(struct sp_exchange *exchange, enum sp_error error, const char *words)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->error = error;
    (void)snprintf(exchange->detail, sizeof(exchange->detail), "%s", words);
    sp_exchange_set_state(exchange, SP_EXCHANGE_DONE);
    sp_exchange_notify(exchange);
    pthread_mutex_unlock(&exchange->mutex);
}

/* Off libcurl's hands; what it had to say is copied out first. */
static void
take_off(struct sp_loop *loop, struct sp_transfer *transfer, enum sp_error error)
{
    (void)curl_multi_remove_handle(loop->multi, transfer->easy); /* it was added */
    if (transfer->socket != SP_NO_SOCKET) {
        /* libcurl says nothing of a socket on which all came before it first looked. */
        sp_sockets_hold(&loop->sockets, transfer->socket, false);
        sp_sockets_rest(&loop->sockets, transfer->socket, sp_clock_now(),
                        transfer->exchange->head.keep_alive);
    }
    sp_transfer_detach(transfer);
    give_back_transfer(loop, transfer, error == SP_OK && transfer->sends == 1);
    loop->running--;
}

static void
begin(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_transfer *transfer = NULL;
    enum sp_error error = borrow_transfer(loop, exchange, &transfer);

    set_state(exchange, SP_EXCHANGE_SENDING);
    if (error == SP_OK) {
        error = sp_transfer_attach(transfer, exchange);
    }
    if (error != SP_OK) {
        sp_transfer_free(transfer);
        sp_roster_end(loop, exchange, error);
        return;
    }
    loop->running++;
    if (curl_multi_add_handle(loop->multi, transfer->easy) != CURLM_OK) {
        sp_roster_end(loop, exchange, SP_E_NO_MEMORY);
    }
}

static bool
has_room(const struct sp_loop *loop, const struct sp_exchange *exchange)
{
    return loop->running < exchange->upstream->options.max_connections;
}

/* A connection is free: the one that waits longest has it. */
static void
begin_waiting(struct sp_loop *loop)
{
    struct sp_exchange *exchange = loop->first;

    while (loop->waiting > 0 && exchange != NULL && exchange->state != SP_EXCHANGE_WAITING) {
        exchange = exchange->next;
    }
    if (loop->waiting > 0 && exchange != NULL && has_room(loop, exchange)) {
        loop->waiting--;
        begin(loop, exchange);
    }
}

/* (4) A transfer, or a place among those that wait for a connection. */
void
sp_roster_admit(struct sp_loop *loop, struct sp_exchange *exchange)
{
    exchange->started = exchange->active = sp_clock_now();
    sp_loop_stir(loop);
    link_last(loop, exchange);
    if (has_room(loop, exchange)) {
        begin(loop, exchange);
    }
    else {
        set_state(exchange, SP_EXCHANGE_WAITING);
        loop->waiting++;
    }
}

void
sp_roster_end(struct sp_loop *loop, struct sp_exchange *exchange, enum sp_error error)
{
    struct sp_transfer *transfer = exchange->transfer;
    char words[CURL_ERROR_SIZE] = "";
    const char *broken = exchange->head.broken;

    if (exchange->state == SP_EXCHANGE_DONE) {
        return;
    }
    if (exchange->state == SP_EXCHANGE_WAITING) {
        loop->waiting--;
    }
    if (transfer != NULL) {
        memcpy(words, transfer->words, sizeof(words));
        take_off(loop, transfer, error);
    }
    unlink_exchange(loop, exchange);
    finish(exchange, error, broken != NULL ? broken : words);
    if (exchange->client_end != NULL) {
        exchange->client_end->ended(loop, exchange);
    }
    sp_exchange_give_back(exchange);
    begin_waiting(loop);
}

/* (11) libcurl is through. */
void
sp_roster_settle(struct sp_loop *loop, struct sp_transfer *transfer, CURLcode result)
{
    if (transfer->stale) {
        (void)curl_multi_remove_handle(loop->multi, transfer->easy); /* it was added */
        sp_transfer_refresh(transfer);
        if (curl_multi_add_handle(loop->multi, transfer->easy) == CURLM_OK) {
            return;
        }
    }
    sp_roster_end(loop, transfer->exchange, sp_transfer_outcome(transfer, result));
}

/* Both directions at once: libcurl knows only the set of what stays paused. */
void
sp_roster_resume(struct sp_loop *loop, struct sp_exchange *exchange, unsigned wishes)
{
    struct sp_transfer *transfer = exchange->transfer;
    bool was_paused = transfer->paused;

    sp_loop_stir(loop);
    if ((wishes & SP_WISH_RECEIVE) != 0) {
        pthread_mutex_lock(&exchange->mutex);
        exchange->response_held = false;
        pthread_mutex_unlock(&exchange->mutex);
        exchange->active = sp_clock_now(); /* the reader was slow, not the upstream */
        transfer->paused = false;
        sp_sockets_hold(&loop->sockets, transfer->socket, false);
    }
    if ((wishes & SP_WISH_SEND) != 0 || was_paused != transfer->paused) {
        int kept = transfer->paused ? CURLPAUSE_RECV : CURLPAUSE_CONT;
        if (curl_easy_pause(transfer->easy, kept) != CURLE_OK) {
            /* libcurl has thrown bytes away that it held, and sends no message. */
            sp_roster_end(loop, exchange,
                          transfer->fault != SP_OK ? transfer->fault : SP_E_NO_MEMORY);
        }
    }
}

/* (18) The other side sees an end, and may go on. */
void
sp_roster_end_half(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_transfer *transfer = exchange->transfer;

    if (transfer == NULL) {
        return;
    }
    if (transfer->is_silent && !exchange->head.complete) {
        pthread_mutex_lock(&exchange->mutex);
        exchange->request.ended = true;
        exchange->request_starved = false;
        pthread_mutex_unlock(&exchange->mutex);
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
        return;
    }
    enum sp_error error = sp_transfer_outcome(transfer, CURLE_OK);
    if (transfer->is_silent && error != SP_OK) {
        sp_roster_end(loop, exchange, error); /* TLS was cut off */
        return;
    }
    if (transfer->is_spoken && !sp_sockets_is_sending(&loop->sockets, transfer->socket)) {
        /* Half-closed as the client did; TLS knows no such thing, but its peer sees it. */
        (void)shutdown(transfer->socket, SHUT_WR);
    }
    if (transfer->is_silent) {
        pthread_mutex_lock(&exchange->mutex);
        exchange->response.ended = true; /* for a tunnel whose caller has kept its end */
        sp_exchange_notify(exchange);
        pthread_mutex_unlock(&exchange->mutex);
        sp_relay_end_half(loop, exchange);
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
    return exchange->connection != NULL || exchange->is_event_stream;
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
    /* A caller that waits for room while the answer waits for it would wait for ever. */
    bool reading_slowly = exchange->response_held && !exchange->request_crowded;
    bool sending_slowly = exchange->request_starved;
    bool connected = exchange->transfer != NULL && exchange->transfer->sends > 0;
    bool stalled = connected && !reading_slowly && !sending_slowly &&
                   now - exchange->active > options->idle_timeout;
    return stalled ? SP_E_IDLE_TIMEOUT : SP_OK;
}

/* Under the mutex. A send that waits for the caller, while libcurl has still to send. */
static bool
is_kept_back(struct sp_exchange *exchange)
{
    bool kept_back = exchange->request_starved && exchange->transfer != NULL &&
                     sp_transfer_is_behind(exchange->transfer);

    exchange->request_starved = exchange->request_starved && !kept_back;
    return kept_back;
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

/* Tells all of them at once: each that ends leaves fewer to be counted. */
static void
look_for_loop(struct sp_loop *loop, const struct sp_exchange *exchange)
{
    size_t count = 0;

    for (struct sp_exchange *other = loop->first; other != NULL; other = other->next) {
        count += waits_like(other, exchange) ? 1 : 0;
    }
    for (struct sp_exchange *other = loop->first; other != NULL; other = other->next) {
        other->is_in_loop |= count >= SP_LOOP_LENGTH && waits_like(other, exchange);
    }
}

/* Why an exchange ends whose time is over. */
static enum sp_error
explained(struct sp_loop *loop, const struct sp_exchange *exchange, enum sp_error error)
{
    if (error != SP_E_RESPONSE_TIMEOUT || !exchange->upstream->options.explains) {
        return error;
    }
    if (!exchange->is_in_loop) {
        look_for_loop(loop, exchange);
    }
    return exchange->is_in_loop ? SP_E_RESPONSE_LOOP : error;
}

bool
sp_roster_scan(struct sp_loop *loop, long long now)
{
    struct sp_exchange *exchange = loop->first;
    bool goes_on = false;

    while (exchange != NULL) {
        struct sp_exchange *next = exchange->next;
        pthread_mutex_lock(&exchange->mutex);
        enum sp_error error = overdue(exchange, now);
        bool kept_back = error == SP_OK && is_kept_back(exchange);
        goes_on |= kept_back || (error == SP_OK && !is_timeless(exchange));
        pthread_mutex_unlock(&exchange->mutex);
        if (error != SP_OK) {
            sp_roster_end(loop, exchange, explained(loop, exchange, error));
        }
        else if (kept_back) {
            sp_roster_resume(loop, exchange, SP_WISH_SEND);
        }
        exchange = next;
    }
    return goes_on;
}

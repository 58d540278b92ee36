#include "door/visit.h"

#include "core/clock.h"
#include "door/answer.h"
#include "door/arrival.h"
#include "door/intake.h"
#include "door/refusal.h"
#include "door/showing.h"
#include "engine/pipe_end.h"
#include "engine/relay.h"
#include "engine/roster.h"
#include "wire/cdn_loop.h"
#include "wire/hop_by_hop.h"
#include "wire/path.h"
#include "wire/request_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_method(const struct sp_incoming *incoming, struct sp_span name)
{
    return sp_span_equal(incoming->method, name);
}

static bool
brings_body(const struct sp_incoming *incoming)
{
    return incoming->chunked || incoming->content_length > 0;
}

/* What is odd, but reads one way only, is Django's to answer: the middleware says why not. */
static bool
is_odd(const struct sp_incoming *incoming)
{
    return !incoming->has_host || is_method(incoming, SP_SPAN("CONNECT")) ||
           is_method(incoming, SP_SPAN("TRACE")) ||
           (is_method(incoming, SP_SPAN("HEAD")) && brings_body(incoming));
}

/* Under WSGI a WebSocket is always a frontend's: Django cannot answer one. */
static int
owner_of(const struct sp_site *site, const struct sp_incoming *incoming, struct sp_span path)
{
    bool is_websocket = incoming->upgrade == SP_UPGRADE_WEBSOCKET;

    return sp_routes_match(is_websocket ? site->own : site->routes, path);
}

/* What is known of its Host; one that is refused is Django's to answer. */
static enum sp_step
look_up_host(struct sp_downstream *downstream, struct sp_span value)
{
    struct sp_host *known = sp_known_hosts_find(&downstream->door->site->hosts, value);

    if (known == NULL) {
        return SP_STEP_ASK;
    }
    downstream->visit.host = known;
    return known->verdict == SP_VERDICT_ALLOWED ? SP_STEP_FORWARD
           : known->verdict == SP_VERDICT_ASKED ? SP_STEP_AWAIT_WORD
                                                : SP_STEP_HAND_OVER;
}

/* (18) Whose it is; fills in the visit's place when it is a frontend's. */
static enum sp_step
choose(struct sp_downstream *downstream, const struct sp_incoming *incoming)
{
    struct sp_door *door = downstream->door;
    const struct sp_site *site = door->site;
    struct sp_visit *visit = &downstream->visit;
    struct sp_span path;

    if (site == NULL) {
        return door->words->is_absence_at_once
                   ? sp_refusal_queue_own(downstream, SP_OWN_NOT_STARTED)
                   : SP_STEP_AWAIT_DJANGO;
    }
    if (site->routes == NULL || is_odd(incoming) ||
        !sp_path_decode(incoming->target, door->path, &path)) {
        return SP_STEP_HAND_OVER;
    }
    int owner = owner_of(site, incoming, path);
    if (owner < SP_OWNER_FIRST_FRONTEND ||
        (size_t)(owner - SP_OWNER_FIRST_FRONTEND) >= site->frontend_count) {
        return SP_STEP_HAND_OVER;
    }
    visit->frontend = (size_t)(owner - SP_OWNER_FIRST_FRONTEND);
    visit->kind = incoming->upgrade == SP_UPGRADE_WEBSOCKET ? SP_VIEW_UPGRADE
                  : sp_site_is_special(site, path)          ? SP_VIEW_SPECIAL
                                                            : SP_VIEW_ORDINARY;
    return look_up_host(downstream, incoming->host);
}

static long long
body_length_of(const struct sp_incoming *incoming)
{
    if (incoming->upgrade != SP_UPGRADE_NONE) {
        return SP_BODY_TUNNEL;
    }
    if (incoming->chunked) {
        return SP_BODY_CHUNKED;
    }
    return incoming->content_length == SP_LENGTH_UNKNOWN ? SP_BODY_NONE : incoming->content_length;
}

static enum sp_error
make_exchange(struct sp_downstream *downstream, const struct sp_incoming *incoming)
{
    struct sp_visit *visit = &downstream->visit;
    const struct sp_door *door = downstream->door;
    const struct sp_frontend *frontend = &door->site->frontends[visit->frontend];
    const struct sp_host_view *seen = sp_host_view_of(visit->host, visit->frontend, visit->kind);
    struct sp_request request = {
        .method = incoming->method,
        .target = incoming->target,
        .body_length = body_length_of(incoming),
        .client = -1,
    };
    struct sp_outgoing outgoing = {
        .view = &seen->view,
        .fields = incoming->fields,
        .count = incoming->count,
        .peer = {downstream->peer, strlen(downstream->peer)},
        .loop_token = sp_upstream_loop_token(frontend->upstream),
        .is_upgrade = incoming->upgrade != SP_UPGRADE_NONE,
    };

    if (sp_cdn_loop_is_closed(incoming->fields, incoming->count, outgoing.loop_token)) {
        return SP_E_LOOP;
    }
    sp_request_head_init(&request.fields, request.method, request.target);
    enum sp_request_verdict verdict = sp_outgoing_build(&request.fields, &outgoing);
    if (verdict != SP_REQUEST_FIT) {
        sp_buffer_clear(&request.fields);
        return sp_error_of_request(verdict);
    }
    return sp_exchange_new(door->mailbox, frontend->upstream, &request, &visit->exchange);
}

static void
begin_visit(struct sp_downstream *downstream, const struct sp_incoming *incoming)
{
    struct sp_visit *visit = &downstream->visit;

    visit->http_1_0 = incoming->http_1_0;
    visit->keep_alive = incoming->keep_alive;
    visit->owes_continue = incoming->expects_continue;
    visit->body_left = incoming->content_length > 0 ? incoming->content_length : 0;
    visit->is_body_done = !incoming->chunked && visit->body_left == 0;
    visit->is_answered = false;
    visit->sent = 0;
    visit->began = downstream->door->loop->now;
    visit->answered = SP_NEVER;
}

/* Few bodies come in chunks. */
static enum sp_error
prepare_body(struct sp_downstream *downstream, const struct sp_incoming *incoming)
{
    struct sp_visit *visit = &downstream->visit;

    if (incoming->chunked) {
        visit->chunked = calloc(1, sizeof(*visit->chunked));
        sp_buffer_init_for_little(&visit->connection, SP_NOMINATED_CEILING);
        if (visit->chunked == NULL || !sp_incoming_list_connection(incoming, &visit->connection)) {
            return SP_E_NO_MEMORY; /* with a longer list the request was refused */
        }
        sp_chunked_init(visit->chunked, sp_buffer_peek(&visit->connection));
    }
    return sp_intake_begin(downstream);
}

/* Until it is answered its head is kept then: its frontend may come back somewhere else. */
static bool
may_be_held(const struct sp_exchange *exchange)
{
    return exchange->upstream->options.is_development &&
           (exchange->body_length == SP_BODY_NONE || exchange->body_length == 0);
}

/* (20) The exchange begins, in the engine's own thread. */
enum sp_step
sp_visit_forward(struct sp_downstream *downstream)
{
    const struct sp_incoming *incoming = &downstream->door->incoming;
    struct sp_site *site = downstream->door->site;
    struct sp_visit *visit = &downstream->visit;

    visit->error = make_exchange(downstream, incoming);
    if (visit->error != SP_OK) {
        return sp_refusal_queue(downstream,
                                &site->frontends[visit->frontend].failures[visit->error]);
    }
    begin_visit(downstream, incoming);
    visit->site = sp_site_take(site);
    (void)sp_host_take(visit->host); /* what was looked up becomes the visit's own */
    visit->exchange->downstream = downstream;
    visit->exchange->client_end = sp_answer_client_end();
    sp_showing_begin(downstream, visit->exchange->upstream);
    visit->exchange->row = downstream->row;
    downstream->waiting_since = SP_NEVER;
    downstream->kept = incoming->length;
    if (!may_be_held(visit->exchange)) {
        sp_downstream_use_kept(downstream);
    }
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_EXCHANGING);
    visit->error = prepare_body(downstream, incoming);
    return visit->error == SP_OK ? SP_STEP_NONE : SP_STEP_END_VISIT;
}

/* Of what is refused, too: no answer to a HEAD has a body (RFC 9110, 9.3.2). */
static bool
begins_a_head(struct sp_span bytes)
{
    struct sp_span start = SP_SPAN("HEAD ");

    bytes.len = bytes.len < start.len ? bytes.len : start.len;
    return sp_span_equal(bytes, start);
}

/* (17) A head, once it is whole, read strictly. */
enum sp_step
sp_visit_begin(struct sp_downstream *downstream)
{
    const struct sp_incoming *incoming = &downstream->door->incoming;

    if (sp_downstream_unused(downstream).len == 0) {
        return SP_STEP_NONE;
    }
    downstream->visit.form = SP_FORM_LINE;
    enum sp_incoming_step step = sp_arrival_read(downstream);
    downstream->visit.is_head = begins_a_head(sp_downstream_unused(downstream));
    switch (step) {
    case SP_INCOMING_REFUSED:
        return sp_refusal_queue_unread(downstream, incoming->status, incoming->reason);
    case SP_INCOMING_COMPLETE:
        downstream->visit.form = sp_accept_form(incoming);
        return choose(downstream, incoming);
    case SP_INCOMING_MORE:
        break;
    }
    return SP_STEP_NONE;
}

/* The first answer after a failure is told, whatever else is: it ends what was told of that. */
static bool
is_back(struct sp_upstream *upstream, enum sp_error error)
{
    bool was_missed = atomic_load(&upstream->is_missed);

    if (error != SP_E_CLIENT_GONE) {
        atomic_store(&upstream->is_missed, error != SP_OK);
    }
    return was_missed && error == SP_OK;
}

static void
record_visit(struct sp_downstream *downstream, enum sp_error error, int status)
{
    const struct sp_visit *visit = &downstream->visit;
    struct sp_journal *journal = &downstream->door->journal;
    long long now = downstream->door->loop->now;

    if (!is_back(visit->exchange->upstream, error) && !sp_journal_wants(journal, error, status)) {
        return;
    }
    struct sp_record record = {
        .status = status,
        .sent = visit->sent,
        .total = now - visit->began,
        .upstream = visit->answered == SP_NEVER ? -1 : visit->answered - visit->began,
        .error = error,
        .frontend = (int)visit->frontend,
    };
    (void)snprintf(record.peer, sizeof(record.peer), "%s", downstream->peer);
    (void)snprintf(record.method, sizeof(record.method), "%s", visit->exchange->method);
    (void)snprintf(record.target, sizeof(record.target), "%s", visit->exchange->target);
    (void)snprintf(record.words, sizeof(record.words), "%s", visit->exchange->detail);
    sp_journal_add(journal, &record);
}

/* Cuts the link between the two, both sides. */
static void
let_exchange_go(struct sp_visit *visit)
{
    struct sp_exchange *exchange = visit->exchange;

    exchange->downstream = NULL;
    exchange->client_end = sp_pipe_end();
    visit->exchange = NULL;
    sp_exchange_give_back(exchange);
    sp_host_give_back(visit->host);
    visit->host = NULL;
    sp_site_give_back(visit->site);
    visit->site = NULL;
    if (visit->chunked != NULL) {
        sp_chunked_clear(visit->chunked);
        free(visit->chunked);
        visit->chunked = NULL;
        sp_buffer_clear(&visit->connection);
    }
}

/* Nothing of it has happened. By now another table may say whose it is, and where that is. */
static enum sp_step
begin_anew(struct sp_downstream *downstream)
{
    let_exchange_go(&downstream->visit);
    downstream->kept = downstream->scanned = 0;
    return SP_STEP_READ;
}

enum sp_step
sp_visit_end(struct sp_downstream *downstream)
{
    struct sp_visit *visit = &downstream->visit;
    enum sp_error error = visit->error;
    const struct sp_failure *failure = &visit->site->frontends[visit->frontend].failures[error];
    enum sp_step step = SP_STEP_FINISH;

    if (error == SP_E_MOVED) {
        return begin_anew(downstream);
    }
    sp_downstream_use_kept(downstream);
    if (error != SP_OK) {
        sp_answer_unsay(downstream);
    }
    bool is_broken = error != SP_OK && visit->is_answered;
    if (is_broken || error == SP_E_CLIENT_GONE) {
        step = SP_STEP_RESET;
    }
    else if (error != SP_OK) {
        step = sp_refusal_queue(downstream, failure);
    }
    else if (visit->keep_alive && visit->is_body_done && !downstream->stream->is_over &&
             !downstream->door->is_closed) {
        step = SP_STEP_READ;
    }
    record_visit(downstream, error,
                 visit->is_answered ? visit->exchange->head.status : failure->status);
    sp_showing_leave(downstream);
    let_exchange_go(visit);
    return step;
}

void
sp_visit_leave(struct sp_downstream *downstream)
{
    struct sp_loop *loop = downstream->door->loop;
    struct sp_stream *stream = downstream->stream;
    struct sp_exchange *exchange = sp_exchange_take(downstream->visit.exchange);

    record_visit(downstream, SP_OK, exchange->head.status);
    sp_showing_leave(downstream);
    let_exchange_go(&downstream->visit);
    sp_stream_leave(stream);
    downstream->stream = NULL;
    pthread_mutex_lock(&exchange->mutex);
    bool kept = sp_pipe_write(&exchange->request, sp_downstream_unused(downstream));
    exchange->offered = stream; /* freed with the exchange if the relay does not take it */
    pthread_mutex_unlock(&exchange->mutex);
    if (kept) {
        sp_relay_begin(loop, exchange);
    }
    else {
        sp_roster_end(loop, exchange, SP_E_NO_MEMORY);
    }
    sp_exchange_give_back(exchange);
}

void
sp_visit_abandon(struct sp_downstream *downstream)
{
    struct sp_exchange *exchange = downstream->visit.exchange;

    if (exchange != NULL) {
        record_visit(downstream, SP_E_CLIENT_GONE, exchange->head.status);
        sp_showing_leave(downstream);
        exchange = sp_exchange_take(exchange);
        let_exchange_go(&downstream->visit);
        sp_roster_end(downstream->door->loop, exchange, SP_E_CLIENT_GONE);
        sp_exchange_give_back(exchange);
    }
}

#include "engine/hop_answer.h"

#include "engine/client_end.h"
#include "engine/holding.h"
#include "engine/hop_request.h"
#include "engine/loop.h"

/* Far more than anybody sends. */
#define SP_INTERIM_MOST 1000U

static void
fail(struct sp_hop *hop, enum sp_error fault, const char *words)
{
    if (hop->fault == SP_OK) {
        hop->fault = fault;
        hop->words = words;
    }
}

/* What could not be kept for want of memory breaks no rule. */
static void
refuse(struct sp_hop *hop, enum sp_error fault)
{
    struct sp_response_head *head = &hop->exchange->head;
    bool is_short = head->lines.is_short || head->nominated.is_short || head->reason.is_short ||
                    head->begun.is_short || head->trailers.is_short;

    if (is_short) {
        head->broken = NULL;
    }
    fail(hop, is_short ? SP_E_NO_MEMORY : fault, head->broken);
}

static enum sp_extent
extent_of(const struct sp_hop *hop)
{
    const struct sp_response_head *head = &hop->exchange->head;

    if (head->status == 101) {
        return SP_EXTENT_TUNNEL;
    }
    if (hop->is_head || head->status == 204 || head->status == 304) {
        return SP_EXTENT_NONE;
    }
    if (head->chunked) {
        return SP_EXTENT_CHUNKED;
    }
    return head->content_length != SP_LENGTH_UNKNOWN ? SP_EXTENT_LENGTH : SP_EXTENT_CLOSE;
}

/* Under the mutex. What the answer says is not wanted is not waited for. */
static void
note_answer(struct sp_exchange *exchange)
{
    bool is_refused = exchange->body_length == SP_BODY_TUNNEL && exchange->head.status != 101;

    sp_exchange_set_state(exchange, SP_EXCHANGE_ANSWERING);
    exchange->request.ended = exchange->request.ended || is_refused;
    if (is_refused || sp_exchange_is_unwanted(exchange)) {
        exchange->request_starved = false;
    }
    if (exchange->request_crowded) {
        exchange->request_crowded = false;
        sp_exchange_notify(exchange);
    }
}

static void
begin_answer(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;

    hop->extent = extent_of(hop);
    hop->left = exchange->head.content_length;
    exchange->head.offer = (struct sp_span){NULL, 0}; /* it is accepted, or not */
    hop->is_answer_done =
        hop->extent == SP_EXTENT_NONE || (hop->extent == SP_EXTENT_LENGTH && hop->left == 0);
    sp_chunked_init(&hop->chunked, sp_buffer_peek(&exchange->head.nominated));
    sp_holding_note_answer(hop);
    pthread_mutex_lock(&exchange->mutex);
    note_answer(exchange);
    pthread_mutex_unlock(&exchange->mutex);
    sp_feed_answer(hop->loop->feed, exchange->row, exchange->head.status, hop->loop->now);
    fail(hop, exchange->client_end->answer(hop->loop, exchange), NULL);
    if (hop->extent == SP_EXTENT_TUNNEL) {
        sp_hop_make_ready(hop); /* the client may speak now */
    }
}

/* (7) The answer's head. Interim ones are passed on. */
static void
take_head(struct sp_hop *hop, struct sp_span *bytes)
{
    struct sp_exchange *exchange = hop->exchange;

    switch (sp_response_head_read(&exchange->head, bytes)) {
    case SP_HEAD_REFUSED:
        refuse(hop, SP_E_RESPONSE_HEAD);
        break;
    case SP_HEAD_COMPLETE:
        begin_answer(hop);
        break;
    case SP_HEAD_INTERIM:
        if (++hop->interims > SP_INTERIM_MOST) {
            fail(hop, SP_E_RESPONSE_HEAD, "more than 1000 interim answers came before it");
            break;
        }
        if (exchange->client_end->interim != NULL) {
            exchange->client_end->interim(hop->loop, exchange);
        }
        break;
    case SP_HEAD_MORE:
        break;
    }
}

/* (8) Bytes of the body, to whoever is there; `more` of what was read follow. */
static void
deliver(struct sp_hop *hop, struct sp_span bytes, bool more)
{
    struct sp_exchange *exchange = hop->exchange;

    sp_feed_count(hop->loop->feed, exchange->row, (long long)bytes.len);
    fail(hop, exchange->client_end->receive(hop->loop, exchange, bytes, more), NULL);
}

/* They are kept with the head's; one too many, or too long, breaks the answer. */
static void
take_trailers(struct sp_hop *hop)
{
    struct sp_span rest = sp_buffer_peek(&hop->chunked.trailers);

    while (rest.len > 0 && hop->fault == SP_OK) {
        struct sp_span line = rest;
        (void)sp_span_cut(&rest, '\n');
        line.len -= rest.len;
        if (sp_response_head_add(&hop->exchange->head, line) == SP_HEAD_REFUSED) {
            refuse(hop, SP_E_RESPONSE_UPSTREAM);
        }
    }
}

static void
take_chunks(struct sp_hop *hop, struct sp_span *bytes)
{
    struct sp_span data = {NULL, 0};

    switch (sp_chunked_next(&hop->chunked, bytes, &data)) {
    case SP_CHUNKED_DATA:
        deliver(hop, data, bytes->len > 0);
        break;
    case SP_CHUNKED_DONE:
        hop->is_answer_done = true;
        take_trailers(hop);
        break;
    case SP_CHUNKED_BROKEN:
        if (hop->chunked.trailers.is_short) {
            fail(hop, SP_E_NO_MEMORY, NULL);
            break;
        }
        fail(hop, SP_E_RESPONSE_UPSTREAM, "the body is not in chunks as RFC 9112, 7.1 has them");
        break;
    case SP_CHUNKED_MORE:
        break;
    }
}

static void
count_down(struct sp_hop *hop, size_t count)
{
    hop->left -= (long long)count;
    hop->is_answer_done = hop->left == 0;
}

static void
take_length(struct sp_hop *hop, struct sp_span *bytes)
{
    struct sp_span part = *bytes;

    if ((long long)part.len > hop->left) {
        part.len = (size_t)hop->left;
    }
    count_down(hop, part.len);
    *bytes = sp_span_from(*bytes, part.len);
    deliver(hop, part, false);
}

static void
take_body(struct sp_hop *hop, struct sp_span *bytes)
{
    switch (hop->extent) {
    case SP_EXTENT_CHUNKED:
        take_chunks(hop, bytes);
        break;
    case SP_EXTENT_LENGTH:
        take_length(hop, bytes);
        break;
    default:
        deliver(hop, *bytes, false);
        bytes->len = 0;
        break;
    }
}

void
sp_hop_answer_take(struct sp_hop *hop, struct sp_span bytes)
{
    hop->is_heard = true;
    hop->exchange->active = hop->loop->now;
    while (bytes.len > 0 && hop->fault == SP_OK && !hop->is_answer_done) {
        if (hop->exchange->head.complete) {
            take_body(hop, &bytes);
        }
        else {
            take_head(hop, &bytes);
        }
    }
    hop->is_stray = hop->is_stray || bytes.len > 0;
    if (hop->exchange->head.complete && !hop->is_answer_done) {
        sp_hop_request_forget(hop); /* it may be days until more comes */
    }
}

void
sp_hop_answer_pass(struct sp_hop *hop, struct sp_splice *splice)
{
    hop->exchange->active = hop->loop->now;
    if (hop->extent == SP_EXTENT_LENGTH) {
        count_down(hop, splice->held);
    }
    sp_feed_count(hop->loop->feed, hop->exchange->row, (long long)splice->held);
    fail(hop, hop->exchange->client_end->pass(hop->loop, hop->exchange, splice), NULL);
}

/* TLS has no half-closing: an upstream whose client has ended may take it for a broken stream, and
 * say so last. */
static void
end_tunnel(struct sp_hop *hop, bool is_broken)
{
    bool is_meant = !is_broken && sp_stream_ended_well(hop->stream);

    if (hop->stream->is_ended && (!is_broken || hop->stream->tls != NULL)) {
        hop->is_silent = true;
    }
    else if (is_meant && !hop->is_send_broken) {
        hop->is_silent = true;
        fail(hop, hop->exchange->client_end->end_half(hop->loop, hop->exchange), NULL);
    }
    else {
        fail(hop, SP_E_RESPONSE_UPSTREAM, "the connection was broken");
    }
}

/* Whether anything of a head has come but the first bytes of a status line, which say nothing. */
static bool
is_begun(const struct sp_response_head *head)
{
    struct sp_span version = SP_SPAN("HTTP/1.");
    struct sp_span begun = sp_buffer_peek(&head->begun);

    if (begun.len < version.len) {
        version.len = begun.len;
    }
    begun.len = version.len;
    return head->status != 0 || !sp_span_equal(begun, version);
}

/* It has not taken all of the request, or has ended before it could. */
static bool
is_asked_in_part(const struct sp_hop *hop)
{
    return hop->is_send_broken || (hop->exchange->body_length != SP_BODY_TUNNEL &&
                                   (!hop->is_request_done || sp_stream_is_behind(hop->stream)));
}

static void
end_unanswered(struct sp_hop *hop)
{
    if (is_begun(&hop->exchange->head)) {
        fail(hop, SP_E_RESPONSE_HEAD, "the connection ended inside the head");
    }
    else if (is_asked_in_part(hop)) {
        fail(hop, SP_E_REQUEST_UPSTREAM, "the connection ended while the request was sent");
    }
    else {
        fail(hop, SP_E_RESPONSE_NONE, "the connection ended without an answer");
    }
}

void
sp_hop_answer_end(struct sp_hop *hop, bool is_broken)
{
    bool is_meant = !is_broken && sp_stream_ended_well(hop->stream);

    if (hop->is_answer_done) {
        hop->is_stray = true;
    }
    else if (!hop->exchange->head.complete) {
        end_unanswered(hop);
    }
    else if (hop->extent == SP_EXTENT_TUNNEL) {
        end_tunnel(hop, is_broken);
    }
    else if (hop->extent == SP_EXTENT_CLOSE && is_meant) {
        hop->is_answer_done = true;
        hop->is_stray = true;
    }
    else {
        fail(hop, SP_E_RESPONSE_UPSTREAM, "the connection ended inside the body");
    }
}

/* Whether the upstream leaves the connection open behind its answer (RFC 9112, 9.3). */
static bool
keeps_alive(const struct sp_response_head *head)
{
    struct sp_span rest = sp_buffer_peek(&head->nominated);
    bool is_kept = !head->http_1_0;

    while (rest.len > 0) {
        struct sp_span option = sp_span_cut(&rest, ',');
        if (sp_span_equal_nocase(option, SP_SPAN("close"))) {
            return false;
        }
        is_kept = is_kept || sp_span_equal_nocase(option, SP_SPAN("keep-alive"));
    }
    return is_kept;
}

bool
sp_hop_answer_leaves_connection(const struct sp_hop *hop)
{
    return hop->extent != SP_EXTENT_CLOSE && hop->extent != SP_EXTENT_TUNNEL && !hop->is_stray &&
           !hop->is_send_broken && keeps_alive(&hop->exchange->head);
}

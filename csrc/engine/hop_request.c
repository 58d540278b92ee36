#include "engine/hop_request.h"

#include "core/clock.h"
#include "engine/client_end.h"
#include "engine/loop.h"

#include <string.h>

static bool
has_body(const struct sp_exchange *exchange)
{
    return exchange->body_length != SP_BODY_NONE && exchange->body_length != 0;
}

static struct sp_span
text(const char *string)
{
    return (struct sp_span){string, strlen(string)};
}

bool
sp_hop_request_begin(struct sp_hop *hop)
{
    const struct sp_exchange *exchange = hop->exchange;
    struct sp_buffer *head = &hop->head.bytes;

    head->len = hop->head.gone = 0;
    return sp_buffer_append(head, text(exchange->method)) && sp_buffer_append(head, SP_SPAN(" ")) &&
           sp_buffer_append(head, text(exchange->target)) &&
           sp_buffer_append(head, SP_SPAN(" HTTP/1.1\r\n")) &&
           sp_buffer_append(head, sp_buffer_peek(&exchange->fields)) &&
           sp_buffer_append(head, exchange->fields.len > 0 ? SP_SPAN("\r\n\r\n") : SP_SPAN("\r\n"));
}

/* Under the mutex. The caller owes no more, and the pipe holds none. */
static bool
is_drained(const struct sp_exchange *exchange)
{
    return sp_pipe_is_empty(&exchange->request) &&
           (exchange->request.ended || (exchange->body_length > 0 && exchange->request_left == 0));
}

/* Under the mutex, or in the engine's thread. Nothing goes into a tunnel before the upstream has
 * agreed to it, and an answer that is not wanted ends the sending (RFC 9112, 9.5). */
static bool
is_body_due(const struct sp_exchange *exchange)
{
    if (exchange->body_length == SP_BODY_TUNNEL) {
        return exchange->head.complete && exchange->head.status == 101;
    }
    return !sp_exchange_is_unwanted(exchange);
}

/* (6) What the pipe has; nothing when it is empty, and then what that means. */
static struct sp_span
next_of_body(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;
    struct sp_span bytes = {NULL, 0};

    pthread_mutex_lock(&exchange->mutex);
    if (is_body_due(exchange)) {
        bytes = sp_pipe_peek(&exchange->request);
    }
    /* One that its answer has cut off is never done, though its caller owes no more. */
    if (bytes.len == 0 && sp_queue_is_empty(&hop->head) && !sp_exchange_is_unwanted(exchange)) {
        hop->is_request_done = is_drained(exchange);
        exchange->request_starved = !hop->is_request_done;
    }
    pthread_mutex_unlock(&exchange->mutex);
    return bytes;
}

static void
consume(struct sp_exchange *exchange, size_t count)
{
    if (count == 0) {
        return;
    }
    pthread_mutex_lock(&exchange->mutex);
    sp_pipe_consume(&exchange->request, count);
    if (exchange->request_crowded && sp_pipe_room(&exchange->request) >= SP_PIPE_CEILING / 2) {
        exchange->request_crowded = false;
        sp_exchange_notify(exchange);
    }
    pthread_mutex_unlock(&exchange->mutex);
}

/* That memory is short for it ends the exchange; what the connection says behind a broken sending
 * may be an answer. */
static void
note_sent(struct sp_hop *hop, enum sp_io io)
{
    hop->is_send_broken = io == SP_IO_BROKEN || io == SP_IO_SHORT;
    if (io == SP_IO_SHORT) {
        hop->fault = SP_E_NO_MEMORY;
    }
}

/* One sending of what there is. False: there is nothing more, or no more is taken for now. */
static bool
send_once(struct sp_hop *hop, struct sp_span head, struct sp_span body)
{
    struct sp_span spans[2] = {head, body};
    size_t taken = 0;
    enum sp_io io = sp_stream_send(hop->stream, spans, body.len > 0 ? 2 : 1, &taken);
    bool is_head_gone = taken >= head.len;

    sp_queue_pass(&hop->head, is_head_gone ? head.len : taken);
    if (taken > 0 && !hop->is_underway) {
        hop->is_underway = true;
        sp_feed_ask(hop->loop->feed, hop->exchange->row, hop->loop->now);
    }
    if (is_head_gone) {
        consume(hop->exchange, taken - head.len);
    }
    if (taken > 0) {
        hop->exchange->active = hop->loop->now;
    }
    hop->is_blocked = io == SP_IO_AGAIN || taken < head.len + body.len;
    note_sent(hop, io);
    return !hop->is_blocked && !hop->is_send_broken;
}

static void
send_head(struct sp_hop *hop)
{
    if (send_once(hop, sp_queue_peek(&hop->head), (struct sp_span){NULL, 0})) {
        hop->is_request_done = true;
    }
}

static void
send_all(struct sp_hop *hop)
{
    bool goes_on = true;

    while (goes_on) {
        struct sp_span head = sp_queue_peek(&hop->head);
        struct sp_span body = next_of_body(hop);
        goes_on = head.len + body.len > 0 && send_once(hop, head, body);
    }
}

/* What the stream has taken and not sent. */
static void
catch_up(struct sp_hop *hop)
{
    unsigned long long sent = hop->stream->sent;

    if (sp_exchange_is_unwanted(hop->exchange)) {
        sp_stream_drop(hop->stream);
    }
    if (sp_stream_is_behind(hop->stream)) {
        note_sent(hop, sp_stream_flush(hop->stream));
    }
    if (hop->stream->sent != sent) {
        hop->exchange->active = hop->loop->now;
    }
}

/* What has left us is done: a request, from when on its answer is waited for, or all that a client
 * had to say in a tunnel. */
static void
note_done(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;
    bool is_asked = hop->is_request_done ||
                    (exchange->body_length == SP_BODY_TUNNEL && sp_queue_is_empty(&hop->head));

    if (is_asked && exchange->sent == SP_NEVER) {
        exchange->sent = hop->loop->now;
    }
    if (hop->is_request_done && hop->extent == SP_EXTENT_TUNNEL && !hop->stream->is_ended) {
        sp_stream_end(hop->stream); /* (15) */
    }
}

void
sp_hop_request_send(struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;

    if (hop->is_send_broken) {
        return;
    }
    hop->is_blocked = false;
    catch_up(hop);
    if (!hop->is_request_done && !hop->is_send_broken && !sp_stream_is_behind(hop->stream)) {
        if (has_body(exchange)) {
            send_all(hop);
        }
        else {
            send_head(hop);
        }
    }
    bool is_behind = sp_stream_is_behind(hop->stream);
    if (!is_behind && !hop->is_send_broken) {
        note_done(hop);
    }
    hop->is_blocked = !hop->is_send_broken && (hop->is_blocked || is_behind);
    hop->is_put_off = sp_hop_request_is_put_off(hop);
    if (has_body(exchange) && !hop->is_put_off && exchange->client_end->drained != NULL) {
        exchange->client_end->drained(hop->loop, exchange);
    }
}

bool
sp_hop_request_may_pass(const struct sp_hop *hop)
{
    return hop->stream != NULL && hop->stream->tls == NULL && !hop->is_send_broken &&
           is_body_due(hop->exchange);
}

/* It would overtake what waits. */
bool
sp_hop_request_is_put_off(const struct sp_hop *hop)
{
    struct sp_exchange *exchange = hop->exchange;

    if (!hop->is_put_off || !sp_hop_request_may_pass(hop)) {
        return false;
    }
    pthread_mutex_lock(&exchange->mutex);
    bool is_clear = sp_queue_is_empty(&hop->head) && !sp_stream_is_behind(hop->stream) &&
                    sp_pipe_is_empty(&exchange->request);
    pthread_mutex_unlock(&exchange->mutex);
    return !is_clear;
}

/* Methods whose repetition changes nothing (RFC 9110, 9.2.2). */
static bool
is_idempotent(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(idempotent) / sizeof(idempotent[0]); i++) {
        if (strcmp(method, idempotent[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A body is streamed, so what was sent of it is gone. */
bool
sp_hop_request_is_repeatable(const struct sp_hop *hop)
{
    return !hop->is_underway || (is_idempotent(hop->exchange->method) && !has_body(hop->exchange));
}

void
sp_hop_request_forget(struct sp_hop *hop)
{
    if (sp_queue_is_empty(&hop->head)) {
        sp_queue_clear(&hop->head);
        sp_buffer_clear(&hop->exchange->fields);
    }
}

#include "engine/exchange.h"

#include "core/clock.h"
#include "engine/notifier.h"
#include "upstream/stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state) (1U << (state))

/* "\r\nContent-Length: 9223372036854775807" */
#define SP_FRAMING_ROOM ((size_t)40)

static const unsigned moves[] = {
    [SP_EXCHANGE_NEW] = BIT(SP_EXCHANGE_WAITING) | BIT(SP_EXCHANGE_SENDING) | BIT(SP_EXCHANGE_DONE),
    [SP_EXCHANGE_WAITING] = BIT(SP_EXCHANGE_SENDING) | BIT(SP_EXCHANGE_DONE),
    [SP_EXCHANGE_SENDING] = BIT(SP_EXCHANGE_ANSWERING) | BIT(SP_EXCHANGE_DONE),
    [SP_EXCHANGE_ANSWERING] = BIT(SP_EXCHANGE_DONE),
    [SP_EXCHANGE_DONE] = 0,
};

/* The field that says how the body ends; the length of none is said too where the request named
 * one.
 */
static struct sp_span
framing_field(const struct sp_exchange *exchange, char room[SP_FRAMING_ROOM])
{
    int length;

    switch (exchange->body_length) {
    case SP_BODY_NONE:
    case SP_BODY_TUNNEL:
        return SP_SPAN("");
    case SP_BODY_CHUNKED:
        return SP_SPAN("\r\nTransfer-Encoding: chunked");
    default:
        length = snprintf(room, SP_FRAMING_ROOM, "\r\nContent-Length: %lld", exchange->body_length);
        return (struct sp_span){room, (size_t)length};
    }
}

static bool
complete_fields(struct sp_exchange *exchange)
{
    struct sp_buffer *fields = &exchange->fields;
    char room[SP_FRAMING_ROOM];
    struct sp_span framing = framing_field(exchange, room);

    if (fields->len == 0) {
        (void)sp_span_cut(&framing, '\n'); /* it is the first line */
    }
    fields->ceiling += framing.len;
    return sp_buffer_append(fields, framing);
}

static void
destroy_exchange(struct sp_exchange *exchange)
{
    (void)pthread_mutex_destroy(&exchange->mutex); /* nobody holds it any more */
    (void)pthread_cond_destroy(&exchange->changed);
    sp_pipe_clear(&exchange->request);
    sp_pipe_clear(&exchange->response);
    sp_response_head_clear(&exchange->head);
    sp_buffer_clear(&exchange->fields);
    sp_stream_free(exchange->offered);
    sp_notifier_give_back(exchange->notifier);
    sp_upstream_give_back(exchange->upstream);
    free(exchange);
}

static void
init(struct sp_exchange *exchange, struct sp_mailbox *mailbox, struct sp_request *request)
{
    atomic_init(&exchange->references, 1);
    exchange->mailbox = mailbox;
    exchange->fields = request->fields;
    exchange->body_length = request->body_length;
    exchange->request_left = request->body_length > 0 ? request->body_length : 0;
    exchange->client = request->client;
    exchange->notifier = sp_notifier_take(request->notifier);
    exchange->sent = SP_NEVER;
    sp_pipe_init(&exchange->request, SP_PIPE_CEILING + SP_FRAMING_CEILING);
    sp_pipe_init(&exchange->response, SP_PIPE_CEILING);
    sp_response_head_init(&exchange->head);
    /* Cannot fail with default attributes on the supported systems. */
    (void)pthread_mutex_init(&exchange->mutex, NULL);
    sp_clock_init_condition(&exchange->changed);
}

enum sp_error
sp_exchange_new(struct sp_mailbox *mailbox, struct sp_upstream *upstream,
                struct sp_request *request, struct sp_exchange **exchange)
{
    size_t texts = request->method.len + request->target.len + 2;
    struct sp_exchange *made = calloc(1, sizeof(*made) + texts);

    if (made == NULL) {
        sp_buffer_clear(&request->fields);
        return SP_E_NO_MEMORY;
    }
    init(made, mailbox, request);
    made->upstream = sp_upstream_take(upstream);
    made->method = made->texts;
    made->target = made->texts + request->method.len + 1;
    memcpy(made->method, request->method.data, request->method.len);
    memcpy(made->target, request->target.data, request->target.len);
    if (!complete_fields(made)) {
        destroy_exchange(made);
        return SP_E_NO_MEMORY;
    }
    if (made->body_length == SP_BODY_TUNNEL) {
        made->head.offer = sp_buffer_peek(&made->fields);
    }
    *exchange = made;
    return SP_OK;
}

struct sp_exchange *
sp_exchange_take(struct sp_exchange *exchange)
{
    atomic_fetch_add_explicit(&exchange->references, 1, memory_order_relaxed);
    return exchange;
}

void
sp_exchange_give_back(struct sp_exchange *exchange)
{
    if (exchange != NULL && atomic_fetch_sub(&exchange->references, 1) == 1) {
        destroy_exchange(exchange);
    }
}

void
sp_exchange_hold(struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    exchange->response_held = true;
    pthread_mutex_unlock(&exchange->mutex);
}

bool
sp_status_wants_body(int status)
{
    return status < 300;
}

bool
sp_exchange_is_unwanted(const struct sp_exchange *exchange)
{
    return exchange->state == SP_EXCHANGE_ANSWERING && !sp_status_wants_body(exchange->head.status);
}

void
sp_exchange_notify(struct sp_exchange *exchange)
{
    (void)pthread_cond_broadcast(&exchange->changed); /* fails for no valid condition */
    if (exchange->notifier != NULL) {
        sp_notifier_notify(exchange->notifier, exchange);
    }
}

void
sp_exchange_set_state(struct sp_exchange *exchange, enum sp_exchange_state state)
{
    bool allowed = (moves[exchange->state] & BIT(state)) != 0;

    assert(allowed);
    (void)allowed; /* NDEBUG looks no longer */
    exchange->state = state;
}

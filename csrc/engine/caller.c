#include "engine/caller.h"

#include "core/clock.h"
#include "engine/client_socket.h"
#include "engine/mailbox.h"
#include "engine/pipe_end.h"
#include "engine/request_body.h"
#include "upstream/stream.h"

#include <errno.h>
#include <stdio.h>

/* Under the mutex, which it gives up while waiting. */
static enum sp_error
wait_a_slice(struct sp_exchange *exchange, long long slice)
{
    if (slice == 0) {
        return SP_E_AGAIN;
    }
    int outcome = sp_clock_wait(&exchange->changed, &exchange->mutex, slice);

    if (outcome == ETIMEDOUT && exchange->client != SP_NO_CLIENT &&
        sp_client_is_gone(exchange->client)) {
        return SP_E_CLIENT_GONE;
    }
    return outcome == ETIMEDOUT ? SP_E_AGAIN : SP_OK;
}

/* Under the mutex. */
static bool
is_request_wanted(const struct sp_exchange *exchange)
{
    return exchange->state < SP_EXCHANGE_ANSWERING || (exchange->state == SP_EXCHANGE_ANSWERING &&
                                                       sp_status_wants_body(exchange->head.status));
}

/* Under the mutex. */
static bool
wake_sender(struct sp_exchange *exchange)
{
    bool starved = exchange->request_starved;

    if (starved) {
        /* The engine may look at its deadlines before it hears of this. */
        exchange->request_fed = sp_clock_now();
        exchange->request_starved = false;
    }
    return starved;
}

/* Without the mutex: the engine must know, unless it has stopped. */
static void
post(struct sp_exchange *exchange, bool needed, unsigned wish)
{
    if (needed) {
        /* Once the engine has stopped, every exchange is done, and its waiters know. */
        (void)sp_mailbox_post(exchange->mailbox, exchange, wish);
    }
}

/* Under the mutex: as much of the body as there is room for. */
static enum sp_error
send_some(struct sp_exchange *exchange, struct sp_span *body)
{
    size_t room = sp_request_body_room(exchange);
    struct sp_span part = {body->data, body->len < room ? body->len : room};

    bool is_endless =
        exchange->body_length == SP_BODY_CHUNKED || exchange->body_length == SP_BODY_TUNNEL;
    bool fits = is_endless || (long long)body->len <= exchange->request_left;

    if (!fits || exchange->request.ended) {
        return SP_E_REQUEST_CLIENT;
    }
    if (!sp_request_body_write(exchange, part)) {
        return SP_E_NO_MEMORY;
    }
    *body = (struct sp_span){body->data + part.len, body->len - part.len};
    return SP_OK;
}

/* (2) Into the mailbox, and the engine is woken; by a loop once for all that it starts. */
enum sp_error
sp_caller_start(struct sp_exchange *exchange)
{
    exchange->client_end = sp_pipe_end();
    return exchange->notifier == NULL ? sp_mailbox_post(exchange->mailbox, exchange, SP_WISH_START)
                                      : sp_mailbox_put(exchange->mailbox, exchange, SP_WISH_START);
}

/* (6) The caller fills the request's pipe. */
enum sp_error
sp_caller_send(struct sp_exchange *exchange, struct sp_span *body, bool *wanted, long long slice)
{
    enum sp_error error = SP_OK;
    bool wake = false;

    pthread_mutex_lock(&exchange->mutex);
    *wanted = is_request_wanted(exchange);
    if (*wanted && sp_request_body_room(exchange) == 0) {
        exchange->request_crowded = true;
        error = wait_a_slice(exchange, slice);
        *wanted = is_request_wanted(exchange);
    }
    if (*wanted && error == SP_OK) {
        error = send_some(exchange, body);
        wake = wake_sender(exchange);
    }
    pthread_mutex_unlock(&exchange->mutex);
    post(exchange, wake, SP_WISH_SEND);
    return error;
}

enum sp_error
sp_caller_await_client(struct sp_exchange *exchange, size_t *count, bool *wanted, long long slice)
{
    pthread_mutex_lock(&exchange->mutex);
    *wanted = is_request_wanted(exchange);
    pthread_mutex_unlock(&exchange->mutex);
    return *wanted ? sp_client_await(exchange->client, (int)slice, count) : SP_OK;
}

enum sp_error
sp_caller_end(struct sp_exchange *exchange)
{
    enum sp_error error = SP_OK;
    bool wake = false;

    pthread_mutex_lock(&exchange->mutex);
    if (!is_request_wanted(exchange)) {
        exchange->request.ended = true; /* where it was cut off: nobody reads on */
    }
    else if (exchange->body_length > 0 && exchange->request_left > 0) {
        error = SP_E_REQUEST_CLIENT;
    }
    else if (!sp_request_body_end(exchange, SP_SPAN(""))) {
        error = SP_E_NO_MEMORY;
    }
    wake = error == SP_OK && wake_sender(exchange);
    pthread_mutex_unlock(&exchange->mutex);
    post(exchange, wake, SP_WISH_SEND);
    return error;
}

/* (9) The caller waits, in slices. */
enum sp_error
sp_caller_await_head(struct sp_exchange *exchange, long long slice)
{
    enum sp_error error = SP_OK;

    pthread_mutex_lock(&exchange->mutex);
    while (error == SP_OK && exchange->state < SP_EXCHANGE_ANSWERING) {
        error = wait_a_slice(exchange, slice);
    }
    /* A head is an answer also when what follows it has failed already. */
    if (error == SP_OK && exchange->state == SP_EXCHANGE_DONE && !exchange->head.complete) {
        error = exchange->error;
    }
    pthread_mutex_unlock(&exchange->mutex);
    return error;
}

/* (11) What the pipe holds, then the end or the error. */
enum sp_error
sp_caller_await_body(struct sp_exchange *exchange, struct sp_span *bytes, long long slice)
{
    enum sp_error error = SP_OK;
    bool resume = false;

    pthread_mutex_lock(&exchange->mutex);
    *bytes = sp_pipe_peek(&exchange->response);
    while (error == SP_OK && bytes->len == 0 && exchange->state != SP_EXCHANGE_DONE &&
           !exchange->response.ended) {
        error = wait_a_slice(exchange, slice);
        *bytes = sp_pipe_peek(&exchange->response);
    }
    if (bytes->len > 0) {
        error = SP_OK;
    }
    else if (exchange->state == SP_EXCHANGE_DONE) {
        error = exchange->error;
    }
    if (exchange->response_held && sp_pipe_room(&exchange->response) >= SP_RECEIVE_SIZE) {
        resume = true;
    }
    pthread_mutex_unlock(&exchange->mutex);
    post(exchange, resume, SP_WISH_RECEIVE);
    return error;
}

void
sp_caller_consume(struct sp_exchange *exchange, size_t count)
{
    /* The draining half is the reader's alone. */
    sp_pipe_consume(&exchange->response, count);
}

bool
sp_caller_has_head(struct sp_exchange *exchange)
{
    return sp_caller_await_head(exchange, 0) == SP_OK;
}

/* (13) The client's socket is offered to the engine. */
enum sp_error
sp_caller_relay(struct sp_exchange *exchange, int fd, struct sp_span head, struct sp_span early)
{
    struct sp_stream *stream = NULL;
    bool is_tunnel = exchange->body_length == SP_BODY_TUNNEL && exchange->head.status == 101;
    enum sp_error error = sp_stream_adopt(fd, head, &stream);

    if (error != SP_OK) {
        return error;
    }
    pthread_mutex_lock(&exchange->mutex);
    bool kept = !is_tunnel || sp_pipe_write(&exchange->request, early);
    exchange->offered = stream; /* freed with the exchange if the engine does not take it */
    pthread_mutex_unlock(&exchange->mutex);
    return kept ? sp_mailbox_post(exchange->mailbox, exchange, SP_WISH_RELAY) : SP_E_NO_MEMORY;
}

void
sp_caller_cancel(struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    bool running = exchange->state != SP_EXCHANGE_DONE;
    pthread_mutex_unlock(&exchange->mutex);
    post(exchange, running, SP_WISH_CANCEL);
}

void
sp_caller_detail(struct sp_exchange *exchange, char *detail, size_t size)
{
    pthread_mutex_lock(&exchange->mutex);
    (void)snprintf(detail, size, "%s", exchange->detail);
    pthread_mutex_unlock(&exchange->mutex);
}

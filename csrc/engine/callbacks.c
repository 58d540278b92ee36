#include "engine/callbacks.h"

#include "engine/clock.h"
#include "engine/mailbox.h"
#include "engine/transfer.h"

#include <errno.h>
#include <string.h>

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
static bool
may_be_sent_again(const struct sp_exchange *exchange)
{
    return is_idempotent(exchange->method) &&
           (exchange->body_length == SP_BODY_NONE || exchange->body_length == 0);
}

/* libcurl stops sending what the answer says is not wanted, but a send that is paused keeps
 * the transfer from its end: the loop lets it go on. */
static bool
begin_answer(struct sp_transfer *transfer)
{
    struct sp_exchange *exchange = transfer->exchange;
    bool is_refused = exchange->body_length == SP_BODY_TUNNEL && exchange->head.status != 101;

    pthread_mutex_lock(&exchange->mutex);
    bool unwanted = exchange->request_starved && !sp_status_wants_body(exchange->head.status);
    exchange->request_starved = exchange->request_starved && !unwanted;
    sp_exchange_set_state(exchange, SP_EXCHANGE_ANSWERING);
    exchange->request.ended = exchange->request.ended || is_refused;
    if (exchange->request_crowded) {
        exchange->request_crowded = false;
        sp_exchange_notify(exchange);
    }
    pthread_mutex_unlock(&exchange->mutex);
    if (unwanted || is_refused) {
        /* Not from within a callback. An engine that stops ends every exchange anyway. */
        (void)sp_mailbox_post(exchange->mailbox, exchange, SP_WISH_SEND);
    }
    if (exchange->client_end != NULL) {
        return exchange->client_end->answer(exchange);
    }
    sp_news_add(transfer->news, exchange);
    return true;
}

/* (8) The answer's head, line by line. */
size_t
sp_callback_line(char *data, size_t size, size_t count, void *context)
{
    struct sp_transfer *transfer = context;
    struct sp_exchange *exchange = transfer->exchange;

    exchange->active = sp_clock_now();
    switch (sp_response_head_add(&exchange->head, (struct sp_span){data, size * count})) {
    case SP_HEAD_REFUSED:
        transfer->fault = SP_E_RESPONSE_HEAD;
        return 0;
    case SP_HEAD_COMPLETE:
        if (!begin_answer(transfer)) {
            transfer->fault = SP_E_RESPONSE_HEAD;
            return 0;
        }
        break;
    case SP_HEAD_INTERIM:
        if (exchange->client_end != NULL) {
            exchange->client_end->interim(exchange);
        }
        break;
    case SP_HEAD_MORE:
        break;
    }
    return size * count;
}

/* Under the mutex. Holding the socket back in time spares libcurl's own pause, which
 * costs more; it stays as the last resort, since libcurl's timers may read too. */
static size_t
fill_response(struct sp_transfer *transfer, struct sp_span bytes)
{
    struct sp_exchange *exchange = transfer->exchange;

    if (sp_pipe_room(&exchange->response) < bytes.len) {
        exchange->response_held = true;
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!sp_pipe_write(&exchange->response, bytes)) {
        transfer->fault = SP_E_NO_MEMORY;
        return 0;
    }
    if (sp_pipe_room(&exchange->response) < SP_RECEIVE_SIZE) {
        exchange->response_held = true;
    }
    return bytes.len;
}

/* (9) The answer's body, into its pipe. */
size_t
sp_callback_receive(char *data, size_t size, size_t count, void *context)
{
    struct sp_transfer *transfer = context;
    struct sp_exchange *exchange = transfer->exchange;

    if (!exchange->head.complete) {
        transfer->fault = SP_E_RESPONSE_HEAD; /* a body with no head: HTTP/0.9 */
        return 0;
    }
    exchange->active = sp_clock_now();
    if (exchange->client_end != NULL) {
        return exchange->client_end->receive(transfer, (struct sp_span){data, size * count});
    }
    pthread_mutex_lock(&exchange->mutex);
    size_t taken = fill_response(transfer, (struct sp_span){data, size * count});
    bool held = exchange->response_held;
    pthread_mutex_unlock(&exchange->mutex);
    if (held) {
        sp_sockets_hold(transfer->sockets, transfer->socket, true);
    }
    sp_news_add(transfer->news, exchange);
    return taken;
}

/* libcurl 7.84 to 8.6 asks for more also while it has bytes that the socket did not take, perhaps
 * of the head, and is then offered the rest of its buffer. A pause would keep those bytes back;
 * "no more", which is not yet the end there, sends them. To later ones it would be the end. */
static bool
has_bytes_left(const struct sp_transfer *transfer, size_t room)
{
    return room < SP_RECEIVE_SIZE && !transfer->is_buffered;
}

/* To libcurl 8.7 and later it is an error to have said a length and to end before, which costs the
 * answer what has not been read of it; but a pause does not keep them from ending with the answer.
 */
static bool
is_short_an_error(const struct sp_transfer *transfer)
{
    return transfer->is_buffered && transfer->exchange->body_length > 0;
}

/* Under the mutex. */
static size_t
drain_request(struct sp_transfer *transfer, char *data, size_t room)
{
    struct sp_exchange *exchange = transfer->exchange;

    /* libcurl goes on sending where the connection is to close after the answer, and would wait for
     * the rest before it ends. */
    if (sp_exchange_is_unwanted(exchange)) {
        return is_short_an_error(transfer) ? CURL_READFUNC_PAUSE : 0;
    }
    struct sp_span bytes = sp_pipe_peek(&exchange->request);
    size_t count = bytes.len < room ? bytes.len : room;

    if (count == 0) {
        exchange->request_starved = !exchange->request.ended && !has_bytes_left(transfer, room);
        return exchange->request_starved ? CURL_READFUNC_PAUSE : 0;
    }
    transfer->taken += (long long)count;
    memcpy(data, bytes.data, count);
    sp_pipe_consume(&exchange->request, count);
    if (exchange->request_crowded && sp_pipe_room(&exchange->request) >= SP_PIPE_CEILING / 2) {
        exchange->request_crowded = false;
        sp_exchange_notify(exchange);
    }
    return count;
}

/* Under the mutex. libcurl does not ask again once it has the declared number of bytes. */
static bool
is_drained(const struct sp_exchange *exchange)
{
    return sp_pipe_is_empty(&exchange->request) &&
           (exchange->request.ended || (exchange->body_length > 0 && exchange->request_left == 0));
}

/* (7) libcurl empties the request's pipe. */
size_t
sp_callback_send(char *data, size_t size, size_t count, void *context)
{
    struct sp_transfer *transfer = context;
    struct sp_exchange *exchange = transfer->exchange;

    pthread_mutex_lock(&exchange->mutex);
    size_t sent = drain_request(transfer, data, size * count);
    bool drained = is_drained(exchange);
    bool is_over = sent == 0 && exchange->request.ended;
    pthread_mutex_unlock(&exchange->mutex);
    exchange->active = sp_clock_now();
    if (exchange->client_end != NULL) {
        exchange->client_end->drained(transfer);
    }
    if (drained) {
        exchange->sent = exchange->active;
    }
    if (is_over && exchange->body_length == SP_BODY_TUNNEL && exchange->head.status == 101) {
        transfer->is_spoken = true; /* but libcurl may not have sent all of it yet */
        (void)sp_mailbox_post(exchange->mailbox, exchange, SP_WISH_HALF);
    }
    return sent;
}

/* (6) A repetition, or a stale connection, is given up before anything is sent. */
int
sp_callback_before_send(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    struct sp_transfer *transfer = context;
    struct sp_exchange *exchange = transfer->exchange;
    struct sp_route route = {remote_ip, remote_port, local_port};
    long long now = sp_clock_now();

    (void)local_ip; /* the remote end and the local port name a connection */
    if (++transfer->sends > 1 && !may_be_sent_again(exchange)) {
        transfer->fault = SP_E_RESPONSE_NONE;
        return CURL_PREREQFUNC_ABORT;
    }
    if (exchange->upstream->options.unix_socket == NULL) {
        transfer->socket = sp_sockets_find(transfer->sockets, &route);
    }
    if (sp_sockets_is_stale(transfer->sockets, transfer->socket, now)) {
        transfer->stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->active = now;
    if (exchange->body_length <= 0 && exchange->body_length != SP_BODY_CHUNKED) {
        exchange->sent = now;
    }
    return CURL_PREREQFUNC_OK;
}

int
sp_callback_trace(CURL *easy, curl_infotype type, char *data, size_t size, void *context)
{
    struct sp_transfer *transfer = context;

    (void)easy;
    /* An alert is two bytes, and close_notify's second one is zero (RFC 8446, 6). */
    if (type == CURLINFO_SSL_DATA_IN && size == 2 && data[1] == 0) {
        transfer->goodbye = true;
    }
    return 0;
}

curl_socket_t
sp_callback_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sp_transfer *transfer = context;
    curl_socket_t fd = sp_sockets_open(transfer->sockets, address);

    sp_tried_note(&transfer->tried, &address->addr, address->addrlen);
    (void)purpose; /* only CURLSOCKTYPE_IPCXN is asked for in HTTP */
    if (fd == CURL_SOCKET_BAD && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS)) {
        transfer->fault = SP_E_TOO_MANY;
    }
    transfer->socket = fd != CURL_SOCKET_BAD ? fd : SP_NO_SOCKET;
    return fd;
}

int
sp_callback_close(void *context, curl_socket_t fd)
{
    sp_sockets_close(context, fd);
    return 0;
}

#include "door/answer.h"

#include "engine/client_end.h"
#include "engine/pipe_end.h"
#include "engine/roster.h"
#include "wire/chunked.h"
#include "wire/returning.h"

#include <string.h>

#define SP_CRLF SP_SPAN("\r\n")

/* Chunks that are shorter go out together. */
#define SP_SMALL_CHUNK ((size_t)4 * 1024)

static bool
queue(struct sp_downstream *downstream, struct sp_span bytes)
{
    return sp_stream_queue(downstream->stream, bytes);
}

/* All but what frames it on the client's connection. */
static bool
queue_head(struct sp_downstream *downstream, const struct sp_response_head *head)
{
    const struct sp_visit *visit = &downstream->visit;
    const struct sp_host_view *seen = sp_host_view_of(visit->host, visit->frontend, visit->kind);
    const struct sp_returning returning = {
        .head = head,
        .own_addresses = visit->site->frontends[visit->frontend].own_addresses,
        .origin = visit->host->origin,
        .alias = seen->alias,
    };

    return sp_returning_append(&downstream->stream->out.bytes, &returning);
}

static enum sp_framing
framing_of(const struct sp_visit *visit, const struct sp_response_head *head)
{
    if (visit->is_head || head->status == 204 || head->status == 304) {
        return SP_FRAMING_NONE;
    }
    if (!head->chunked && head->content_length != SP_LENGTH_UNKNOWN) {
        return SP_FRAMING_LENGTH;
    }
    return visit->http_1_0 ? SP_FRAMING_CLOSE : SP_FRAMING_CHUNKED;
}

/* An answer that says no to a body does not wait for it, nor do we. */
static bool
is_kept_alive(const struct sp_visit *visit, const struct sp_response_head *head)
{
    return visit->keep_alive && visit->framing != SP_FRAMING_CLOSE &&
           (visit->is_body_done || sp_status_wants_body(head->status));
}

static bool
queue_framing(struct sp_downstream *downstream)
{
    const struct sp_visit *visit = &downstream->visit;

    if (visit->framing == SP_FRAMING_CHUNKED &&
        !queue(downstream, SP_SPAN("Transfer-Encoding: chunked\r\n"))) {
        return false;
    }
    if (!visit->keep_alive && !queue(downstream, SP_SPAN("Connection: close\r\n"))) {
        return false;
    }
    if (visit->keep_alive && visit->http_1_0 &&
        !queue(downstream, SP_SPAN("Connection: keep-alive\r\n"))) {
        return false;
    }
    return queue(downstream, SP_CRLF);
}

/* Why a head could not be queued. */
static enum sp_error
refusal_of(const struct sp_downstream *downstream)
{
    return downstream->stream->out.bytes.is_short ? SP_E_NO_MEMORY : SP_E_RESPONSE_HEAD;
}

/* The socket goes to the relay, but not from within a callback: until then the exchange keeps what
 * comes. */
static enum sp_error
become_tunnel(struct sp_exchange *exchange)
{
    struct sp_downstream *downstream = exchange->downstream;

    if (!queue_head(downstream, &exchange->head) ||
        !queue(downstream, SP_SPAN("Connection: Upgrade\r\n\r\n"))) {
        return refusal_of(downstream);
    }
    exchange->client_end = sp_pipe_end();
    downstream->visit.is_answered = true;
    downstream->due = SP_STEP_TUNNEL;
    sp_downstream_touch(downstream);
    return SP_OK;
}

/* (7) The head, kept until the first of the body has come, or the round is over. */
static enum sp_error
keep_head(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_downstream *downstream = exchange->downstream;
    struct sp_visit *visit = &downstream->visit;
    const struct sp_response_head *head = &exchange->head;

    (void)loop;
    visit->answered = downstream->door->loop->now;
    sp_downstream_use_kept(downstream);
    if (head->status == 101) {
        return become_tunnel(exchange);
    }
    visit->framing = framing_of(visit, head);
    visit->keep_alive = is_kept_alive(visit, head);
    visit->is_answered = true;
    visit->answer_at = downstream->stream->out.bytes.len;
    visit->said = downstream->stream->sent;
    if (visit->framing == SP_FRAMING_CLOSE) {
        sp_stream_arm(downstream->stream);
    }
    sp_downstream_touch(downstream);
    bool queued = queue_head(downstream, head) &&
                  queue(downstream, visit->site->frontends[visit->frontend].last_line) &&
                  queue_framing(downstream);
    return queued ? SP_OK : refusal_of(downstream);
}

/* A 100 is between the frontend and us: the client is told to go on when we are. */
static void
pass_interim(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_downstream *downstream = exchange->downstream;
    const struct sp_response_head *head = &exchange->head;

    (void)loop;
    if (downstream->visit.http_1_0 || head->status == 100) {
        return;
    }
    struct sp_buffer *out = &downstream->stream->out.bytes;
    size_t before = out->len;
    if (!queue_head(downstream, head) || !queue(downstream, SP_CRLF)) {
        out->len = before; /* a client that does not read misses it, whole */
    }
    sp_downstream_touch(downstream);
}

/* A client that reads slowly is not the upstream's fault: it is not timed. */
static void
hold_upstream(struct sp_downstream *downstream)
{
    sp_exchange_hold(downstream->visit.exchange);
    if (!downstream->is_blocked) {
        downstream->is_blocked = true;
        sp_downstream_watch(downstream);
        sp_downstream_touch(downstream);
    }
}

/* (21) One send, with the head if that still waits, and with what makes a chunk of it; none when
 * it is `put_off`. */
static bool
send_body(struct sp_downstream *downstream, struct sp_span bytes, bool put_off)
{
    struct sp_stream *stream = downstream->stream;
    char room[SP_CHUNK_SIZE_ROOM] = {0};

    if (downstream->visit.framing != SP_FRAMING_CHUNKED) {
        return sp_stream_gather(stream, &bytes, 1);
    }
    struct sp_span chunk[] = {sp_chunk_size_line(bytes.len, room), bytes, SP_CRLF};
    if (put_off) {
        return queue(downstream, chunk[0]) && queue(downstream, bytes) &&
               queue(downstream, SP_CRLF);
    }
    return sp_stream_gather(stream, chunk, 3);
}

/* So much of the body has been taken. A client that is full holds the upstream whatever follows:
 * behind a chunk there is always something, if only its end. */
static void
count_body(struct sp_downstream *downstream, size_t count, bool put_off)
{
    downstream->visit.sent += (long long)count;
    if (put_off || !sp_stream_is_behind(downstream->stream)) {
        sp_downstream_touch(downstream);
    }
    else {
        hold_upstream(downstream);
    }
}

/* (8) The body, straight to the client. */
static enum sp_error
send_piece(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes, bool more)
{
    struct sp_downstream *downstream = exchange->downstream;
    bool put_off = more && bytes.len < SP_SMALL_CHUNK && !downstream->is_blocked &&
                   downstream->visit.framing == SP_FRAMING_CHUNKED;

    (void)loop;
    if (downstream->visit.framing == SP_FRAMING_NONE) {
        return SP_OK;
    }
    if (!send_body(downstream, bytes, put_off)) {
        return SP_E_CLIENT_GONE;
    }
    count_body(downstream, bytes.len, put_off);
    return SP_OK;
}

static enum sp_error
send_splice(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_splice *splice)
{
    struct sp_downstream *downstream = exchange->downstream;
    size_t count = splice->held;

    (void)loop;
    sp_stream_pass(downstream->stream, splice);
    if (sp_stream_flush(downstream->stream) == SP_IO_BROKEN) {
        return SP_E_CLIENT_GONE;
    }
    count_body(downstream, count, false);
    return SP_OK;
}

/* The frontend asks for the body: now the client is asked, if it waits for that (RFC 9110,
 * 10.1.1). */
static void
ask_for_body(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_downstream *downstream = exchange->downstream;

    (void)loop;
    if (downstream->visit.owes_continue && exchange->request_starved &&
        !downstream->visit.is_answered) {
        downstream->visit.owes_continue = false;
        (void)queue(downstream, SP_SPAN("HTTP/1.1 100 Continue\r\n\r\n")); /* else it waits */
    }
    sp_downstream_touch(downstream);
}

static bool
queue_field(struct sp_downstream *downstream, const struct sp_field *field)
{
    return queue(downstream, field->name) && queue(downstream, SP_SPAN(": ")) &&
           queue(downstream, field->value) && queue(downstream, SP_CRLF);
}

static bool
queue_last_chunk(struct sp_downstream *downstream, const struct sp_response_head *head)
{
    struct sp_span rest = sp_buffer_peek(&head->trailers);
    struct sp_field field;
    bool queued = queue(downstream, SP_SPAN("0\r\n"));

    while (queued && sp_response_head_next_trailer(&rest, &field)) {
        queued = queue_field(downstream, &field);
    }
    return queued && queue(downstream, SP_CRLF);
}

/* (10) The last chunk is sent only when the frontend has sent its own. */
static void
end_answer(struct sp_loop *loop, struct sp_exchange *exchange)
{
    struct sp_downstream *downstream = exchange->downstream;
    struct sp_visit *visit = &downstream->visit;

    (void)loop;
    visit->error = exchange->error;
    if (visit->error == SP_OK && visit->framing == SP_FRAMING_CHUNKED &&
        !queue_last_chunk(downstream, &exchange->head)) {
        visit->error = SP_E_NO_MEMORY;
    }
    downstream->due = SP_STEP_END_VISIT;
    sp_downstream_touch(downstream);
}

const struct sp_client_end *
sp_answer_client_end(void)
{
    static const struct sp_client_end answer_end = {
        .interim = pass_interim,
        .answer = keep_head,
        .receive = send_piece,
        .pass = send_splice,
        .drained = ask_for_body,
        .ended = end_answer,
    };

    return &answer_end;
}

bool
sp_answer_flush(struct sp_downstream *downstream)
{
    bool was_blocked = downstream->is_blocked;

    if (sp_stream_flush(downstream->stream) == SP_IO_BROKEN) {
        return false;
    }
    downstream->is_blocked = sp_stream_is_behind(downstream->stream);
    if (was_blocked != downstream->is_blocked) {
        sp_downstream_watch(downstream);
    }
    struct sp_exchange *exchange = downstream->visit.exchange;
    if (!downstream->is_blocked && exchange != NULL && exchange->response_held) {
        sp_roster_resume(downstream->door->loop, exchange, SP_WISH_RECEIVE);
    }
    return true;
}

bool
sp_answer_is_out(const struct sp_downstream *downstream)
{
    const struct sp_visit *visit = &downstream->visit;
    bool is_whole = visit->framing == SP_FRAMING_NONE ||
                    (visit->exchange != NULL && visit->framing == SP_FRAMING_LENGTH &&
                     visit->sent == visit->exchange->head.content_length);

    return downstream->state == SP_DOWNSTREAM_EXCHANGING && visit->is_answered && is_whole &&
           visit->is_body_done && !sp_stream_is_behind(downstream->stream);
}

void
sp_answer_unsay(struct sp_downstream *downstream)
{
    struct sp_visit *visit = &downstream->visit;
    struct sp_stream *stream = downstream->stream;

    if (visit->is_answered && stream->sent == visit->said && stream->splice == NULL) {
        stream->out.bytes.len = visit->answer_at;
        visit->is_answered = false;
        visit->sent = 0;
    }
}

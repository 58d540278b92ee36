#include "door/intake.h"

#include "door/answer.h"
#include "engine/hop_passing.h"
#include "engine/hop_request.h"
#include "engine/request_body.h"
#include "engine/roster.h"

/* Under the exchange's mutex. */
static enum sp_error
move_plain(struct sp_downstream *downstream)
{
    struct sp_visit *visit = &downstream->visit;
    struct sp_span bytes = sp_downstream_unused(downstream);
    size_t room = sp_request_body_room(visit->exchange);

    if ((long long)bytes.len > visit->body_left) {
        bytes.len = (size_t)visit->body_left;
    }
    bytes.len = bytes.len < room ? bytes.len : room;
    if (!sp_request_body_write(visit->exchange, bytes)) {
        return SP_E_NO_MEMORY;
    }
    visit->body_left -= (long long)bytes.len;
    visit->is_body_done = visit->body_left == 0;
    sp_downstream_use(downstream, bytes.len);
    return SP_OK;
}

/* Under the mutex: as many chunks as there is room for. */
static enum sp_error
move_chunks(struct sp_downstream *downstream)
{
    struct sp_visit *visit = &downstream->visit;
    enum sp_chunked_step step = SP_CHUNKED_DATA;

    while (step == SP_CHUNKED_DATA) {
        struct sp_span unused = sp_downstream_unused(downstream);
        size_t room = sp_request_body_room(visit->exchange);
        size_t given = unused.len < room ? unused.len : room; /* no run is longer than its bytes */
        struct sp_span bytes = {unused.data, given};
        struct sp_span data = {NULL, 0};
        if (given == 0) {
            break;
        }
        step = sp_chunked_next(visit->chunked, &bytes, &data);
        if (step == SP_CHUNKED_DATA && !sp_request_body_write(visit->exchange, data)) {
            return SP_E_NO_MEMORY;
        }
        sp_downstream_use(downstream, given - bytes.len);
        if (step == SP_CHUNKED_MORE) {
            step = SP_CHUNKED_DATA; /* until nothing is left */
        }
    }
    visit->is_body_done = step == SP_CHUNKED_DONE;
    return step != SP_CHUNKED_BROKEN           ? SP_OK
           : visit->chunked->trailers.is_short ? SP_E_NO_MEMORY
                                               : SP_E_REQUEST_CLIENT;
}

static enum sp_error
move_body(struct sp_downstream *downstream, bool *was_starved)
{
    struct sp_visit *visit = &downstream->visit;
    struct sp_exchange *exchange = visit->exchange;

    pthread_mutex_lock(&exchange->mutex);
    bool is_chunked = visit->chunked != NULL;
    enum sp_error error = is_chunked ? move_chunks(downstream) : move_plain(downstream);
    struct sp_span trailers = is_chunked ? sp_buffer_peek(&visit->chunked->trailers) : SP_SPAN("");
    if (error == SP_OK && visit->is_body_done && !sp_request_body_end(exchange, trailers)) {
        error = SP_E_NO_MEMORY;
    }
    *was_starved =
        exchange->request_starved && (visit->is_body_done || !sp_pipe_is_empty(&exchange->request));
    if (*was_starved) {
        exchange->request_starved = false;
    }
    pthread_mutex_unlock(&exchange->mutex);
    return error;
}

enum sp_error
sp_intake_begin(struct sp_downstream *downstream)
{
    bool was_starved;

    if (downstream->visit.is_body_done) {
        return SP_OK;
    }
    if (sp_downstream_unused(downstream).len > 0) {
        downstream->visit.owes_continue = false; /* it does not wait */
    }
    return move_body(downstream, &was_starved);
}

static bool
is_cut(const struct sp_downstream *downstream)
{
    const struct sp_visit *visit = &downstream->visit;

    return visit->exchange != NULL && !visit->is_body_done;
}

/* What was read before the end waits for room in the pipe. */
static bool
has_rest(const struct sp_downstream *downstream)
{
    return downstream->state == SP_DOWNSTREAM_EXCHANGING && is_cut(downstream) &&
           sp_downstream_unused(downstream).len > 0;
}

enum sp_step
sp_intake_end(struct sp_downstream *downstream)
{
    bool is_held = downstream->state == SP_DOWNSTREAM_FLUSHING || has_rest(downstream) ||
                   sp_answer_is_out(downstream);

    if (!is_held && !is_cut(downstream)) {
        return SP_STEP_CLOSE;
    }
    sp_downstream_watch(downstream);
    if (!is_held) {
        sp_roster_end(downstream->door->loop, downstream->visit.exchange, SP_E_REQUEST_CLIENT);
    }
    return SP_STEP_NONE;
}

bool
sp_intake_is_awaited(const struct sp_downstream *downstream)
{
    return is_cut(downstream) && !downstream->stream->is_over && !downstream->visit.owes_continue &&
           sp_downstream_unused(downstream).len == 0 && !downstream->stream->is_held &&
           !sp_exchange_is_unwanted(downstream->visit.exchange);
}

bool
sp_intake_is_put_off(const struct sp_downstream *downstream)
{
    const struct sp_exchange *exchange = downstream->visit.exchange;

    return exchange != NULL && exchange->hop != NULL && sp_hop_request_is_put_off(exchange->hop);
}

/* What was read and is not used yet would be overtaken. */
static bool
is_due(const struct sp_downstream *downstream)
{
    const struct sp_visit *visit = &downstream->visit;

    return visit->exchange != NULL && visit->exchange->hop != NULL &&
           visit->body_left >= (long long)SP_SPLICE_WORTH &&
           sp_downstream_unused(downstream).len == 0;
}

static void
count_down_body(struct sp_downstream *downstream, size_t count)
{
    struct sp_visit *visit = &downstream->visit;

    visit->owes_continue = false;
    visit->body_left -= (long long)count;
    visit->is_body_done = visit->body_left == 0;
    sp_roster_resume(downstream->door->loop, visit->exchange, SP_WISH_SEND);
}

enum sp_reading
sp_intake_read(struct sp_downstream *downstream)
{
    const struct sp_visit *visit = &downstream->visit;
    enum sp_passing passing = SP_PASSING_COPY;
    enum sp_io io = SP_IO_AGAIN;

    if (is_due(downstream)) {
        size_t most = (size_t)visit->body_left;
        passing = sp_hop_pass(visit->exchange->hop, downstream->stream->fd, &most, &io);
        if (passing == SP_PASSING_DONE && io == SP_IO_OK) {
            count_down_body(downstream, most);
        }
    }
    switch (passing) {
    case SP_PASSING_COPY:
        return sp_downstream_read(downstream);
    case SP_PASSING_LATER:
        sp_downstream_stop(downstream);
        return SP_READING_NOTHING;
    case SP_PASSING_DONE:
        break;
    }
    return sp_downstream_note(downstream, io);
}

void
sp_intake_go_on(struct sp_downstream *downstream)
{
    struct sp_loop *loop = downstream->door->loop;
    struct sp_exchange *exchange = downstream->visit.exchange;
    size_t count = sp_downstream_unused(downstream).len;
    bool was_starved = false;

    if (count == 0 || !is_cut(downstream)) {
        return; /* what comes now is the next request */
    }
    if (sp_exchange_is_unwanted(exchange)) {
        sp_downstream_use(downstream, count);
        return; /* nothing more of it goes out */
    }
    downstream->visit.owes_continue = false;
    enum sp_error error = move_body(downstream, &was_starved);
    if (error != SP_OK) {
        sp_roster_end(loop, exchange, error);
    }
    else if (was_starved) {
        sp_roster_resume(loop, exchange, SP_WISH_SEND);
    }
}

#include "door/conductor.h"

#include "core/clock.h"
#include "door/host_check.h"
#include "door/refusal.h"
#include "door/showing.h"
#include "door/visit.h"
#include "engine/roster.h"

static struct sp_conductor *
conductor_of(const struct sp_downstream *downstream)
{
    return (struct sp_conductor *)(void *)downstream->door;
}

static void
bury(struct sp_downstream *downstream)
{
    struct sp_conductor *conductor = conductor_of(downstream);

    if (downstream->previous != NULL) {
        downstream->previous->next = downstream->next;
    }
    else {
        conductor->first = downstream->next;
    }
    if (downstream->next != NULL) {
        downstream->next->previous = downstream->previous;
    }
    downstream->next = conductor->closed;
    conductor->closed = downstream;
    conductor->count--;
}

static void
close_client(struct sp_downstream *downstream, bool reset)
{
    struct sp_stream *stream = downstream->stream;

    if (downstream->state == SP_DOWNSTREAM_CLOSED) {
        return;
    }
    sp_waiting_leave(downstream);
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_CLOSED);
    if (stream != NULL) {
        if (reset) {
            sp_stream_reset(stream);
        }
        else {
            sp_stream_close(stream);
        }
    }
    sp_visit_abandon(downstream);
    sp_showing_break(downstream, SP_E_CLIENT_GONE);
    downstream->due = SP_STEP_NONE;
    bury(downstream);
}

static enum sp_step
begin_exchange(struct sp_downstream *downstream)
{
    enum sp_step step = sp_visit_forward(downstream);

    if (step != SP_STEP_NONE) {
        return step;
    }
    sp_roster_admit(downstream->door->loop, sp_exchange_take(downstream->visit.exchange));
    return SP_STEP_NONE;
}

/* A chunked body is nothing that Django's server can read. */
static enum sp_step
hand_over(struct sp_downstream *downstream)
{
    if (downstream->door->incoming.chunked) {
        return sp_refusal_queue_own(downstream, SP_OWN_LOST_BODY);
    }
    switch (sp_handover_give(&conductor_of(downstream)->channels, downstream)) {
    case SP_OK:
        return SP_STEP_NONE;
    case SP_E_AGAIN:
        return SP_STEP_AWAIT_DJANGO;
    default:
        return SP_STEP_RESET;
    }
}

static enum sp_step
ask_about_host(struct sp_downstream *downstream)
{
    struct sp_conductor *conductor = conductor_of(downstream);
    const struct sp_door *door = downstream->door;
    enum sp_verdict verdict = sp_host_check_ask(door->loop, door->site, &conductor->channels,
                                                conductor->questions, door->incoming.host);

    return verdict == SP_VERDICT_ASKED ? SP_STEP_AWAIT_WORD : SP_STEP_HAND_OVER;
}

static void
await(struct sp_downstream *downstream, struct sp_waiting *waiting)
{
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_WAITING);
    if (downstream->waiting_since == SP_NEVER) {
        downstream->waiting_since = downstream->door->loop->now;
    }
    sp_waiting_add(waiting, downstream);
}

static void
finish_client(struct sp_downstream *downstream)
{
    sp_waiting_leave(downstream);
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_FLUSHING);
    sp_downstream_touch(downstream);
}

/* Does what comes next, and says what comes after it. */
static enum sp_step
take_step(struct sp_downstream *downstream, enum sp_step step)
{
    switch (step) {
    case SP_STEP_FORWARD:
        return begin_exchange(downstream);
    case SP_STEP_HAND_OVER:
        return hand_over(downstream);
    case SP_STEP_AWAIT_DJANGO:
        await(downstream, &conductor_of(downstream)->for_django);
        break;
    case SP_STEP_ASK:
        return ask_about_host(downstream);
    case SP_STEP_AWAIT_WORD:
        await(downstream, &conductor_of(downstream)->for_word);
        break;
    case SP_STEP_TUNNEL:
        sp_visit_leave(downstream);
        return SP_STEP_CLOSE;
    case SP_STEP_END_VISIT:
        return sp_visit_end(downstream);
    case SP_STEP_READ:
        sp_downstream_set_state(downstream, SP_DOWNSTREAM_READING);
        break;
    case SP_STEP_FINISH:
        finish_client(downstream);
        break;
    case SP_STEP_CLOSE:
    case SP_STEP_RESET:
        close_client(downstream, step == SP_STEP_RESET);
        break;
    case SP_STEP_NONE:
        break;
    }
    return SP_STEP_NONE;
}

void
sp_conductor_follow(struct sp_downstream *downstream, enum sp_step step)
{
    do {
        enum sp_step next = take_step(downstream, step);
        if (next == SP_STEP_NONE) {
            next = downstream->due;
            downstream->due = SP_STEP_NONE;
        }
        step = next;
    } while (step != SP_STEP_NONE);
}

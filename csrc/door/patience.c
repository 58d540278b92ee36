#include "door/patience.h"

#include "door/intake.h"
#include "door/refusal.h"

/* What is waited for, and since when, if the client's next byte is not. An exchange's upstream has
 * deadlines of its own, and Django's requests have none. */
static bool
is_awaited(const struct sp_downstream *downstream, enum sp_wait *wait, long long *since)
{
    *wait = SP_WAIT_CLIENT;
    *since = downstream->since;
    switch (downstream->state) {
    case SP_DOWNSTREAM_READING:
        if (!sp_stream_is_behind(downstream->stream)) {
            bool begun = sp_downstream_unused(downstream).len > 0;
            *wait = begun ? SP_WAIT_HEAD : SP_WAIT_REQUEST;
        }
        return true;
    case SP_DOWNSTREAM_WAITING:
        *wait = SP_WAIT_DJANGO;
        *since = downstream->waiting_since;
        return true;
    case SP_DOWNSTREAM_EXCHANGING:
        return downstream->is_blocked || sp_intake_is_awaited(downstream);
    case SP_DOWNSTREAM_FLUSHING:
        return true;
    case SP_DOWNSTREAM_LINGERING:
        *wait = SP_WAIT_LINGER;
        return true;
    default:
        return false;
    }
}

void
sp_patience_note(struct sp_downstream *downstream, bool moved)
{
    struct sp_timer *timer = &downstream->stream->timer;
    enum sp_wait wait;
    long long since;

    if (!is_awaited(downstream, &wait, &since)) {
        sp_timer_clear(timer);
        return;
    }
    bool goes_on = sp_timer_is_set(timer) && timer->wait == wait;
    if (wait == SP_WAIT_CLIENT) {
        since = goes_on && !moved ? downstream->awaited_since : downstream->door->loop->now;
    }
    if (!goes_on || since != downstream->awaited_since) {
        downstream->awaited_since = since;
        downstream->stream->sent_before = downstream->stream->sent;
        sp_timers_set(&downstream->door->loop->timers, timer, wait, since);
    }
}

/* What goes straight to a client while a part of its request is awaited is not noted each time. */
static enum sp_step
end_of_client(struct sp_downstream *downstream)
{
    if (downstream->stream->sent == downstream->stream->sent_before) {
        return SP_STEP_RESET;
    }
    sp_patience_note(downstream, true);
    return SP_STEP_NONE;
}

enum sp_step
sp_patience_end(struct sp_downstream *downstream)
{
    switch (downstream->stream->timer.wait) {
    case SP_WAIT_CLIENT:
        return end_of_client(downstream);
    case SP_WAIT_HEAD:
        return sp_refusal_queue_own(downstream, SP_OWN_LATE_HEAD);
    case SP_WAIT_DJANGO:
        return sp_refusal_queue_own(downstream, SP_OWN_NOT_THERE);
    default:
        return SP_STEP_CLOSE;
    }
}

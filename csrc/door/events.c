#include "door/events.h"

#include "core/descriptors.h"
#include "door/answer.h"
#include "door/intake.h"
#include "door/orphan.h"
#include "door/patience.h"
#include "door/refusal.h"
#include "door/visit.h"
#include "engine/client_socket.h"
#include "engine/roster.h"

#include <stddef.h>

/* Of what a client still sends when all is over. */
#define SP_LAST_READS 64U

static void
feed(struct sp_downstream *downstream)
{
    sp_intake_go_on(downstream);
    sp_conductor_follow(downstream, SP_STEP_NONE);
}

/* Most clients are idle most of the time: between two requests one holds no memory for them. Not
 * before what was read is done with, since a head is looked at until its request is under way. */
static void
rest(struct sp_downstream *downstream, bool moved)
{
    if (downstream->state == SP_DOWNSTREAM_CLOSED) {
        return;
    }
    if (downstream->in.len == 0) {
        sp_buffer_clear(&downstream->in);
    }
    sp_patience_note(downstream, moved);
}

static void
send_waiting(struct sp_downstream *downstream)
{
    if (!sp_answer_flush(downstream)) {
        sp_conductor_follow(downstream, SP_STEP_RESET);
    }
}

static void
go_on(struct sp_downstream *downstream)
{
    if (!downstream->is_blocked && sp_stream_is_behind(downstream->stream)) {
        send_waiting(downstream);
    }
    if (downstream->state == SP_DOWNSTREAM_FLUSHING && !downstream->is_blocked) {
        sp_conductor_follow(downstream, sp_downstream_linger(downstream));
    }
    if (downstream->state == SP_DOWNSTREAM_EXCHANGING && downstream->in.len > 0) {
        feed(downstream);
        if (downstream->state == SP_DOWNSTREAM_EXCHANGING && downstream->stream->is_over) {
            sp_conductor_follow(downstream, sp_intake_end(downstream));
        }
    }
    if (downstream->state == SP_DOWNSTREAM_READING && !downstream->is_blocked) {
        sp_conductor_follow(downstream, sp_visit_begin(downstream));
    }
    if (downstream->state != SP_DOWNSTREAM_CLOSED && downstream->stream->is_held &&
        downstream->state != SP_DOWNSTREAM_HANDED && !sp_intake_is_put_off(downstream) &&
        sp_downstream_has_room(downstream)) {
        downstream->stream->is_held = false;
        sp_downstream_watch(downstream);
    }
}

/* Something has come: of the request's body, or a head. */
static void
note_bytes(struct sp_downstream *downstream)
{
    if (downstream->state == SP_DOWNSTREAM_EXCHANGING) {
        feed(downstream);
    }
    else if (downstream->state == SP_DOWNSTREAM_READING) {
        /* Django would send its answer into the one that is not sent yet. */
        if (!sp_stream_is_behind(downstream->stream)) {
            sp_conductor_follow(downstream, sp_visit_begin(downstream));
        }
        else {
            sp_downstream_touch(downstream);
        }
    }
}

static void
note_end_of_client(struct sp_downstream *downstream)
{
    if (downstream->state == SP_DOWNSTREAM_READING && sp_stream_is_behind(downstream->stream)) {
        sp_conductor_follow(downstream, SP_STEP_FINISH); /* it has its answer */
    }
    sp_conductor_follow(downstream, sp_intake_end(downstream));
}

static void
read_more(struct sp_downstream *downstream)
{
    switch (sp_intake_read(downstream)) {
    case SP_READING_BYTES:
        note_bytes(downstream);
        break;
    case SP_READING_END:
        note_end_of_client(downstream);
        break;
    case SP_READING_BROKEN:
        sp_conductor_follow(downstream, SP_STEP_RESET);
        break;
    case SP_READING_NOTHING:
        break;
    }
}

static void
look(struct sp_downstream *downstream, unsigned events)
{
    if ((events & SP_POLL_OUT) != 0 && downstream->is_blocked) {
        send_waiting(downstream);
        sp_downstream_touch(downstream);
    }
    if (downstream->state == SP_DOWNSTREAM_CLOSED) {
        return;
    }
    if ((events & (SP_POLL_IN | SP_POLL_ERROR)) != 0 && !downstream->stream->is_over &&
        !downstream->stream->is_held) {
        read_more(downstream);
    }
    else if ((events & SP_POLL_ERROR) != 0 && sp_client_is_gone(downstream->stream->fd)) {
        /* Looked at again: the event may be of a socket that had this number before. */
        sp_conductor_follow(downstream, SP_STEP_RESET);
    }
}

static void
client_stirred(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_downstream *downstream = ((struct sp_stream *)(void *)watcher)->user;

    (void)loop;
    sp_conductor_follow(downstream, SP_STEP_NONE);
    /* It may have gone since, to Django for one. */
    if (downstream->state == SP_DOWNSTREAM_CLOSED || downstream->state == SP_DOWNSTREAM_HANDED) {
        return;
    }
    unsigned long long sent = downstream->stream->sent;
    look(downstream, events);
    rest(downstream, (events & SP_POLL_IN) != 0 || downstream->stream->sent != sent);
}

static void
client_is_late(struct sp_loop *loop, struct sp_timer *timer)
{
    struct sp_downstream *downstream = sp_stream_of_timer(timer)->user;

    (void)loop;
    if (downstream->due == SP_STEP_NONE) {
        sp_conductor_follow(downstream, sp_patience_end(downstream));
    }
}

void
sp_events_welcome(struct sp_conductor *conductor, int fd, const char *peer)
{
    struct sp_downstream *downstream = NULL;

    if (sp_downstream_new(&conductor->door, fd, peer, &downstream) != SP_OK) {
        return;
    }
    sp_stream_give_to(downstream->stream, downstream, client_stirred);
    downstream->stream->timer.expired = client_is_late;
    if (!sp_stream_join(downstream->stream, &conductor->door.loop->sockets)) {
        sp_downstream_free(downstream);
        return;
    }
    downstream->next = conductor->first;
    if (conductor->first != NULL) {
        conductor->first->previous = downstream;
    }
    conductor->first = downstream;
    conductor->count++;
    sp_downstream_watch(downstream);
    sp_patience_note(downstream, false);
}

static void
decide_anew(struct sp_downstream *downstream)
{
    sp_waiting_leave(downstream);
    sp_downstream_set_state(downstream, SP_DOWNSTREAM_READING);
    downstream->scanned = 0;
    sp_conductor_follow(downstream, sp_visit_begin(downstream));
    sp_patience_note(downstream, false);
}

/* Each once: what waits on is behind the others again, in the same order. */
static void
decide_all_anew(struct sp_waiting *waiting)
{
    struct sp_downstream *last = waiting->last;
    struct sp_downstream *downstream = NULL;

    while (downstream != last) {
        downstream = waiting->first;
        decide_anew(downstream);
    }
}

/* (23) Something has come that they wait for, perhaps. */
void
sp_events_retry(struct sp_conductor *conductor)
{
    decide_all_anew(&conductor->for_django);
    decide_all_anew(&conductor->for_word);
}

/* Django takes more: as many as there is room for, the oldest first. */
static void
use_room(struct sp_conductor *conductor)
{
    struct sp_waiting *waiting = &conductor->for_django;

    while (waiting->first != NULL && sp_handover_has_room(&conductor->channels)) {
        struct sp_downstream *downstream = waiting->first;
        decide_anew(downstream);
        if (downstream->waits_in == waiting) {
            sp_waiting_leave(downstream);
            sp_waiting_add_first(waiting, downstream);
            return;
        }
    }
}

/* It waits again, but not to be handed over at once: what Django lacks it would lack still. */
static void
postpone(struct sp_downstream *downstream)
{
    enum sp_step step = sp_orphan_take_back(downstream);

    sp_conductor_follow(downstream, step == SP_STEP_NONE ? SP_STEP_AWAIT_DJANGO : step);
}

/* Django's server sees no "close" in a list of options, or in a second field (RFC 9112, 9.6). */
static void
welcome_back(struct sp_downstream *downstream)
{
    downstream->tries = 0;
    sp_downstream_use(downstream, downstream->handed);
    enum sp_step step = sp_orphan_take_back(downstream);
    bool is_over = step == SP_STEP_NONE && downstream->is_last;
    sp_conductor_follow(downstream, is_over ? SP_STEP_FINISH : step);
}

static void
hear_of_django(struct sp_channels *channels, struct sp_downstream *downstream,
               enum sp_handover_event event)
{
    char *at = (char *)channels - offsetof(struct sp_conductor, channels);

    switch (event) {
    case SP_HANDOVER_UNTAKEN:
        postpone(downstream);
        break;
    case SP_HANDOVER_BACK:
        welcome_back(downstream);
        break;
    case SP_HANDOVER_CLOSED:
        sp_conductor_follow(downstream, SP_STEP_CLOSE);
        break;
    case SP_HANDOVER_LOST:
    case SP_HANDOVER_ABANDONED:
        sp_conductor_follow(downstream, sp_orphan_settle(downstream, event == SP_HANDOVER_LOST));
        break;
    case SP_HANDOVER_ROOM:
        use_room((struct sp_conductor *)(void *)at);
        break;
    }
}

static void
proceed(struct sp_downstream *downstream)
{
    sp_conductor_follow(downstream, SP_STEP_NONE);
    if (downstream->state != SP_DOWNSTREAM_CLOSED && downstream->state != SP_DOWNSTREAM_HANDED) {
        go_on(downstream);
    }
    rest(downstream, false);
}

/* What is under way and can be answered is: a client might take silence for leave to repeat it. */
static void
dismiss(struct sp_downstream *downstream)
{
    sp_conductor_follow(downstream, SP_STEP_NONE);
    if (downstream->state >= SP_DOWNSTREAM_FLUSHING) {
        return;
    }
    if (downstream->state == SP_DOWNSTREAM_EXCHANGING) {
        sp_roster_end(downstream->door->loop, downstream->visit.exchange, SP_E_SHUTDOWN);
        sp_conductor_follow(downstream, SP_STEP_NONE);
    }
    else if (sp_stream_is_behind(downstream->stream)) {
        sp_conductor_follow(downstream, SP_STEP_FINISH);
    }
    else if (downstream->state == SP_DOWNSTREAM_WAITING ||
             sp_downstream_unused(downstream).len > 0) {
        sp_conductor_follow(downstream, sp_refusal_queue_own(downstream, SP_OWN_ENDING));
    }
    else {
        sp_conductor_follow(downstream, SP_STEP_CLOSE);
    }
}

bool
sp_events_end_round(struct sp_conductor *conductor)
{
    struct sp_door *door = &conductor->door;
    bool any_gone = false;

    while (door->touched != NULL) {
        struct sp_downstream *downstream = door->touched;
        door->touched = downstream->next_touched;
        downstream->is_touched = false;
        proceed(downstream);
    }
    while (conductor->closed != NULL) {
        struct sp_downstream *downstream = conductor->closed;
        conductor->closed = downstream->next;
        sp_downstream_free(downstream);
        any_gone = true;
    }
    bool any_waits = conductor->for_django.first != NULL || conductor->for_word.first != NULL;
    if (any_waits && !sp_timer_is_set(&conductor->retry)) {
        sp_timers_set(&door->loop->timers, &conductor->retry, SP_WAIT_RETRY, door->loop->now);
    }
    return any_gone;
}

void
sp_events_part(struct sp_conductor *conductor)
{
    conductor->door.is_closed = true;
    sp_handover_end(conductor->door.loop, &conductor->channels);
    for (struct sp_downstream *next, *each = conductor->first; each != NULL; each = next) {
        next = each->next;
        dismiss(each);
    }
    (void)sp_events_end_round(conductor); /* nobody waits for room */
}

/* Bytes that nobody has read would make a reset of the end, and destroy the answer before it. */
static void
read_last(struct sp_stream *stream)
{
    for (unsigned i = 0; i < SP_LAST_READS && sp_stream_read_away(stream) == SP_IO_OK; i++) {
    }
}

void
sp_events_end(struct sp_conductor *conductor)
{
    sp_events_part(conductor);
    while (conductor->first != NULL) {
        struct sp_downstream *downstream = conductor->first;
        read_last(downstream->stream);
        sp_conductor_follow(downstream, sp_stream_is_behind(downstream->stream) ? SP_STEP_RESET
                                                                                : SP_STEP_CLOSE);
    }
    (void)sp_events_end_round(conductor);
    sp_timer_clear(&conductor->retry);
    if (conductor->questions >= 0) {
        sp_descriptor_close(conductor->questions);
        conductor->questions = -1;
    }
}

static void
retry_is_due(struct sp_loop *loop, struct sp_timer *timer)
{
    char *at = (char *)timer - offsetof(struct sp_conductor, retry);

    (void)loop;
    sp_events_retry((struct sp_conductor *)(void *)at);
}

void
sp_events_begin(struct sp_loop *loop, struct sp_conductor *conductor)
{
    conductor->door.loop = loop;
    conductor->retry.expired = retry_is_due;
    conductor->channels.tell = hear_of_django;
}

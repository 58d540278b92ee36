#include "engine/loop.h"

#include "core/clock.h"
#include "engine/hop.h"
#include "engine/hops.h"
#include "engine/relay.h"
#include "engine/roster.h"

#include <stdlib.h>

#define SP_EVENTS        128
#define SP_SCAN_INTERVAL 100LL /* ms between looks at the deadlines */

/* (3) What callers wish for. */
static void
read_mail(struct sp_loop *loop)
{
    struct sp_exchange *exchange;
    unsigned wishes = 0;

    while ((exchange = sp_mailbox_take(&loop->mailbox, &wishes)) != NULL) {
        if ((wishes & SP_WISH_START) != 0) {
            sp_roster_admit(loop, sp_exchange_take(exchange));
        }
        if ((wishes & SP_WISH_CANCEL) != 0) {
            sp_roster_end(loop, exchange, SP_E_CANCELED);
        }
        else if ((wishes & SP_WISH_RELAY) != 0) {
            sp_relay_begin(loop, exchange);
        }
        else {
            sp_roster_resume(loop, exchange, wishes);
        }
        sp_exchange_give_back(exchange);
    }
}

static void
end_round_of_guests(struct sp_loop *loop)
{
    for (struct sp_guest *each = loop->guests; each != NULL; each = each->next) {
        each->end_round(loop, each);
    }
}

static void
watch_again(struct sp_loop *loop, struct sp_timer *timer)
{
    (void)timer;
    sp_sockets_watch_again(&loop->sockets);
}

static int
time_to_sleep(struct sp_loop *loop, bool hurry)
{
    long long until = loop->next_scan;

    until = sp_clock_sooner(until, sp_connector_deadline(loop->connector));
    until = sp_clock_sooner(until, sp_pool_deadline(&loop->pool));
    until = sp_clock_sooner(until, sp_timers_next(&loop->timers));
    if (hurry || loop->ready != NULL || (until != SP_NEVER && until <= loop->now)) {
        return 0;
    }
    return until == SP_NEVER ? -1 : (int)(until - loop->now);
}

static void
dispatch(struct sp_loop *loop, const struct sp_poll_event *event)
{
    struct sp_watcher *watcher = sp_sockets_watcher(&loop->sockets, event->fd);

    if (watcher != NULL) {
        watcher->happened(loop, watcher, event->events);
    }
    else if (event->fd == loop->mailbox.wakeup.receiver) {
        sp_wakeup_silence(&loop->mailbox.wakeup);
    }
}

static void
wait_for_events(struct sp_loop *loop, bool hurry)
{
    struct sp_poll_event events[SP_EVENTS];

    if (loop->sockets.is_behind && !sp_timer_is_set(&loop->shortage)) {
        sp_timers_set(&loop->timers, &loop->shortage, SP_WAIT_RETRY, loop->now);
    }
    int timeout = time_to_sleep(loop, hurry);

    if (timeout != 0 && !sp_mailbox_fall_asleep(&loop->mailbox)) {
        timeout = 0;
    }
    size_t count = sp_poller_wait(loop->poller, timeout, events, SP_EVENTS);
    sp_mailbox_wake_up(&loop->mailbox);
    loop->now = sp_clock_now();
    for (size_t i = 0; i < count; i++) {
        dispatch(loop, &events[i]);
    }
}

static void
run_deadlines(struct sp_loop *loop)
{
    long long now = loop->now;

    sp_connector_run(loop->connector, now);
    sp_pool_expire(&loop->pool, now);
    if (loop->next_scan != SP_NEVER && now >= loop->next_scan) {
        loop->next_scan = sp_roster_scan(loop, now) ? now + SP_SCAN_INTERVAL : SP_NEVER;
    }
    sp_timers_expire(&loop->timers, loop, now);
}

static void
end_all(struct sp_loop *loop)
{
    struct sp_exchange *exchange;
    unsigned wishes;

    while ((exchange = sp_mailbox_take(&loop->mailbox, &wishes)) != NULL) {
        if ((wishes & SP_WISH_START) != 0) {
            sp_roster_admit(loop, sp_exchange_take(exchange));
        }
        if ((wishes & SP_WISH_RELAY) != 0) {
            sp_relay_begin(loop, exchange);
        }
        sp_exchange_give_back(exchange);
    }
    sp_mailbox_do_chores(&loop->mailbox, loop);
    for (struct sp_guest *each = loop->guests; each != NULL; each = each->next) {
        each->end(loop, each);
    }
    sp_roster_end_all(loop);
    sp_relay_end_all(loop);
    sp_hop_run_ready(loop);
    (void)sp_news_deliver(&loop->news);
}

static enum sp_error
make_parts(struct sp_loop *loop)
{
    loop->bytes = malloc(SP_LOOP_BYTES);
    if (loop->bytes == NULL) {
        return SP_E_NO_MEMORY;
    }
    enum sp_error error = sp_poller_new(&loop->poller);
    if (error != SP_OK) {
        return error;
    }
    loop->sockets.poller = loop->poller;
    loop->connector = sp_connector_new(loop, &loop->sockets);
    /* Else for want of libcurl's own descriptors, rather than of memory. */
    return loop->connector != NULL ? SP_OK : SP_E_SYSTEM;
}

static void
free_parts(struct sp_loop *loop)
{
    sp_pool_clear(&loop->pool);
    sp_shortcuts_clear(&loop->shortcuts);
    sp_splices_clear(&loop->splices);
    sp_connector_free(loop->connector);
    sp_sockets_clear(&loop->sockets);
    sp_poller_free(loop->poller);
    free(loop->bytes);
    free(loop);
}

enum sp_error
sp_loop_new(struct sp_feed *feed, struct sp_loop **loop)
{
    struct sp_loop *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->next_scan = SP_NEVER;
    made->shortage.expired = watch_again;
    sp_timers_init(&made->timers);
    made->feed = feed;
    enum sp_error error = make_parts(made);
    if (error == SP_OK) {
        error = sp_mailbox_init(&made->mailbox);
    }
    if (error != SP_OK) {
        free_parts(made);
        return error;
    }
    error = sp_poller_set(made->poller, made->mailbox.wakeup.receiver, SP_POLL_IN, false);
    if (error != SP_OK) {
        sp_mailbox_clear(&made->mailbox);
        free_parts(made);
        return error;
    }
    *loop = made;
    return SP_OK;
}

void
sp_loop_invite(struct sp_loop *loop, struct sp_guest *guest)
{
    guest->next = loop->guests;
    loop->guests = guest;
}

void
sp_loop_dismiss(struct sp_loop *loop, struct sp_guest *guest)
{
    struct sp_guest **link = &loop->guests;

    while (*link != NULL && *link != guest) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = guest->next;
    }
}

void
sp_loop_stir(struct sp_loop *loop)
{
    if (loop->next_scan == SP_NEVER) {
        loop->next_scan = loop->now + SP_SCAN_INTERVAL;
    }
}

void
sp_loop_run(struct sp_loop *loop)
{
    loop->now = sp_clock_now();
    while (!atomic_load(&loop->mailbox.stopping)) {
        sp_mailbox_do_chores(&loop->mailbox, loop);
        read_mail(loop);
        sp_hop_run_ready(loop);
        end_round_of_guests(loop);
        bool hurry = sp_news_deliver(&loop->news);
        wait_for_events(loop, hurry);
        run_deadlines(loop);
    }
    end_all(loop);
    sp_mailbox_end(&loop->mailbox);
}

void
sp_loop_free(struct sp_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    while (loop->idle != NULL) {
        struct sp_hop *hop = loop->idle;
        loop->idle = hop->next;
        sp_hop_free(hop);
    }
    sp_mailbox_clear(&loop->mailbox);
    free_parts(loop);
}

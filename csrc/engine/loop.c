#include "engine/loop.h"

#include "engine/clock.h"
#include "engine/listener.h"
#include "engine/multi.h"
#include "engine/relay.h"
#include "engine/roster.h"

#include <stdlib.h>

#define SP_EVENTS        128
#define SP_SCAN_INTERVAL 100LL /* ms between looks at the deadlines */

/* Idle connections that libcurl keeps at most. */
#define SP_MAX_IDLE_CONNECTIONS 256L

static int
remember_timer(CURLM *multi, long milliseconds, void *context)
{
    struct sp_loop *loop = context;

    (void)multi;
    loop->timer = milliseconds < 0 ? SP_NEVER : sp_clock_now() + milliseconds;
    return 0;
}

/* Of upgrades. In a tunnel the send waits for the client, and while it does libcurl says nothing of
 * an upstream that has ended: it only stops to read. */
static void
note_halves(struct sp_transfer *transfer, int what)
{
    struct sp_exchange *exchange = transfer->exchange;
    bool reads = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool sends = what == CURL_POLL_OUT;

    if (exchange == NULL || exchange->body_length != SP_BODY_TUNNEL || transfer->sends == 0) {
        return;
    }
    bool is_silent = !reads && (!sends || exchange->head.complete) && !transfer->paused;
    if ((is_silent && !transfer->is_silent) || transfer->is_spoken) {
        transfer->is_silent = transfer->is_silent || is_silent;
        /* Not from within a callback. An engine that stops ends every exchange anyway. */
        (void)sp_mailbox_post(exchange->mailbox, exchange, SP_WISH_HALF);
    }
}

static int
note_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct sp_loop *loop = context;
    char *owner = NULL;

    (void)unused;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner) == CURLE_OK && owner != NULL) {
        struct sp_transfer *transfer = (struct sp_transfer *)(void *)owner;
        transfer->socket = what != CURL_POLL_REMOVE ? fd : transfer->socket;
        note_halves(transfer, what);
    }
    sp_sockets_want(&loop->sockets, fd, what);
    return 0;
}

static CURLMcode
set_up(struct sp_loop *loop)
{
    CURLM *multi = loop->multi;
    CURLMcode bad = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, note_socket);

    bad |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    bad |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, remember_timer);
    bad |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    bad |= curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, SP_MAX_IDLE_CONNECTIONS);
    bad |= curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return bad;
}

/* The timer is one-shot: it is forgotten before libcurl is called, which may set it anew. */
static void
run_timer(struct sp_loop *loop)
{
    int running;

    if (loop->timer != SP_NEVER && sp_clock_now() >= loop->timer) {
        sp_loop_stir(loop);
        loop->timer = SP_NEVER;
        (void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

static void
reap(struct sp_loop *loop)
{
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        char *owner = NULL;
        CURLcode result = message->data.result; /* gone once the handle is removed */
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK) {
            sp_roster_settle(loop, (struct sp_transfer *)(void *)owner, result);
        }
    }
}

/* (4) What callers wish for. */
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
        else if (exchange->transfer != NULL) {
            sp_roster_resume(loop, exchange, wishes);
        }
        if ((wishes & SP_WISH_HALF) != 0) {
            sp_roster_end_half(loop, exchange);
        }
        sp_exchange_give_back(exchange);
    }
}

static void
end_round(struct sp_loop *loop)
{
    for (struct sp_listener *each = loop->listeners; each != NULL; each = each->next) {
        sp_listener_end_round(loop, each);
    }
}

static long long
sooner(long long one, long long other)
{
    return one == SP_NEVER || (other != SP_NEVER && other < one) ? other : one;
}

static int
time_to_sleep(struct sp_loop *loop, bool hurry)
{
    long long now = sp_clock_now();
    long long until = loop->timer;

    until = sooner(until, loop->next_scan);
    until = sooner(until, sp_timers_next(&loop->timers));
    if (hurry || (until != SP_NEVER && until <= now)) {
        return 0;
    }
    return until == SP_NEVER ? -1 : (int)(until - now);
}

/* libcurl may be through with the exchange already, and would refuse to go on with it. */
static void
tell_watcher(struct sp_loop *loop, const struct sp_poll_event *event)
{
    reap(loop);
    struct sp_watcher *watcher = sp_sockets_watcher(&loop->sockets, event->fd);
    if (watcher != NULL) {
        watcher->happened(loop, watcher, event->events);
    }
}

static void
dispatch(struct sp_loop *loop, const struct sp_poll_event *event)
{
    int running;

    if (event->fd == loop->mailbox.wakeup.receiver) {
        sp_wakeup_silence(&loop->mailbox.wakeup);
        return;
    }
    if (sp_sockets_watcher(&loop->sockets, event->fd) != NULL) {
        tell_watcher(loop, event);
        return;
    }
    int selected = sp_sockets_translate(&loop->sockets, event);
    if (selected != 0) {
        sp_loop_stir(loop);
        (void)curl_multi_socket_action(loop->multi, event->fd, selected, &running);
    }
}

static void
wait_for_events(struct sp_loop *loop, bool hurry)
{
    struct sp_poll_event events[SP_EVENTS];
    int timeout = time_to_sleep(loop, hurry);

    if (timeout != 0 && !sp_mailbox_fall_asleep(&loop->mailbox)) {
        timeout = 0;
    }
    size_t count = sp_poller_wait(loop->poller, timeout, events, SP_EVENTS);
    sp_mailbox_wake_up(&loop->mailbox);
    for (size_t i = 0; i < count; i++) {
        dispatch(loop, &events[i]);
    }
}

static void
scan_deadlines(struct sp_loop *loop)
{
    long long now = sp_clock_now();

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
    for (struct sp_listener *each = loop->listeners; each != NULL; each = each->next) {
        sp_listener_end(loop, each);
    }
    while (loop->first != NULL) {
        sp_roster_end(loop, loop->first, SP_E_SHUTDOWN);
    }
    sp_relay_end_all(loop);
    (void)sp_news_deliver(&loop->news);
}

enum sp_error
sp_loop_new(struct sp_loop **loop)
{
    struct sp_loop *made = calloc(1, sizeof(*made));
    enum sp_error error = SP_E_NO_MEMORY;
    bool mailbox_made = false;

    if (made == NULL) {
        return error;
    }
    made->timer = made->next_scan = SP_NEVER;
    sp_timers_init(&made->timers);
    made->multi = sp_multi_new();
    if (made->multi == NULL || set_up(made) != CURLM_OK) {
        error = SP_E_SYSTEM; /* libcurl's own descriptors, rather than its memory */
        goto fail;
    }
    error = sp_poller_new(&made->poller);
    if (error != SP_OK) {
        goto fail;
    }
    made->sockets.poller = made->poller;
    error = sp_mailbox_init(&made->mailbox);
    if (error == SP_OK) {
        mailbox_made = true;
        error = sp_poller_set(made->poller, made->mailbox.wakeup.receiver, SP_POLL_IN);
    }
    if (error != SP_OK) {
        goto fail;
    }
    *loop = made;
    return SP_OK;
fail:
    if (mailbox_made) {
        sp_mailbox_clear(&made->mailbox);
    }
    sp_poller_free(made->poller);
    (void)curl_multi_cleanup(made->multi); /* nothing was added */
    free(made);
    return error;
}

void
sp_loop_stir(struct sp_loop *loop)
{
    if (loop->next_scan == SP_NEVER) {
        loop->next_scan = sp_clock_now() + SP_SCAN_INTERVAL;
    }
}

void
sp_loop_run(struct sp_loop *loop)
{
    while (!atomic_load(&loop->mailbox.stopping)) {
        sp_mailbox_do_chores(&loop->mailbox, loop);
        read_mail(loop);
        run_timer(loop);
        reap(loop);
        end_round(loop);
        bool hurry = sp_news_deliver(&loop->news);
        wait_for_events(loop, hurry);
        reap(loop);
        scan_deadlines(loop);
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
        struct sp_transfer *transfer = loop->idle;
        loop->idle = transfer->next;
        sp_transfer_free(transfer);
    }
    (void)curl_multi_cleanup(loop->multi); /* its handles are gone */
    sp_sockets_clear(&loop->sockets);
    sp_poller_free(loop->poller);
    sp_mailbox_clear(&loop->mailbox);
    free(loop);
}

/* Waking a poll call from another thread. */
#undef NDEBUG
#include "core/poller.h"
#include "core/wakeup.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static bool
rings(const struct sp_wakeup *wakeup)
{
    struct pollfd receiver = {.fd = wakeup->receiver, .events = POLLIN};

    return poll(&receiver, 1, 0) == 1;
}

static void
test_descriptors_are_close_on_exec_and_never_block(void)
{
    struct sp_wakeup wakeup;

    assert(sp_wakeup_init(&wakeup) == SP_OK);
    assert((fcntl(wakeup.receiver, F_GETFD) & FD_CLOEXEC) != 0);
    assert((fcntl(wakeup.sender, F_GETFD) & FD_CLOEXEC) != 0);
    assert((fcntl(wakeup.receiver, F_GETFL) & O_NONBLOCK) != 0);
    assert((fcntl(wakeup.sender, F_GETFL) & O_NONBLOCK) != 0);
    sp_wakeup_silence(&wakeup);
    sp_wakeup_clear(&wakeup);
}

/* More than a pipe holds. */
static void
test_many_rings_count_as_one(void)
{
    struct sp_wakeup wakeup;

    assert(sp_wakeup_init(&wakeup) == SP_OK);
    assert(!rings(&wakeup));
    for (int i = 0; i < 200000; i++) {
        sp_wakeup_ring(&wakeup);
    }
    assert(rings(&wakeup));
    sp_wakeup_silence(&wakeup);
    assert(!rings(&wakeup));
    sp_wakeup_ring(&wakeup);
    assert(rings(&wakeup));
    sp_wakeup_clear(&wakeup);
}

static void *
ring(void *context)
{
    sp_wakeup_ring(context);
    return NULL;
}

static void
test_ring_ends_another_threads_wait(void)
{
    struct sp_wakeup wakeup;
    struct sp_poller *poller = NULL;
    struct sp_poll_event event = {0};
    pthread_t thread;

    assert(sp_wakeup_init(&wakeup) == SP_OK);
    assert(sp_poller_new(&poller) == SP_OK);
    assert(sp_poller_set(poller, wakeup.receiver, SP_POLL_IN, false) == SP_OK);
    assert(pthread_create(&thread, NULL, ring, &wakeup) == 0);
    assert(sp_poller_wait(poller, -1, &event, 1) == 1);
    assert(event.fd == wakeup.receiver && event.events == SP_POLL_IN);
    assert(pthread_join(thread, NULL) == 0);
    sp_poller_free(poller);
    sp_wakeup_clear(&wakeup);
}

int
main(void)
{
    test_descriptors_are_close_on_exec_and_never_block();
    test_many_rings_count_as_one();
    test_ring_ends_another_threads_wait();
    (void)puts("wakeup: ok");
    return 0;
}

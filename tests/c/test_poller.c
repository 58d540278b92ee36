/* The poller, whichever is built in: what it tells, and what it stops telling. */
#undef NDEBUG
#include "bytes.h"
#include "core/clock.h"
#include "core/descriptors.h"
#include "core/poller.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sp_poller *
new_poller(void)
{
    struct sp_poller *poller = NULL;

    assert(sp_poller_new(&poller) == SP_OK);
    return poller;
}

static void
open_pair(int ends[2])
{
    assert(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static void
close_pair(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* What is told of `fd` by one wait, 0 for nothing. */
static unsigned
told_within(int timeout, struct sp_poller *poller, int fd)
{
    struct sp_poll_event events[64];
    size_t count = sp_poller_wait(poller, timeout, events, COUNT(events));

    for (size_t i = 0; i < count; i++) {
        if (events[i].fd == fd) {
            return events[i].events;
        }
    }
    return 0;
}

static unsigned
told(struct sp_poller *poller, int fd)
{
    return told_within(0, poller, fd);
}

static unsigned
await_report(struct sp_poller *poller, int fd)
{
    unsigned events = 0;

    for (int i = 0; i < 100 && events == 0; i++) {
        events = told_within(100, poller, fd);
    }
    return events;
}

static void
test_new_poller_tells_nothing(void)
{
    struct sp_poller *poller = new_poller();
    struct sp_poll_event event;

    assert(sp_poller_wait(poller, 0, &event, 1) == 0);
    assert(sp_poller_wait(poller, 5, &event, 1) == 0);
    sp_poller_free(poller);
    sp_poller_free(NULL);
}

/* Whatever the caller takes it to know. */
static void
test_only_what_was_asked_for_is_told(bool is_known)
{
    struct sp_poller *poller = new_poller();
    int ends[2];

    open_pair(ends);
    assert(sp_poller_set(poller, ends[0], SP_POLL_IN, is_known) == SP_OK);
    assert(told(poller, ends[0]) == 0);
    assert(write(ends[1], "x", 1) == 1);
    assert(told(poller, ends[0]) == SP_POLL_IN);
    assert(told(poller, ends[0]) == SP_POLL_IN);
    assert(sp_poller_set(poller, ends[0], SP_POLL_OUT, is_known) == SP_OK);
    assert(told(poller, ends[0]) == SP_POLL_OUT);
    assert(sp_poller_set(poller, ends[0], SP_POLL_IN | SP_POLL_OUT, is_known) == SP_OK);
    assert(told(poller, ends[0]) == (SP_POLL_IN | SP_POLL_OUT));
    sp_poller_free(poller);
    close_pair(ends);
}

static void
test_removed_descriptor_is_silent_and_can_come_back(bool is_known)
{
    struct sp_poller *poller = new_poller();
    int ends[2];

    open_pair(ends);
    sp_poller_remove(poller, ends[0]);
    assert(sp_poller_set(poller, ends[0], SP_POLL_OUT, is_known) == SP_OK);
    sp_poller_remove(poller, ends[0]);
    sp_poller_remove(poller, ends[0]);
    assert(told(poller, ends[0]) == 0);
    assert(sp_poller_set(poller, ends[0], SP_POLL_OUT, is_known) == SP_OK);
    assert(told(poller, ends[0]) == SP_POLL_OUT);
    sp_poller_free(poller);
    close_pair(ends);
}

static void
test_end_of_the_peer_is_told(void)
{
    struct sp_poller *poller = new_poller();
    int ends[2];

    open_pair(ends);
    assert(sp_poller_set(poller, ends[0], SP_POLL_IN, false) == SP_OK);
    (void)close(ends[1]);
    assert((told(poller, ends[0]) & SP_POLL_IN) != 0);
    /* Both directions are closed: that is told without being asked for. */
    assert(sp_poller_set(poller, ends[0], 0, false) == SP_OK);
    assert(await_report(poller, ends[0]) == SP_POLL_ERROR);
    sp_poller_free(poller);
    (void)close(ends[0]);
}

/* Neither bytes nor the end of a stream, behind which a client may wait for its answer. */
static void
test_nothing_else_is_told_unasked(void)
{
    struct sp_poller *poller = new_poller();
    int ends[2];

    open_pair(ends);
    assert(sp_poller_set(poller, ends[0], 0, false) == SP_OK);
    assert(write(ends[1], "x", 1) == 1);
    assert(told_within(150, poller, ends[0]) == 0);
    assert(shutdown(ends[1], SHUT_WR) == 0);
    assert(told_within(150, poller, ends[0]) == 0);
    (void)close(ends[1]);
    assert(await_report(poller, ends[0]) == SP_POLL_ERROR);
    sp_poller_free(poller);
    (void)close(ends[0]);
}

/* The number of a closed descriptor may come back as another one at once. */
static void
test_reused_number_is_a_new_descriptor(void)
{
    struct sp_poller *poller = new_poller();
    int first[2];
    int second[2];

    open_pair(first);
    assert(sp_poller_set(poller, first[0], SP_POLL_OUT, false) == SP_OK);
    sp_poller_remove(poller, first[0]);
    close_pair(first);
    open_pair(second);
    assert(second[0] == first[0]);
    assert(told(poller, second[0]) == 0);
    assert(sp_poller_set(poller, second[0], SP_POLL_OUT, false) == SP_OK);
    assert(told(poller, second[0]) == SP_POLL_OUT);
    sp_poller_free(poller);
    close_pair(second);
}

enum { PAIRS = 100 };

static size_t
index_of(int fd, int pairs[PAIRS][2])
{
    for (size_t i = 0; i < PAIRS; i++) {
        if (pairs[i][0] == fd) {
            return i;
        }
    }
    assert(false);
    return 0;
}

static void
test_small_batches_starve_nobody(void)
{
    struct sp_poller *poller = new_poller();
    struct sp_poll_event events[3];
    int pairs[PAIRS][2];
    size_t seen[PAIRS] = {0};

    for (size_t i = 0; i < PAIRS; i++) {
        open_pair(pairs[i]);
        assert(sp_poller_set(poller, pairs[i][0], SP_POLL_OUT, false) == SP_OK);
    }
    for (size_t round = 0; round < (size_t)PAIRS * 2; round++) {
        assert(sp_poller_wait(poller, 0, events, COUNT(events)) == COUNT(events));
        for (size_t i = 0; i < COUNT(events); i++) {
            seen[index_of(events[i].fd, pairs)]++;
        }
    }
    for (size_t i = 0; i < PAIRS; i++) {
        assert(seen[i] > 0);
        sp_poller_remove(poller, pairs[i][0]);
        close_pair(pairs[i]);
    }
    assert(sp_poller_wait(poller, 0, events, COUNT(events)) == 0);
    sp_poller_free(poller);
}

/* Whichever go, and come again. */
static void
test_each_is_told_while_others_go(void)
{
    struct sp_poller *poller = new_poller();
    int pairs[PAIRS][2];

    for (size_t i = 0; i < PAIRS; i++) {
        open_pair(pairs[i]);
        assert(sp_poller_set(poller, pairs[i][0], 0, false) == SP_OK);
    }
    for (size_t step = 1; step <= 3; step++) {
        for (size_t i = 0; i < PAIRS; i += step) {
            sp_poller_remove(poller, pairs[i][0]);
        }
        for (size_t i = 0; i < PAIRS; i += step) {
            assert(sp_poller_set(poller, pairs[i][0], SP_POLL_OUT, false) == SP_OK);
            assert(told(poller, pairs[i][0]) == SP_POLL_OUT);
            assert(sp_poller_set(poller, pairs[i][0], 0, true) == SP_OK);
        }
    }
    for (size_t i = 0; i < PAIRS; i++) {
        assert(sp_poller_set(poller, pairs[i][0], SP_POLL_OUT, true) == SP_OK);
        assert(told(poller, pairs[i][0]) == SP_POLL_OUT);
        sp_poller_remove(poller, pairs[i][0]);
        close_pair(pairs[i]);
    }
    sp_poller_free(poller);
}

/* Also where the system polls fewer at once: tests/c/xnu_poll.c. */
static void
test_many_are_waited_for(void)
{
    struct sp_poller *poller = new_poller();
    struct sp_poll_event event;
    int pairs[PAIRS][2];
    long long began = sp_clock_now();

    for (size_t i = 0; i < PAIRS; i++) {
        open_pair(pairs[i]);
        assert(sp_poller_set(poller, pairs[i][0], i == 0 ? 0 : SP_POLL_IN, false) == SP_OK);
    }
    assert(sp_poller_wait(poller, 50, &event, 1) == 0);
    assert(sp_clock_now() - began >= 50);
    assert(write(pairs[PAIRS - 1][1], "x", 1) == 1);
    assert(await_report(poller, pairs[PAIRS - 1][0]) == SP_POLL_IN);
    (void)close(pairs[0][1]);
    assert(read(pairs[PAIRS - 1][0], &(char){0}, 1) == 1);
    assert(await_report(poller, pairs[0][0]) == SP_POLL_ERROR);
    (void)close(pairs[0][0]);
    for (size_t i = 1; i < PAIRS; i++) {
        close_pair(pairs[i]);
    }
    sp_poller_free(poller);
}

int
main(void)
{
    test_new_poller_tells_nothing();
    test_only_what_was_asked_for_is_told(false);
    test_only_what_was_asked_for_is_told(true);
    test_removed_descriptor_is_silent_and_can_come_back(false);
    test_removed_descriptor_is_silent_and_can_come_back(true);
    test_end_of_the_peer_is_told();
    test_nothing_else_is_told_unasked();
    test_reused_number_is_a_new_descriptor();
    test_small_batches_starve_nobody();
    test_each_is_told_while_others_go();
    test_many_are_waited_for();
    (void)puts("poller: ok");
    return 0;
}

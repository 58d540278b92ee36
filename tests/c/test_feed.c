#include "engine/feed.h"

#include "core/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct sp_feed_row rows[SP_FEED_ROWS];

static unsigned long long newest;

static size_t
copy(struct sp_feed *feed, unsigned long long after)
{
    return sp_feed_copy(feed, after, rows, &newest);
}

static unsigned long long
open_at(struct sp_feed *feed, unsigned long long number, struct sp_span target, long long now)
{
    const struct sp_feed_request request = {
        .method = SP_SPAN("GET"), .target = target, .who = SP_FEED_DJANGO, .now = now};

    return sp_feed_open(feed, number, &request);
}

static void
test_feed_that_is_off_keeps_nothing(void)
{
    struct sp_feed feed = {.rows = NULL};

    sp_feed_init(&feed);
    assert(open_at(&feed, 0, SP_SPAN("/"), 1) == 0);
    sp_feed_ask(&feed, 0, 2);
    sp_feed_answer(&feed, 0, 200, 3);
    sp_feed_count(&feed, 0, 4);
    sp_feed_end(&feed, 0, SP_OK, 5);
    assert(copy(&feed, 0) == 0);
    sp_feed_clear(&feed);
}

static void
test_row_goes_from_open_to_ended(struct sp_feed *feed)
{
    unsigned long long number = open_at(feed, 0, SP_SPAN("/a"), 10);

    assert(copy(feed, 0) == 1);
    assert(rows[0].number == number && rows[0].asked == SP_NEVER && rows[0].status == 0);
    unsigned long long seen = rows[0].change;
    sp_feed_ask(feed, number, 12);
    sp_feed_answer(feed, number, 200, 15);
    sp_feed_count(feed, number, 3);
    sp_feed_count(feed, number, 4);
    sp_feed_end(feed, number, SP_OK, 20);
    assert(copy(feed, seen) == 1);
    assert(rows[0].began == 10 && rows[0].asked == 12 && rows[0].answered == 15);
    assert(rows[0].ended == 20 && rows[0].sent == 7 && rows[0].status == 200);
    assert(strcmp(rows[0].target, "/a") == 0 && strcmp(rows[0].method, "GET") == 0);
    assert(copy(feed, rows[0].change) == 0);
}

static void
test_failure_is_ours_and_a_client_that_left_is_not(struct sp_feed *feed)
{
    unsigned long long failed = open_at(feed, 0, SP_SPAN("/f"), 1);
    unsigned long long left = open_at(feed, 0, SP_SPAN("/l"), 1);
    unsigned long long before = left;

    sp_feed_end(feed, failed, SP_E_CONNECT, 2);
    sp_feed_end(feed, left, SP_E_CLIENT_GONE, 3);
    size_t count = copy(feed, before);
    assert(count >= 2);
    assert(rows[count - 2].status == 502 && rows[count - 2].who == SP_FEED_US);
    assert(rows[count - 2].answered == 2);
    assert(rows[count - 1].status == 0 && rows[count - 1].who == SP_FEED_DJANGO);
    sp_feed_refuse(feed, failed, 503, 9);
    count = copy(feed, before);
    assert(rows[count - 1].status == 503 && rows[count - 1].ended == 2);
    assert(rows[count - 1].answered == 2 && rows[count - 1].error == SP_E_CONNECT);
}

static void
test_what_is_over_stays_as_it_ended(struct sp_feed *feed)
{
    unsigned long long number = open_at(feed, 0, SP_SPAN("/e"), 1);

    sp_feed_answer(feed, number, 101, 2);
    sp_feed_end(feed, number, SP_OK, 3);
    sp_feed_end(feed, number, SP_E_CANCELED, 4);
    size_t count = copy(feed, 0);
    assert(newest == number && rows[count - 1].number == number);
    assert(rows[count - 1].error == SP_OK && rows[count - 1].ended == 3);
}

static void
test_row_that_is_begun_anew_is_the_same(struct sp_feed *feed)
{
    unsigned long long number = open_at(feed, 0, SP_SPAN("/m"), 1);

    sp_feed_end(feed, number, SP_E_MOVED, 5);
    assert(open_at(feed, number, SP_SPAN("/m"), 6) == number);
    size_t count = copy(feed, 0);
    assert(rows[count - 1].began == 1 && rows[count - 1].ended == SP_NEVER);
    assert(rows[count - 1].error == SP_OK);
}

static void
test_long_target_is_cut(struct sp_feed *feed)
{
    char target[2 * SP_FEED_TARGET];

    memset(target, 'x', sizeof(target));
    open_at(feed, 0, (struct sp_span){target, SP_FEED_TARGET - 1}, 1);
    open_at(feed, 0, (struct sp_span){target, SP_FEED_TARGET}, 1);
    size_t count = copy(feed, 0);
    assert(!rows[count - 2].is_cut && strlen(rows[count - 2].target) == SP_FEED_TARGET - 1);
    assert(rows[count - 1].is_cut && strlen(rows[count - 1].target) == SP_FEED_TARGET - 1);
}

static void
test_ring_wraps_and_late_news_of_the_oldest_are_nobodys(struct sp_feed *feed)
{
    unsigned long long first = open_at(feed, 0, SP_SPAN("/first"), 1);

    for (unsigned i = 0; i < SP_FEED_ROWS; i++) {
        open_at(feed, 0, SP_SPAN("/next"), 2);
    }
    sp_feed_answer(feed, first, 404, 3);
    assert(open_at(feed, first, SP_SPAN("/again"), 4) == first + SP_FEED_ROWS + 1);
    assert(copy(feed, 0) == SP_FEED_ROWS);
    for (unsigned i = 0; i < SP_FEED_ROWS; i++) {
        assert(rows[i].number == first + 2 + i && rows[i].status == 0);
        assert(i == 0 || rows[i - 1].change < rows[i].change);
    }
}

int
main(void)
{
    struct sp_feed feed = {.rows = NULL};

    test_feed_that_is_off_keeps_nothing();
    sp_feed_init(&feed);
    assert(sp_feed_keep(&feed, SP_FEED_PROCESS) == SP_OK);
    test_row_goes_from_open_to_ended(&feed);
    test_failure_is_ours_and_a_client_that_left_is_not(&feed);
    test_what_is_over_stays_as_it_ended(&feed);
    test_row_that_is_begun_anew_is_the_same(&feed);
    test_long_target_is_cut(&feed);
    test_ring_wraps_and_late_news_of_the_oldest_are_nobodys(&feed);
    sp_feed_clear(&feed);
    return 0;
}

/* Deadlines: the nearest first, whatever is set and cleared meanwhile. */
#undef NDEBUG
#include "core/timers.h"

#include "core/clock.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#define COUNT 5

struct owner {
    struct sp_timer timer;
    int expired;
};

static struct sp_timers timers;
static struct owner owners[COUNT];
static int order[COUNT];
static int told;

static struct owner *
owner_of(struct sp_timer *timer)
{
    return (struct owner *)(void *)timer;
}

static void
note(struct sp_loop *loop, struct sp_timer *timer)
{
    assert(loop == NULL && !sp_timer_is_set(timer));
    owner_of(timer)->expired++;
    order[told++] = (int)(owner_of(timer) - owners);
}

static void
begin(void)
{
    sp_timers_init(&timers);
    told = 0;
    for (size_t i = 0; i < COUNT; i++) {
        owners[i] = (struct owner){.timer = {.expired = note}};
    }
}

static void
set(int which, enum sp_wait wait, long long since)
{
    sp_timers_set(&timers, &owners[which].timer, wait, since);
}

static void
test_without_deadlines_nothing_is_due(void)
{
    begin();
    assert(sp_timers_next(&timers) == SP_NEVER);
    sp_timers_expire(&timers, NULL, 1000000);
    sp_timer_clear(&owners[0].timer);
    assert(told == 0);
}

static void
test_nearest_of_all_kinds_is_next(void)
{
    begin();
    set(0, SP_WAIT_CLIENT, 0);
    assert(sp_timers_next(&timers) == 300000);
    set(1, SP_WAIT_REQUEST, 0);
    assert(sp_timers_next(&timers) == 75000);
    set(2, SP_WAIT_LINGER, 500);
    assert(sp_timers_next(&timers) == 2500);
    sp_timer_clear(&owners[2].timer);
    assert(sp_timers_next(&timers) == 75000);
    set(1, SP_WAIT_CLIENT, 10);
    assert(sp_timers_next(&timers) == 300000);
}

static void
test_those_that_are_due_are_told_in_order_and_once(void)
{
    begin();
    set(0, SP_WAIT_LINGER, 0);
    set(1, SP_WAIT_LINGER, 1);
    set(2, SP_WAIT_LINGER, 1);
    set(3, SP_WAIT_LINGER, 3);
    set(0, SP_WAIT_LINGER, 2); /* anew: behind those that wait already */
    sp_timers_expire(&timers, NULL, 2000);
    assert(told == 0);
    sp_timers_expire(&timers, NULL, 2002);
    assert(told == 3 && order[0] == 1 && order[1] == 2 && order[2] == 0);
    sp_timers_expire(&timers, NULL, 2002);
    assert(told == 3 && sp_timers_next(&timers) == 2003);
}

static void
test_who_has_waited_before_goes_before(void)
{
    begin();
    set(0, SP_WAIT_DJANGO, 100);
    set(1, SP_WAIT_DJANGO, 200);
    set(2, SP_WAIT_DJANGO, 150);
    set(3, SP_WAIT_DJANGO, 0);
    assert(sp_timers_next(&timers) == 30000);
    sp_timers_expire(&timers, NULL, 100000);
    assert(told == 4 && order[0] == 3 && order[1] == 0 && order[2] == 2 && order[3] == 1);
}

/* One that is told ends another, and waits for something else itself. */
static void
end_others(struct sp_loop *loop, struct sp_timer *timer)
{
    note(loop, timer);
    sp_timer_clear(&owners[1].timer);
    set((int)(owner_of(timer) - owners), SP_WAIT_LINGER, 30000);
}

static void
test_what_is_told_may_set_and_clear_others(void)
{
    begin();
    owners[0].timer.expired = end_others;
    set(0, SP_WAIT_HEAD, 0);
    set(1, SP_WAIT_HEAD, 0);
    set(2, SP_WAIT_HEAD, 0);
    sp_timers_expire(&timers, NULL, 30000);
    assert(owners[0].expired == 1 && owners[1].expired == 0 && owners[2].expired == 1);
    assert(sp_timers_next(&timers) == 32000);
}

int
main(void)
{
    test_without_deadlines_nothing_is_due();
    test_nearest_of_all_kinds_is_next();
    test_those_that_are_due_are_told_in_order_and_once();
    test_who_has_waited_before_goes_before();
    test_what_is_told_may_set_and_clear_others();
    (void)puts("timers: ok");
    return 0;
}

#include "core/timers.h"

#include "core/clock.h"

#include <stddef.h>

/* ms */
static const long long times[SP_WAITS] = {
    [SP_WAIT_RETRY] = 100,
    [SP_WAIT_LINGER] = 2000,
    [SP_WAIT_HEAD] = 30000,
    [SP_WAIT_DJANGO] = 30000,
    [SP_WAIT_REQUEST] = 75000, /* as nginx has it */
    /* As long as a frontend may stand still (IDLE_TIMEOUT): a page that is halted in a debugger
     * takes nothing for minutes, and a place is not dear before so many are taken. */
    [SP_WAIT_CLIENT] = 300000,
};

void
sp_timers_init(struct sp_timers *timers)
{
    for (size_t i = 0; i < SP_WAITS; i++) {
        struct sp_timer *circle = &timers->circles[i];
        *circle = (struct sp_timer){.next = circle, .previous = circle};
    }
}

bool
sp_timer_is_set(const struct sp_timer *timer)
{
    return timer->next != NULL;
}

void
sp_timer_clear(struct sp_timer *timer)
{
    if (sp_timer_is_set(timer)) {
        timer->previous->next = timer->next;
        timer->next->previous = timer->previous;
        timer->next = timer->previous = NULL;
    }
}

/* Behind all that are due no later: the last one, but for who has waited before. */
void
sp_timers_set(struct sp_timers *timers, struct sp_timer *timer, enum sp_wait wait, long long since)
{
    struct sp_timer *circle = &timers->circles[wait];

    sp_timer_clear(timer);
    timer->wait = wait;
    timer->due = since + times[wait];
    struct sp_timer *before = circle->previous;
    while (before != circle && before->due > timer->due) {
        before = before->previous;
    }
    timer->previous = before;
    timer->next = before->next;
    before->next->previous = timer;
    before->next = timer;
}

long long
sp_timers_next(const struct sp_timers *timers)
{
    long long next = SP_NEVER;

    for (size_t i = 0; i < SP_WAITS; i++) {
        const struct sp_timer *circle = &timers->circles[i];
        next = circle->next != circle ? sp_clock_sooner(next, circle->next->due) : next;
    }
    return next;
}

void
sp_timers_expire(struct sp_timers *timers, struct sp_loop *loop, long long now)
{
    for (size_t i = 0; i < SP_WAITS; i++) {
        struct sp_timer *circle = &timers->circles[i];
        while (circle->next != circle && circle->next->due <= now) {
            struct sp_timer *timer = circle->next;
            sp_timer_clear(timer);
            timer->expired(loop, timer);
        }
    }
}

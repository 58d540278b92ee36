/* Deadlines: what is waited for, and until when. All that wait for one kind of thing wait for the
 * same time, so that a list in the order of their beginnings has the nearest deadline at its head:
 * neither to set one nor to find the nearest searches. The engine thread's alone. */
#ifndef SP_CORE_TIMERS_H
#define SP_CORE_TIMERS_H

#include <stdbool.h>

/* Their times stand in timers.c. */
enum sp_wait {
    SP_WAIT_RETRY,   /* until what was lacking is tried again */
    SP_WAIT_LINGER,  /* for the end of a client that has been told all */
    SP_WAIT_HEAD,    /* for the whole of a request's head, however it drips */
    SP_WAIT_DJANGO,  /* for Django to come */
    SP_WAIT_REQUEST, /* for a client's next request */
    SP_WAIT_CLIENT,  /* for a client to send or to take one byte more */
    SP_WAITS,
};

struct sp_loop;

/* A deadline, as a member of whoever has it; all zeroes, but for `expired`, when it is not set. */
struct sp_timer {
    struct sp_timer *next, *previous; /* in the circle of its kind, or NULL */
    long long due;                    /* ms */
    enum sp_wait wait;
    void (*expired)(struct sp_loop *loop, struct sp_timer *timer); /* it is set no longer */
};

struct sp_timers {
    struct sp_timer circles[SP_WAITS]; /* each ends in this one */
};

/* It stays where it is from then on. */
void sp_timers_init(struct sp_timers *timers);

/* Waits since `since`, ms, which is seldom earlier than that of another who waits for the same.
 * Whatever it was set to before is forgotten. */
void sp_timers_set(struct sp_timers *timers, struct sp_timer *timer, enum sp_wait wait,
                   long long since);
bool sp_timer_is_set(const struct sp_timer *timer);

/* Also one that is not set. */
void sp_timer_clear(struct sp_timer *timer);

/* When the next one is due, or SP_NEVER. */
long long sp_timers_next(const struct sp_timers *timers);

/* Tells those that are due. */
void sp_timers_expire(struct sp_timers *timers, struct sp_loop *loop, long long now);

#endif

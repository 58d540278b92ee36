/* Monotonic time, in milliseconds since some fixed point. */
#ifndef SP_CORE_CLOCK_H
#define SP_CORE_CLOCK_H

#include <pthread.h>

#define SP_NEVER (-1LL)

long long sp_clock_now(void);

/* The one of two times that comes first; either may be SP_NEVER. */
long long sp_clock_sooner(long long one, long long other);

/* A condition for sp_clock_wait: what becomes of the wall clock is nothing to it. */
void sp_clock_init_condition(pthread_cond_t *condition);

/* Under `mutex`, which is given up meanwhile: waits for `condition`, and ETIMEDOUT after so many
 * milliseconds. */
int sp_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, long long milliseconds);

#endif

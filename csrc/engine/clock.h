/* Monotonic time, in milliseconds since some fixed point. */
#ifndef SP_ENGINE_CLOCK_H
#define SP_ENGINE_CLOCK_H

#include <time.h>

#define SP_NEVER (-1LL)

long long sp_clock_now(void);

/* `milliseconds` from now on the wall clock, as pthread_cond_timedwait wants it. */
struct timespec sp_clock_deadline(long long milliseconds);

#endif

#include "core/clock.h"

#include <time.h>

long long
sp_clock_now(void)
{
    struct timespec now;

    /* Cannot fail for a clock that every supported system has. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long long
sp_clock_sooner(long long one, long long other)
{
    return one == SP_NEVER || (other != SP_NEVER && other < one) ? other : one;
}

#ifdef __APPLE__
void
sp_clock_init_condition(pthread_cond_t *condition)
{
    (void)pthread_cond_init(condition, NULL); /* cannot fail with default attributes */
}

int
sp_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, long long milliseconds)
{
    struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000L};

    return pthread_cond_timedwait_relative_np(condition, mutex, &time);
}
#else
void
sp_clock_init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    /* None of these can fail on the supported systems. */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

int
sp_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, long long milliseconds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(milliseconds / 1000);
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return pthread_cond_timedwait(condition, mutex, &until);
}
#endif

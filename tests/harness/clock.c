/* Preloaded: the engine's thread lives later than the monotonic clock says, by as many milliseconds
 * as stand in the file that CLOCK names, from the moment on that they stand there. And the wall
 * clock may be ahead of the time by which the system waits (wall_is_ahead), as where it is set back
 * meanwhile. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ms between two looks at the file. */
#define LOOK 10

static _Atomic long long *later;
static atomic_long ahead;

void wall_is_ahead(long seconds);

void
wall_is_ahead(long seconds)
{
    atomic_store(&ahead, seconds);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd >= 0 ? mmap(NULL, sizeof(*later), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

    later = mapped != MAP_FAILED ? mapped : NULL;
}

/* It alone blocks every signal, from its beginning on. */
static bool
is_engine(void)
{
    static _Thread_local int known;
    sigset_t blocked;

    if (known == 0) {
        known = pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
                        sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGUSR2) == 1
                    ? 1
                    : -1;
    }
    return later != NULL && known == 1;
}

int
clock_gettime(clockid_t clock, struct timespec *time)
{
    /* Not looked up by dlsym(), whose own errors ask for the time under a sanitizer. */
    int result = (int)syscall(SYS_clock_gettime, clock, time);

    if (clock == CLOCK_REALTIME) {
        time->tv_sec += atomic_load(&ahead);
    }
    else if (is_engine()) {
        long long nanoseconds = time->tv_nsec + atomic_load(later) % 1000 * 1000000;
        time->tv_sec += (time_t)(atomic_load(later) / 1000 + nanoseconds / 1000000000);
        time->tv_nsec = (long)(nanoseconds % 1000000000);
    }
    return result;
}

static long long
now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* How long the next piece of a wait until then is. */
static int
piece(long long until)
{
    long long left = until - now();

    return left <= 0 ? 0 : left < LOOK ? (int)left : LOOK;
}

int
epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    if (timeout <= 0 || !is_engine()) {
        return epoll_pwait(epoll, events, most, timeout, NULL);
    }
    long long until = now() + timeout;
    int found;
    int waited;
    do {
        waited = piece(until);
        found = epoll_pwait(epoll, events, most, waited, NULL);
    } while (found == 0 && waited > 0);
    return found;
}

static int
poll_once(struct pollfd *list, nfds_t count, int timeout)
{
    struct timespec time = {timeout / 1000, timeout % 1000 * 1000000L};

    return ppoll(list, count, timeout < 0 ? NULL : &time, NULL);
}

int
poll(struct pollfd *list, nfds_t count, int timeout)
{
    if (timeout <= 0 || !is_engine()) {
        return poll_once(list, count, timeout);
    }
    long long until = now() + timeout;
    int found;
    int waited;
    do {
        waited = piece(until);
        found = poll_once(list, count, waited);
    } while (found == 0 && waited > 0);
    return found;
}

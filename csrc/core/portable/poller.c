#include "core/poller.h"

#include "core/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SP_FIRST_CAPACITY 64

/* ms between two looks at what the system does not watch, and at all that it watches in slices. */
#define SP_LOOK  100
#define SP_PAUSE 10

struct sp_poller {
    struct pollfd *watched; /* owned; in no order, the first `count` are in use */
    struct pollfd *silent;  /* owned; as many, to look at those that nothing is asked of */
    size_t count;
    size_t capacity;
    size_t *places; /* owned; by descriptor: where it is in `watched`, counted from 1, or 0 */
    size_t place_count;
    size_t next; /* where the next report begins, so that no descriptor starves */
    size_t most; /* that the system has not refused to poll at once */
    long long next_look;
};

static short
to_poll(unsigned events)
{
    return (short)(((events & SP_POLL_IN) != 0 ? POLLIN : 0) |
                   ((events & SP_POLL_OUT) != 0 ? POLLOUT : 0));
}

static unsigned
from_poll(short events)
{
    return ((events & POLLIN) != 0 ? (unsigned)SP_POLL_IN : 0) |
           ((events & POLLOUT) != 0 ? (unsigned)SP_POLL_OUT : 0) |
           ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? (unsigned)SP_POLL_ERROR : 0);
}

/* NULL: it is not watched. */
static struct pollfd *
find(const struct sp_poller *poller, size_t fd)
{
    size_t place = fd < poller->place_count ? poller->places[fd] : 0;

    return place > 0 ? &poller->watched[place - 1] : NULL;
}

enum sp_error
sp_poller_new(struct sp_poller **poller)
{
    struct sp_poller *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    made->most = SIZE_MAX;
    *poller = made;
    return SP_OK;
}

void
sp_poller_free(struct sp_poller *poller)
{
    if (poller != NULL) {
        free(poller->watched);
        free(poller->silent);
        free(poller->places);
        free(poller);
    }
}

static bool
resize(struct pollfd **list, size_t capacity)
{
    struct pollfd *resized = realloc(*list, capacity * sizeof(*resized));

    if (resized == NULL) {
        return false;
    }
    *list = resized;
    return true;
}

static bool
make_place(struct sp_poller *poller, size_t fd)
{
    size_t count = poller->place_count > 0 ? poller->place_count : SP_FIRST_CAPACITY;

    while (count <= fd) {
        count *= 2;
    }
    size_t *places = count > poller->place_count ? realloc(poller->places, count * sizeof(*places))
                                                 : poller->places;
    if (places == NULL) {
        return false;
    }
    memset(places + poller->place_count, 0, (count - poller->place_count) * sizeof(*places));
    poller->places = places;
    poller->place_count = count;
    return true;
}

/* Where one more has room, bounded by the descriptors that a process can have; or NULL. */
static struct pollfd *
make_room(struct sp_poller *poller)
{
    size_t capacity = poller->capacity > 0 ? poller->capacity * 2 : SP_FIRST_CAPACITY;

    if (poller->count == poller->capacity) {
        if (!resize(&poller->watched, capacity) || !resize(&poller->silent, capacity)) {
            return NULL;
        }
        poller->capacity = capacity;
    }
    return poller->watched;
}

enum sp_error
sp_poller_set(struct sp_poller *poller, int fd, unsigned events, bool is_known)
{
    size_t index = (size_t)fd;
    struct pollfd *known = find(poller, index);

    (void)is_known;
    if (known != NULL) {
        known->events = to_poll(events);
        return SP_OK;
    }
    struct pollfd *watched = make_place(poller, index) ? make_room(poller) : NULL;
    if (watched == NULL) {
        return SP_E_NO_MEMORY;
    }
    watched[poller->count++] = (struct pollfd){.fd = fd, .events = to_poll(events)};
    poller->places[index] = poller->count;
    return SP_OK;
}

void
sp_poller_remove(struct sp_poller *poller, int fd)
{
    size_t index = (size_t)fd;
    struct pollfd *known = find(poller, index);

    if (known != NULL) {
        *known = poller->watched[--poller->count];
        poller->places[(size_t)known->fd] = poller->places[index];
        poller->places[index] = 0;
    }
}

static void
clear_reports(struct pollfd *watched, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        watched[i].revents = 0;
    }
}

/* What has happened in the whole list, in slices that the system takes; it is waited for only where
 * one slice is all. Some systems have a limit of their own (xnu's is OPEN_MAX), others that of the
 * process's descriptors, which can be lowered. */
static int
poll_slices(struct sp_poller *poller, struct pollfd *list, int timeout)
{
    int ready = 0;
    size_t at = 0;

    do {
        size_t left = poller->count - at;
        size_t size = left < poller->most ? left : poller->most;
        int found = poll(list + at, (nfds_t)size, size == poller->count ? timeout : 0);
        if (found < 0 && errno != EINTR && size > 1) {
            poller->most = size / 2;
            continue;
        }
        if (found < 0) {
            clear_reports(list + at, size);
        }
        ready += found > 0 ? found : 0;
        at += size;
    } while (at < poller->count);
    return ready;
}

static int
poll_list(struct sp_poller *poller, struct pollfd *list, int timeout)
{
    long long until = timeout >= 0 ? sp_clock_now() + timeout : LLONG_MAX;
    int ready = poll_slices(poller, list, timeout);

    while (ready == 0 && poller->most < poller->count && sp_clock_now() < until) {
        (void)poll(NULL, 0, SP_PAUSE); /* only a pause */
        ready = poll_slices(poller, list, 0);
    }
    return ready;
}

/* xnu registers nothing for a descriptor without events. What is not asked for here is thrown away:
 * that one can write. */
static void
look_at_silent_ones(struct sp_poller *poller)
{
    for (size_t i = 0; i < poller->count; i++) {
        bool is_silent = poller->watched[i].events == 0;
        poller->silent[i] =
            (struct pollfd){.fd = is_silent ? poller->watched[i].fd : -1, .events = POLLOUT};
    }
    if (poll_list(poller, poller->silent, 0) > 0) {
        for (size_t i = 0; i < poller->count; i++) {
            int unasked = poller->silent[i].revents & ~POLLOUT;
            poller->watched[i].revents = (short)(poller->watched[i].revents | unasked);
        }
    }
}

static bool
has_silent_ones(const struct sp_poller *poller)
{
    size_t i = 0;

    while (i < poller->count && poller->watched[i].events != 0) {
        i++;
    }
    return i < poller->count;
}

size_t
sp_poller_wait(struct sp_poller *poller, int timeout, struct sp_poll_event *events, size_t capacity)
{
    bool has_silent = has_silent_ones(poller);
    bool looks = sp_clock_now() >= poller->next_look;
    size_t told = 0;

    if (looks) {
        poller->next_look = sp_clock_now() + SP_LOOK;
        poller->most = SIZE_MAX; /* a limit may have been raised again */
    }
    if (has_silent && (timeout < 0 || timeout > SP_LOOK)) {
        timeout = SP_LOOK;
    }
    (void)poll_list(poller, poller->watched, timeout); /* each says itself what it has to report */
    if (has_silent && looks) {
        look_at_silent_ones(poller);
    }
    for (size_t i = 0; i < poller->count && told < capacity; i++) {
        const struct pollfd *watched = &poller->watched[(poller->next + i) % poller->count];
        if (watched->revents != 0) {
            events[told++] = (struct sp_poll_event){watched->fd, from_poll(watched->revents)};
        }
    }
    poller->next = poller->count > 0 ? (poller->next + 1) % poller->count : 0;
    return told;
}

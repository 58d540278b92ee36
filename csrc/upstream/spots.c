#include "upstream/spots.h"

#include <stdlib.h>

struct sp_spot {
    struct sp_watcher watcher; /* first: what the poller knows */
    struct sp_spots *spots;    /* borrowed: whose it is */
    struct sp_spot *next;      /* in the list of live ones */
    curl_socket_t fd;
    unsigned wanted; /* SP_POLL_* */
};

/* An error is found by doing what was asked for; libcurl then says it in words. */
static void
spot_happened(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events)
{
    struct sp_spot *spot = (struct sp_spot *)watcher;
    struct sp_spots *spots = spot->spots;
    unsigned told = (events & SP_POLL_ERROR) != 0 ? spot->wanted : events & spot->wanted;

    (void)loop;
    if (spot->wanted == 0) {
        sp_sockets_watch(spots->sockets, spot->fd, 0); /* a wake-up, which nobody waits for */
    }
    if (told != 0) {
        spots->happened(spots->context, spot->fd,
                        ((told & SP_POLL_IN) != 0 ? CURL_CSELECT_IN : 0) |
                            ((told & SP_POLL_OUT) != 0 ? CURL_CSELECT_OUT : 0));
    }
}

static struct sp_spot *
new_spot(struct sp_spots *spots, curl_socket_t fd)
{
    struct sp_spot *spot = malloc(sizeof(*spot));

    if (spot == NULL) {
        return NULL;
    }
    *spot = (struct sp_spot){{spot_happened}, spots, spots->live, fd, 0};
    if (!sp_sockets_own(spots->sockets, fd, &spot->watcher)) {
        free(spot);
        return NULL;
    }
    spots->live = spot;
    return spot;
}

static void
end_spot(struct sp_spots *spots, struct sp_spot *spot)
{
    struct sp_spot **link = &spots->live;

    while (*link != spot) {
        link = &(*link)->next;
    }
    *link = spot->next;
    sp_sockets_disown(spots->sockets, spot->fd);
    free(spot);
}

struct sp_spot *
sp_spots_begin(struct sp_spots *spots, curl_socket_t fd, bool is_wakeup)
{
    if (spots->wakeup != NULL && spots->wakeup->fd == fd) {
        return spots->wakeup;
    }
    struct sp_spot *spot = new_spot(spots, fd);
    if (is_wakeup && spots->wakeup == NULL) {
        spots->wakeup = spot;
    }
    return spot;
}

/* The poller keeps a wake-up until that rings: it is wanted anew for each attempt. Other
 * descriptors may be closed now without a word. */
void
sp_spots_want(struct sp_spots *spots, struct sp_spot *spot, int what)
{
    if (spot == NULL) {
        return;
    }
    if (what == CURL_POLL_REMOVE && spot != spots->wakeup) {
        end_spot(spots, spot);
        return;
    }
    spot->wanted = 0;
    if (what != CURL_POLL_REMOVE) {
        spot->wanted = ((what & CURL_POLL_IN) != 0 ? (unsigned)SP_POLL_IN : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? (unsigned)SP_POLL_OUT : 0);
        sp_sockets_watch(spots->sockets, spot->fd, spot->wanted);
    }
}

void
sp_spots_renew(struct sp_spots *spots, curl_socket_t fd)
{
    for (struct sp_spot *spot = spots->live; spot != NULL; spot = spot->next) {
        if (spot->fd == fd && sp_sockets_own(spots->sockets, fd, &spot->watcher)) {
            sp_sockets_watch(spots->sockets, fd, spot->wanted);
        }
    }
}

void
sp_spots_clear(struct sp_spots *spots)
{
    while (spots->live != NULL) {
        end_spot(spots, spots->live);
    }
    spots->wakeup = NULL;
}

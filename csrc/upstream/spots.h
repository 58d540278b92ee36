/* The descriptors that a multi handle of libcurl's wants to have watched. The engine thread's
 * alone. */
#ifndef SP_UPSTREAM_SPOTS_H
#define SP_UPSTREAM_SPOTS_H

#include "core/sockets.h"

#include <curl/curl.h>

struct sp_spot;

/* Told of what libcurl is to be told of: CURL_CSELECT_*. */
typedef void sp_spot_fn(void *context, curl_socket_t fd, int selected);

struct sp_spots {
    struct sp_sockets *sockets; /* borrowed: lives as long */
    sp_spot_fn *happened;
    void *context;          /* borrowed: what `happened` is given */
    struct sp_spot *live;   /* owned */
    struct sp_spot *wakeup; /* of the live ones, the multi handle's own, once it was wanted */
};

/* A new wish. Of `is_wakeup`, a descriptor that is as old as the multi handle, the poller may know
 * already. NULL when memory is short: then it is not watched. */
struct sp_spot *sp_spots_begin(struct sp_spots *spots, curl_socket_t fd, bool is_wakeup);

/* CURL_POLL_*; after CURL_POLL_REMOVE the spot is gone. Neither does anything to NULL. */
void sp_spots_want(struct sp_spots *spots, struct sp_spot *spot, int what);

/* A number that libcurl may have had, and closed without a word, is that of a new socket. */
void sp_spots_renew(struct sp_spots *spots, curl_socket_t fd);

/* Ends them all, while their descriptors are open. */
void sp_spots_clear(struct sp_spots *spots);

#endif

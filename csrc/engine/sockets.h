/* The upstream's sockets: who watches for what, how long each lay idle, and whether an idle
 * one may be used again. The engine thread's alone. */
#ifndef SP_ENGINE_SOCKETS_H
#define SP_ENGINE_SOCKETS_H

#include "engine/poller.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#define SP_NO_SOCKET (-1)

/* No connection is used again after lying idle for longer; Node closes after 5 s. */
#define SP_IDLE_LIMIT 4000LL /* ms */

struct sp_loop;
struct sp_socket;

/* Whoever is told what happens on a descriptor that is not libcurl's. The first member of what
 * owns the descriptor. */
struct sp_watcher {
    void (*happened)(struct sp_loop *loop, struct sp_watcher *watcher, unsigned events);
};

#define SP_GUESSES 1024U

struct sp_sockets {
    struct sp_socket *items; /* owned; by descriptor, at most SP_DESCRIPTORS_MAX */
    size_t count;
    unsigned short guesses[SP_GUESSES]; /* by local port, which descriptor it probably is */
    struct sp_poller *poller;           /* borrowed: lives as long as the loop */
};

/* One end of a connection, as libcurl names it: numeric addresses. */
struct sp_route {
    const char *remote_ip;
    int remote_port;
    int local_port;
};

/* Opens a socket for `address`. CURL_SOCKET_BAD (errno set) when it cannot. */
curl_socket_t sp_sockets_open(struct sp_sockets *sockets, const struct curl_sockaddr *address);

/* Closes one that libcurl gives up, whoever opened it. */
void sp_sockets_close(struct sp_sockets *sockets, curl_socket_t fd);

/* Frees the table; the sockets themselves are libcurl's to close. */
void sp_sockets_clear(struct sp_sockets *sockets);

/* libcurl's wish (CURL_POLL_*). Ours stay watched a little longer than wished: the next
 * request on the same connection then costs no system call. */
void sp_sockets_want(struct sp_sockets *sockets, curl_socket_t fd, int what);

/* Whether libcurl waits to send on it. */
bool sp_sockets_is_sending(struct sp_sockets *sockets, curl_socket_t fd);

/* Stops reading (the answer's reader is slow), or goes on. */
void sp_sockets_hold(struct sp_sockets *sockets, curl_socket_t fd, bool held);

/* A socket of ours: `watcher` (borrowed until it is disowned) is told of `events` on it. */
bool sp_sockets_own(struct sp_sockets *sockets, curl_socket_t fd, struct sp_watcher *watcher);
void sp_sockets_watch(struct sp_sockets *sockets, curl_socket_t fd, unsigned events);
void sp_sockets_disown(struct sp_sockets *sockets, curl_socket_t fd);

/* Whoever is to be told of `fd`, or NULL when it is libcurl's. */
struct sp_watcher *sp_sockets_watcher(struct sp_sockets *sockets, curl_socket_t fd);

/* What libcurl is to be told of an event (CURL_CSELECT_*), 0 for nothing. */
int sp_sockets_translate(struct sp_sockets *sockets, const struct sp_poll_event *event);

/* The socket of a connection, or SP_NO_SOCKET. */
curl_socket_t sp_sockets_find(struct sp_sockets *sockets, const struct sp_route *route);

/* Counts a use, and tells whether a used connection must not carry another request: too
 * long idle, closed, or with bytes on it that nobody asked for, which would be taken for
 * the answer. A fresh one is never looked at: it may hold TLS session tickets. */
bool sp_sockets_is_stale(struct sp_sockets *sockets, curl_socket_t fd, long long now);

/* The exchange on it is over; the upstream keeps it for `keep_alive` s (or unknown: -1). */
void sp_sockets_rest(struct sp_sockets *sockets, curl_socket_t fd, long long now,
                     long long keep_alive);

#endif

/* Easy handles of libcurl's that connect and send nothing (CURLOPT_CONNECT_ONLY), used again and
 * again: one costs 10 us to make. The engine thread's alone. */
#ifndef SP_UPSTREAM_HANDLE_H
#define SP_UPSTREAM_HANDLE_H

#include "core/error.h"
#include "upstream/shelf.h"
#include "upstream/tried.h"
#include "upstream/upstream.h"

#include <curl/curl.h>

/* More than libcurl has open at once while it tries one address after the other. */
#define SP_HANDLE_SOCKETS 16

#define SP_IDLE_HANDLES 32

struct sp_handle {
    CURL *easy;                   /* owned */
    struct sp_handles *home;      /* borrowed: lives longer */
    struct sp_upstream *upstream; /* whose options are set; a reference of our own */
    struct sp_handle *next;       /* in the list of idle ones */
    bool traced;                  /* TLS, and libcurl tells of its messages */

    /* Of the connection at hand. */
    struct sp_shelf *shelf;        /* on which it is at work, else NULL */
    void *owner;                   /* borrowed: whose attempt it is */
    int fd;                        /* of the connection that it has made, else SP_NO_SOCKET */
    bool is_short;                 /* a socket was refused for want of descriptors */
    bool goodbye;                  /* the peer has ended TLS itself (close_notify) */
    struct sp_tried tried;         /* where the upstream was looked for, in vain or not */
    int opened[SP_HANDLE_SOCKETS]; /* the last ones */
    size_t opened_count;
    char words[CURL_ERROR_SIZE];
};

struct sp_handles {
    struct sp_handle *idle; /* owned; at most SP_IDLE_HANDLES */
    size_t count;           /* of them */
    int wanted;             /* what libcurl is to leave open as it closes it, else SP_NO_SOCKET */
};

/* One that is set up for `upstream`, or NULL when memory is short. */
struct sp_handle *sp_handle_take(struct sp_handles *handles, struct sp_upstream *upstream);

/* Begins to connect. */
enum sp_error sp_handle_start(struct sp_handle *handle, struct sp_shelves *shelves);

/* Whose transfer libcurl names. */
struct sp_handle *sp_handle_of(CURL *easy);

/* It is through, and has made a connection: whether that has a socket. */
bool sp_handle_has_connected(struct sp_handle *handle);

/* From now on it receives whole records of TLS. */
void sp_handle_read_records(struct sp_handle *handle);

/* Ends what it is at; whatever libcurl had opened for that is closed. */
void sp_handle_give_back(struct sp_handle *handle);

/* The same, but the connection's socket is the caller's from now on. SP_NO_SOCKET when descriptors
 * are short. */
int sp_handle_give_socket(struct sp_handle *handle);

void sp_handles_init(struct sp_handles *handles);

/* Frees the idle ones. There are no shelves any more. */
void sp_handles_clear(struct sp_handles *handles);

#endif

/* An exchange's upstream end: one libcurl easy handle, used again for the next exchange. */
#ifndef SP_ENGINE_TRANSFER_H
#define SP_ENGINE_TRANSFER_H

#include "engine/exchange.h"
#include "engine/news.h"
#include "engine/sockets.h"
#include "engine/tried.h"

#include <curl/curl.h>

enum {
    SP_NODE_HOST,
    SP_NODE_ACCEPT,
    SP_NODE_EXPECT,
    SP_NODE_CODING,
    SP_NODE_FIELDS,
    SP_NODE_COUNT,
};

struct sp_transfer {
    CURL *easy;                 /* owned */
    struct sp_news *news;       /* borrowed: the loop's */
    struct sp_sockets *sockets; /* borrowed: the loop's */
    struct curl_slist nodes[SP_NODE_COUNT];
    long receive_size; /* bytes that libcurl takes from the socket at once */
    bool traced;       /* TLS, and libcurl tells of its messages */
    bool is_buffered;  /* libcurl 8.7 and later: what goes out passes a buffer of its own */
    struct sp_upstream *upstream; /* whose options are set; a reference of our own */
    struct sp_exchange *exchange; /* borrowed while attached, else NULL */
    struct sp_transfer *next;     /* in the loop's list of idle ones */

    /* Of the exchange at hand. */
    curl_socket_t socket;  /* its connection's, or SP_NO_SOCKET */
    unsigned sends;        /* how often libcurl began to send it */
    long long taken;       /* bytes of the body that libcurl has */
    bool stale;            /* the connection was given up before anything was sent */
    bool is_silent;        /* an upgrade's upstream has ended its stream; ours may go on */
    bool is_spoken;        /* in a tunnel: libcurl has all that the client said */
    bool paused;           /* libcurl holds bytes that the pipe had no room for */
    struct sp_tried tried; /* where it was looked for, in vain or not */
    bool goodbye;          /* the upstream has ended TLS itself (close_notify) */
    enum sp_error fault;   /* why a callback made libcurl stop, else SP_OK */
    char words[CURL_ERROR_SIZE];
};

enum sp_error sp_transfer_new(struct sp_news *news, struct sp_sockets *sockets, long receive_size,
                              struct sp_transfer **transfer);
void sp_transfer_free(struct sp_transfer *transfer);

/* Sets the handle up for `exchange` and links the two. */
enum sp_error sp_transfer_attach(struct sp_transfer *transfer, struct sp_exchange *exchange);

/* Cuts the link, both sides. The handle must have left its multi handle. */
void sp_transfer_detach(struct sp_transfer *transfer);

/* To be run again, on a fresh connection, because this one was stale. */
void sp_transfer_refresh(struct sp_transfer *transfer);

/* Whether libcurl has bytes that it has not sent, of the head or the body. While its send is paused
 * it may forget them. Known only of libcurl 8.7 and later; see sp_callback_send. */
bool sp_transfer_is_behind(const struct sp_transfer *transfer);

/* What a result of libcurl means for the exchange. */
enum sp_error sp_transfer_outcome(const struct sp_transfer *transfer, CURLcode result);

#endif

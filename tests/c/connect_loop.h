/* A loop that only connects, for tests: calls to one upstream, and what is said in them. */
#ifndef SP_TESTS_CONNECT_LOOP_H
#define SP_TESTS_CONNECT_LOOP_H

#include "bytes.h"
#include "upstream/stream.h"

#include <curl/curl.h>

#define CALLS 256
#define LIMIT 20000LL /* ms for each wait */

struct call {
    struct sp_attempt *attempt;
    struct sp_connected connected; /* what it was told; its stream has the rest */
    struct sp_stream *stream;      /* owned, once it is connected */
    char words[CURL_ERROR_SIZE];
    bool told;
    unsigned happened; /* since it was waited for last */
};

struct sp_loop {
    struct sp_poller *poller;
    struct sp_sockets sockets;
    struct sp_connector *connector;
    struct sp_upstream *upstream;
    size_t told;
    size_t rounds;
    struct call calls[CALLS];
};

extern struct sp_loop loop;

/* Notes what has come of a call, and watches its connection. */
void done(struct sp_loop *given, void *owner, const struct sp_connected *connected);
void begin(struct call *call, sp_connected_fn *told);

/* One round, at most `timeout` ms long; or as many as it takes until so many calls are told of. */
void turn(long long timeout);
void turn_until_told(size_t count);

/* Waits for any of `events` on the call's connection. */
void wait_for(struct call *call, unsigned events);

enum sp_io send_some(struct call *call, struct sp_span bytes, size_t *taken);

/* All of `bytes`. */
void say(struct call *call, struct sp_span bytes);

/* Waits for `least` bytes, or for the end. */
enum sp_io hear(struct call *call, char *bytes, size_t size, size_t least, size_t *heard);

#endif

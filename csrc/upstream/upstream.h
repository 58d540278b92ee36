/* Where requests go: an address, its timeouts and its trust. Shared, and immutable but for what was
 * found out when it failed. */
#ifndef SP_UPSTREAM_UPSTREAM_H
#define SP_UPSTREAM_UPSTREAM_H

#include "core/error.h"
#include "wire/span.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct sp_upstream_options {
    const char *url;            /* scheme://host:port/, never with a path */
    const char *unix_socket;    /* without TLS; NULL: TCP */
    const char *ca_file;        /* authorities, in place of those that libcurl knows of, */
    const char *ca_path;        /* as ca_file, or folders of them; both NULL: libcurl's */
    const char *loop_token;     /* for CDN-Loop, as wire/cdn_loop.h has it; NULL: none */
    bool is_development;        /* why it fails is looked for: SP_E_RESPONSE_LOOP and
                                 * SP_E_CONNECT_BESIDE; and it may be back in a moment */
    bool is_started;            /* with us, and so may not be up yet */
    bool verify;                /* the certificate of an https upstream */
    long long connect_timeout;  /* milliseconds */
    long long response_timeout; /* milliseconds from the request's last byte to the head */
    long long idle_timeout;     /* milliseconds between bytes */
    size_t max_connections;     /* at once, over all upstreams */
};

struct sp_upstream {
    atomic_uint references;
    struct sp_upstream_options options; /* its strings are in `texts` */
    long long looked_beside;            /* ms; the engine thread's, as is the next */
    bool is_beside;                     /* what was found then */
    atomic_llong answered;   /* ms; the engine thread's, and an heir's: when it has last, */
    atomic_llong down_since; /* and when it was first found down since; or SP_NEVER */
    atomic_bool is_left;     /* requests that it keeps waiting have another to go to */
    atomic_bool is_missed;   /* likewise: no answer came of it of late */
    char texts[];
};

/* Copies the strings. */
enum sp_error sp_upstream_new(const struct sp_upstream_options *options,
                              struct sp_upstream **upstream);
struct sp_upstream *sp_upstream_take(struct sp_upstream *upstream);
void sp_upstream_give_back(struct sp_upstream *upstream);

/* Any thread: what is held for it is to be decided anew. `heir`, or NULL, is in its place, and its
 * first answer ends what was missed of this one. `is_down_still`, where that is down if this one
 * is: what was found out is known of that one. */
void sp_upstream_leave(struct sp_upstream *upstream, struct sp_upstream *heir, bool is_down_still);

/* Whether two name the same address, and trust it alike: connections to the one are the other's. */
bool sp_upstream_is_same(const struct sp_upstream *one, const struct sp_upstream *other);

/* Whether it is spoken to by TLS. */
bool sp_upstream_is_tls(const struct sp_upstream *upstream);

/* Where it is, for those who read: the URL, or the path of a Unix socket. */
const char *sp_upstream_place(const struct sp_upstream *upstream);

/* The token that each request to it bears; empty: none. */
struct sp_span sp_upstream_loop_token(const struct sp_upstream *upstream);

#endif

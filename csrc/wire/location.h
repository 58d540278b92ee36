/* A Location of the frontend's own address, brought back to the browser's origin. */
#ifndef SP_WIRE_LOCATION_H
#define SP_WIRE_LOCATION_H

#include "wire/buffer.h"

/* The addresses that are a frontend's own. */
struct sp_own_addresses_options {
    struct sp_span scheme;       /* of its URL: what a URL without one means */
    const struct sp_span *names; /* hosts without port or brackets that count with `port` */
    size_t name_count;
    const struct sp_span *anywhere; /* authorities that count as they are written */
    size_t anywhere_count;
    int port; /* 0: any */
};

/* The same, immutable and shared between threads. */
struct sp_own_addresses;

/* Copies the options. False when memory is short. */
bool sp_own_addresses_new(const struct sp_own_addresses_options *options,
                          struct sp_own_addresses **own_addresses);
struct sp_own_addresses *sp_own_addresses_take(struct sp_own_addresses *own_addresses);
void sp_own_addresses_give_back(struct sp_own_addresses *own_addresses);

/* Appends to `out` what a browser at `origin` (scheme://authority) is to see of the field's
 * value: a path, which keeps its scheme and host. `alias` is the authority by which the
 * frontend knows that browser's site, or empty. False, and nothing is appended: the value
 * crosses as it is, since it is no URL of http or https with an authority of the frontend's
 * own, or `out` is full. */
bool sp_location_rewrite(struct sp_buffer *out, struct sp_span value,
                         const struct sp_own_addresses *own_addresses, struct sp_span origin,
                         struct sp_span alias);

#endif

/* The fields that the listener sends upstream, built anew from those received. */
#ifndef SP_WIRE_OUTGOING_H
#define SP_WIRE_OUTGOING_H

#include "wire/buffer.h"
#include "wire/field.h"
#include "wire/request_head.h"

/* How a frontend sees the requests that come under one Host value; proxy/host_policy.py decides it.
 */
struct sp_view {
    struct sp_span host;
    struct sp_span forwarded_host;
    struct sp_span forwarded_proto;
    struct sp_span browser_host;
    struct sp_span own_origin; /* in place of the browser's, where that is ours; empty: as it is */
    bool is_whole_site;        /* the frontend knows this site by the alias alone: Referer too */
};

/* A request of a client whose own forwarding fields are not believed. */
struct sp_outgoing {
    const struct sp_view *view;
    const struct sp_field *fields; /* as received, in their order */
    size_t count;
    struct sp_span peer;       /* its numeric address; empty: none */
    struct sp_span loop_token; /* for CDN-Loop; empty: none */
    bool is_upgrade;
};

/* Appends the lines to `block`, as sp_request_head_build or its twin for upgrades does. Host
 * keeps its place, or comes first where none was received; of several the first counts. The
 * forwarding fields are ours alone, and last. */
enum sp_request_verdict sp_outgoing_build(struct sp_buffer *block,
                                          const struct sp_outgoing *outgoing);

#endif

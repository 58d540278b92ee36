/* The head of an answer as the listener sends it to the client, but for what frames it there. */
#ifndef SP_WIRE_RETURNING_H
#define SP_WIRE_RETURNING_H

#include "wire/places.h"
#include "wire/response_head.h"

struct sp_returning {
    const struct sp_response_head *head;
    /* For the places in it, as sp_places_rewrite() takes them. */
    const struct sp_own_addresses *own_addresses;
    struct sp_span origin;
    struct sp_span alias;
};

/* Appends the status line, as one of HTTP/1.1, and the lines of the fields that cross, each with
 * its CRLF. False when `out` is full, and what was appended is to be dropped. */
bool sp_returning_append(struct sp_buffer *out, const struct sp_returning *returning);

#endif

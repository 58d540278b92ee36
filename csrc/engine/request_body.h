/* A request's body on its way into the pipe, framed there as it will stand on the wire: from the
 * pipe on nobody adds or takes a byte. */
#ifndef SP_ENGINE_REQUEST_BODY_H
#define SP_ENGINE_REQUEST_BODY_H

#include "engine/exchange.h"

/* All under the exchange's mutex. How many bytes of the body may be written, and writing them.
 * False, and nothing is written, when memory is short. */
size_t sp_request_body_room(const struct sp_exchange *exchange);
bool sp_request_body_write(struct sp_exchange *exchange, struct sp_span bytes);

/* The body is whole. `trailers`, of a chunked one: lines, each with its CRLF, at most
 * SP_CHUNK_TRAILER_CEILING. False, and the body has no end, when memory is short. */
bool sp_request_body_end(struct sp_exchange *exchange, struct sp_span trailers);

#endif

/* The fields of an outgoing request, as the one block of lines that goes upstream. */
#ifndef SP_WIRE_REQUEST_HEAD_H
#define SP_WIRE_REQUEST_HEAD_H

#include "wire/buffer.h"
#include "wire/field.h"

#define SP_REQUEST_HEAD_CEILING ((size_t)1024 * 1024)

/* A method is a token (RFC 9110, 9.1). */
bool sp_method_is_valid(struct sp_span method);

/* Origin form or `*`, with no byte that could end the request line early (RFC 9112, 3.2).
 * Anything else that is printable, or above 0x7F, crosses as it is. */
bool sp_target_is_valid(struct sp_span target);

/* Appends `count` fields to `block` as lines joined by CRLF, without one after the last,
 * in their order. Left out: hop-by-hop fields, and those whose meaning ends here (the
 * length and expectation that our own framing replaces, and x-middleware-subrequest, with
 * which CVE-2025-29927 skipped Next's middleware). False, and `block` is to be thrown
 * away, when a name or value cannot be a field or the block passes its ceiling. */
bool sp_request_head_build(struct sp_buffer *block, const struct sp_field *fields, size_t count);

/* The same for a request to leave HTTP (RFC 9110, 7.8): its Upgrade fields cross too, and a
 * Connection field that names them. */
bool sp_request_head_build_upgrade(struct sp_buffer *block, const struct sp_field *fields,
                                   size_t count);

#endif

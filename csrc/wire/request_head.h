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

/* The same for a request that sp_upgrade_conclude() takes for more than an ordinary one: what its
 * Upgrade fields may offer crosses too, and a Connection field that names them. */
bool sp_request_head_build_upgrade(struct sp_buffer *block, const struct sp_field *fields,
                                   size_t count);

/* The same line by line, for a caller that changes fields on the way. */
struct sp_request_head {
    struct sp_buffer *block;  /* borrowed until it is cleared */
    struct sp_span nominated; /* the list in the Connection fields: of `joined` or of a field */
    struct sp_buffer joined;
    bool is_upgrade;
};

/* Looks in the message's fields, borrowed until it is cleared, for what they nominate. */
bool sp_request_head_begin(struct sp_request_head *head, struct sp_buffer *block,
                           const struct sp_field *fields, size_t count, bool is_upgrade);

/* A field whose value is `start` and `rest`; the latter may be empty. */
bool sp_request_head_add(struct sp_request_head *head, struct sp_span name, struct sp_span start,
                         struct sp_span rest);
bool sp_request_head_end(struct sp_request_head *head);

/* Takes one whose beginning failed, too. */
void sp_request_head_clear(struct sp_request_head *head);

#endif

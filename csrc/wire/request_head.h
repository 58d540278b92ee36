/* The fields of an outgoing request, as the one block of lines that goes upstream. */
#ifndef SP_WIRE_REQUEST_HEAD_H
#define SP_WIRE_REQUEST_HEAD_H

#include "wire/buffer.h"
#include "wire/field.h"
#include "wire/name.h"

/* Of a whole head, its first line included; of a client's fields SP_MAX_FIELDS are sent. */
#define SP_REQUEST_HEAD_CEILING ((size_t)64 * 1024)

/* Of the fields that are given to be sent, before some are left out. */
#define SP_REQUEST_GIVEN_MOST ((size_t)2 * SP_MAX_FIELDS)

/* Whether a head can be sent. */
enum sp_request_verdict {
    SP_REQUEST_FIT,
    SP_REQUEST_INVALID,  /* a name or value that cannot be a field */
    SP_REQUEST_TOO_LONG, /* the ceiling is passed, or that of the fields */
    SP_REQUEST_SHORT,    /* of memory */
};

/* A method is a token (RFC 9110, 9.1). */
bool sp_method_is_valid(struct sp_span method);

/* Origin form or `*`, with no byte that could end the request line early (RFC 9112, 3.2).
 * Anything else that is printable, or above 0x7F, crosses as it is. */
bool sp_target_is_valid(struct sp_span target);

/* An empty block, with the room that such a first line leaves for its fields. */
void sp_request_head_init(struct sp_buffer *block, struct sp_span method, struct sp_span target);

/* Appends `count` fields to `block` as lines joined by CRLF, without one after the last,
 * in their order. Left out: hop-by-hop fields, and those whose meaning ends here (the
 * length and expectation that our own framing replaces, and x-middleware-subrequest, with
 * which CVE-2025-29927 skipped Next's middleware), also where `_` stands for `-` in their names,
 * and then those too that say where a request comes from. `loop_token`, if not empty, comes last in
 * the list of CDN-Loop (RFC 8586). Unless it is FIT, `block` is to be thrown away. */
enum sp_request_verdict sp_request_head_build(struct sp_buffer *block,
                                              const struct sp_field *fields, size_t count,
                                              struct sp_span loop_token);

/* The same for a request that sp_upgrade_conclude() takes for more than an ordinary one: what its
 * Upgrade fields may offer crosses too, and a Connection field that names them. */
enum sp_request_verdict sp_request_head_build_upgrade(struct sp_buffer *block,
                                                      const struct sp_field *fields, size_t count,
                                                      struct sp_span loop_token);

/* The same line by line, for a caller that changes fields on the way. */
struct sp_request_head {
    struct sp_buffer *block;  /* borrowed until it is cleared */
    struct sp_span nominated; /* the list in the Connection fields: of `joined` or of a field */
    uint64_t nominated_marks; /* of the names in it */
    struct sp_buffer joined;
    size_t count; /* of the client's fields in `block` */
    bool is_upgrade;
    bool is_too_long;
    struct sp_span passes;     /* the value of the last CDN-Loop field, itself */
    struct sp_span loop_token; /* to be appended to it yet; empty after sp_request_head_begin() */
};

/* Looks in the message's fields, borrowed until it is cleared, for what they nominate. */
bool sp_request_head_begin(struct sp_request_head *head, struct sp_buffer *block,
                           const struct sp_field *fields, size_t count, bool is_upgrade);

/* A field whose value is the field's and `rest`; the latter may be empty. `known` is what its name
 * is. A value that is not changed is given as the very bytes that the beginning has seen. */
bool sp_request_head_add(struct sp_request_head *head, enum sp_name known,
                         const struct sp_field *field, struct sp_span rest);

/* Says what came of it, and clears it: `built` is whether its beginning and each field went well.
 */
enum sp_request_verdict sp_request_head_end(struct sp_request_head *head, bool built);

#endif

/* The head of a request, read strictly (RFC 9112): what can be read two ways is refused. */
#ifndef SP_WIRE_INCOMING_H
#define SP_WIRE_INCOMING_H

#include "wire/buffer.h"
#include "wire/field.h"
#include "wire/request_line.h"
#include "wire/upgrade.h"

#define SP_INCOMING_CEILING ((size_t)64 * 1024)

enum sp_incoming_step {
    SP_INCOMING_MORE,
    SP_INCOMING_COMPLETE,
    SP_INCOMING_REFUSED,
};

/* All spans are parts of the bytes given, and valid as long as those are. */
struct sp_incoming {
    struct sp_field fields[SP_MAX_FIELDS]; /* in their order, each value trimmed */
    size_t count;
    struct sp_span method;
    struct sp_span target; /* as sp_request_line_parse() takes it; the host of a whole address in it
                            * counts, and not `host`: sp_absolute_form_settle() */
    struct sp_span host;   /* the value of Host; empty when there is none */
    bool has_host;         /* always in HTTP/1.1 */
    bool http_1_0;
    bool keep_alive; /* the client keeps the connection, by its version and Connection */
    bool chunked;
    long long content_length; /* bytes, or SP_LENGTH_UNKNOWN: then the request has no body, or is
                               * chunked */
    bool expects_continue;    /* and has a body to keep back */
    enum sp_upgrade upgrade;
    size_t length;      /* of the head, with the blank line and a forgiven one before the head */
    int status;         /* when refused: 400, 414, 431, 501 or 505 */
    const char *reason; /* when refused: one sentence, static */
};

/* Reads the head at the start of `bytes`. Each line ends with CRLF, and a value holds no control
 * character but HTAB. What no method begins with, a bare LF and what is too long are refused at
 * once, all else when the head is whole. `*scanned`, 0 at first, is how far calls with the same
 * start have looked for its end, so that one that drips in is not searched again and again. The
 * struct may hold anything before; after MORE it means nothing, after REFUSED only `status` and
 * `reason` do. */
enum sp_incoming_step sp_incoming_parse(struct sp_incoming *incoming, struct sp_span bytes,
                                        size_t *scanned);

/* Adds the values of the Connection fields to `list` as one; false when that has no room for them,
 * or memory is short. */
bool sp_incoming_list_connection(const struct sp_incoming *incoming, struct sp_buffer *list);

/* How many of the first `read` bytes, at least a head, are the request's own, where its body is not
 * chunked. */
size_t sp_incoming_own(const struct sp_incoming *incoming, size_t read);

#endif

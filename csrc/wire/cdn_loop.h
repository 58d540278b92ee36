/* The requests that come back to where they have been (RFC 8586). */
#ifndef SP_WIRE_CDN_LOOP_H
#define SP_WIRE_CDN_LOOP_H

#include "wire/field.h"

/* So each token of ours begins, whichever process made it. */
#define SP_CDN_LOOP_MARK "samesite-"

/* That many tokens of ours are a loop, too: of processes that do not know each other's. */
#define SP_CDN_LOOP_MOST ((size_t)8)

/* Whether `token` has been put on this request before, or SP_CDN_LOOP_MOST like it. Never when it
 * is empty. It must begin with the mark; letters count alike in either case, as in a host, which
 * the same place may hold. */
bool sp_cdn_loop_is_closed(const struct sp_field *fields, size_t count, struct sp_span token);

#endif

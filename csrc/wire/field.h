/* One field line of a message (RFC 9110, 5; RFC 9112, 5). */
#ifndef SP_WIRE_FIELD_H
#define SP_WIRE_FIELD_H

#include "wire/span.h"

/* Of one message; far more than servers send or let through. */
#define SP_MAX_FIELDS 1000

/* In the place of a message's length, when no field says it. */
#define SP_LENGTH_UNKNOWN (-1)

struct sp_field {
    struct sp_span name;
    struct sp_span value;
};

/* Cuts a line, without its CRLF, at the colon. False when it is no field: no name, blanks
 * around the name, an obsolete fold, or a byte that no field may hold. */
bool sp_field_parse(struct sp_span line, struct sp_field *field);

/* A token (RFC 9110, 5.6.2). */
bool sp_field_name_is_valid(struct sp_span name);

/* A token, as nearly all are, of which is known at a glance that no `_` is in it; it may be one
 * where this is false. */
bool sp_field_name_is_plain(struct sp_span name);

/* Neither CR, LF nor NUL: each could end the line for somebody (RFC 9110, 5.5). */
bool sp_field_value_is_valid(struct sp_span value);

/* How many of the first bytes belong in a token. */
size_t sp_field_name_length(struct sp_span bytes);

/* A name as CGI and WSGI read it, which take `_` for `-`: in `room`, and cut off where that ends.
 * No name that means something to us is so long. */
#define SP_HYPHENED_ROOM ((size_t)64)
struct sp_span sp_field_name_hyphened(struct sp_span name, char room[SP_HYPHENED_ROOM]);

/* How many of the first bytes belong in a value as RFC 9110, 5.5 writes it: blanks, visible
 * characters and what is above 0x7F, but no control character. */
size_t sp_field_text_length(struct sp_span bytes);

#endif

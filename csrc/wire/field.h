/* One field line of a message (RFC 9110, 5; RFC 9112, 5). */
#ifndef SP_WIRE_FIELD_H
#define SP_WIRE_FIELD_H

#include "wire/span.h"

/* Of one message; far more than servers send or let through. */
#define SP_MAX_FIELDS 1000

struct sp_field {
    struct sp_span name;
    struct sp_span value;
};

/* Cuts a line, without its CRLF, at the colon. False when it is no field: no name, blanks
 * around the name, an obsolete fold, or a byte that no field may hold. */
bool sp_field_parse(struct sp_span line, struct sp_field *field);

/* A token (RFC 9110, 5.6.2). */
bool sp_field_name_is_valid(struct sp_span name);

/* Neither CR, LF nor NUL: each could end the line for somebody (RFC 9110, 5.5). */
bool sp_field_value_is_valid(struct sp_span value);

#endif

/* Which fields may stand behind a body (RFC 9110, 6.5.1). */
#ifndef SP_WIRE_TRAILER_H
#define SP_WIRE_TRAILER_H

#include "wire/span.h"

/* Whether a field that comes so late may still be believed, and go on: not one that frames, routes
 * or controls a message, says how its content is to be read, or whose request it is; nor one that
 * is for one hop, by itself or by `connection`, the list in the message's Connection fields. */
bool sp_trailer_is_allowed(struct sp_span received, struct sp_span connection);

#endif

/* A request whose target is a whole address (RFC 9112, 3.2.2), as the same one in origin form. */
#ifndef SP_WIRE_ABSOLUTE_FORM_H
#define SP_WIRE_ABSOLUTE_FORM_H

#include "wire/buffer.h"
#include "wire/incoming.h"

/* Whether a head that is complete has such a target. */
bool sp_absolute_form_is(const struct sp_incoming *incoming);

/* Appends that head, without a blank line before it, with its target in origin form, or as the
 * asterisk of an OPTIONS without a path (3.2.4), and the address's host as the value of Host. All
 * other bytes are as they came. False when the ceiling would be passed or memory is short. */
bool sp_absolute_form_settle(const struct sp_incoming *incoming, struct sp_buffer *head);

#endif

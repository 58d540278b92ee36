/* The fields of an answer that name places: those of the frontend's own come back to the browser's
 * origin. */
#ifndef SP_WIRE_PLACES_H
#define SP_WIRE_PLACES_H

#include "wire/field.h"
#include "wire/location.h"
#include "wire/name.h"

/* Whether a field of that name is one of them. */
bool sp_places_are_in(enum sp_name name);

/* Appends the field's value to `out` as a browser at `origin` is to see it; the rest of it crosses
 * as it is. False when `out` is full, and what was appended is to be dropped. */
bool sp_places_rewrite(struct sp_buffer *out, const struct sp_field *field,
                       const struct sp_own_addresses *own_addresses, struct sp_span origin,
                       struct sp_span alias);

#endif

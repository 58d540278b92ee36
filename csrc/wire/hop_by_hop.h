/* Which fields of a message a proxy must not forward (RFC 9110, 7.6.1). */
#ifndef SP_WIRE_HOP_BY_HOP_H
#define SP_WIRE_HOP_BY_HOP_H

#include "wire/name.h"

/* For the list of nominated fields, which may be searched once for each field of a message. */
#define SP_NOMINATED_CEILING ((size_t)8 * 1024)

/* Whether the field `name` is about one connection only. `connection` is the list in the
 * message's Connection fields (empty when absent); it may nominate further fields, but not
 * those that say where a request comes from, goes to, or whose it is. */
bool sp_is_hop_by_hop(struct sp_span name, struct sp_span connection);

/* Its two parts: whether each field of that name is, and whether that list nominates it. */
bool sp_name_is_hop_by_hop(enum sp_name name);
bool sp_is_nominated(struct sp_span name, struct sp_span connection);

/* The marks of all names in such a list: without a name's own among them it is not nominated. */
uint64_t sp_nominated_marks(struct sp_span connection);

#endif

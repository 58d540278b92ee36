/* A hop's request on its way out. */
#ifndef SP_ENGINE_HOP_REQUEST_H
#define SP_ENGINE_HOP_REQUEST_H

#include "engine/hop.h"

/* Writes the head of the exchange's request. False: memory is short. */
bool sp_hop_request_begin(struct sp_hop *hop);

/* Sends what there is, as far as the stream takes it. */
void sp_hop_request_send(struct sp_hop *hop);

/* Whether bytes of its body may pass inside the kernel: between two plain sockets, while they are
 * wanted; and whether they must not before what is there already is out. */
bool sp_hop_request_may_pass(const struct sp_hop *hop);
bool sp_hop_request_is_put_off(const struct sp_hop *hop);

/* Whether it may be sent once more, on another connection, when this one has not said a word. */
bool sp_hop_request_is_repeatable(const struct sp_hop *hop);

/* Gives back the memory of a head that is sent and will not be sent again. */
void sp_hop_request_forget(struct sp_hop *hop);

#endif

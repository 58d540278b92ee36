/* A hop's answer on its way in. */
#ifndef SP_ENGINE_HOP_ANSWER_H
#define SP_ENGINE_HOP_ANSWER_H

#include "engine/hop.h"

/* Takes the next bytes of the stream. */
void sp_hop_answer_take(struct sp_hop *hop, struct sp_span bytes);

/* The stream has ended: by an end, or broken. */
void sp_hop_answer_end(struct sp_hop *hop, bool is_broken);

/* How many bytes of it there is room for. */
size_t sp_hop_answer_room(struct sp_hop *hop);

/* Much is read at once where much comes, `got` bytes of it, and all of it is taken; where not,
 * little waits in memory. */
void sp_hop_answer_adapt(struct sp_hop *hop, size_t got);

/* Whether a whole answer, and what came behind it, leave the connection to the next request. */
bool sp_hop_answer_leaves_connection(const struct sp_hop *hop);

#endif

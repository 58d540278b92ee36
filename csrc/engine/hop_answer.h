/* A hop's answer on its way in. */
#ifndef SP_ENGINE_HOP_ANSWER_H
#define SP_ENGINE_HOP_ANSWER_H

#include "engine/hop.h"

struct sp_splice;

/* Takes the next bytes of the stream. */
void sp_hop_answer_take(struct sp_hop *hop, struct sp_span bytes);

/* The same for those in a splice: of a tunnel, or of a body of known length and no more than are
 * left of it. */
void sp_hop_answer_pass(struct sp_hop *hop, struct sp_splice *splice);

/* The stream has ended: by an end, or broken. */
void sp_hop_answer_end(struct sp_hop *hop, bool is_broken);

/* Whether a whole answer, and what came behind it, leave the connection to the next request. */
bool sp_hop_answer_leaves_connection(const struct sp_hop *hop);

#endif

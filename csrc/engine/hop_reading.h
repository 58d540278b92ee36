/* One reading of a hop's answer: its bytes are copied, or pass to the client inside the kernel. */
#ifndef SP_ENGINE_HOP_READING_H
#define SP_ENGINE_HOP_READING_H

#include "engine/hop.h"

/* As sp_stream_receive; what has come is taken. */
enum sp_io sp_hop_read(struct sp_hop *hop);

/* At most so many bytes of what was read last wait in memory for the client. */
void sp_hop_count_behind(struct sp_hop *hop, size_t count);

#endif

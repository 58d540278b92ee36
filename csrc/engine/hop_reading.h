/* One reading of a hop's answer: its bytes are copied, or pass to the client inside the kernel. */
#ifndef SP_ENGINE_HOP_READING_H
#define SP_ENGINE_HOP_READING_H

#include "engine/hop.h"

/* As sp_stream_receive; what has come is taken. */
enum sp_io sp_hop_read(struct sp_hop *hop);

#endif

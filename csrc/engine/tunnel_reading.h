/* One reading of a tunnel's client: what it says is copied into the exchange's pipe, or passes
 * upstream inside the kernel. The engine thread's alone. */
#ifndef SP_ENGINE_TUNNEL_READING_H
#define SP_ENGINE_TUNNEL_READING_H

#include "engine/loop.h"

/* As sp_io_receive; what has come is on its way, the end too. Where there is no room for it the
 * client's stream is held. */
enum sp_io sp_tunnel_read(struct sp_loop *loop, struct sp_exchange *exchange);

#endif

/* The client end of an exchange whose caller reads the response's pipe. */
#ifndef SP_ENGINE_PIPE_END_H
#define SP_ENGINE_PIPE_END_H

#include "engine/client_end.h"

const struct sp_client_end *sp_pipe_end(void);

#endif

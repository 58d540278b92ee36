/* The library that connects, as a whole. */
#ifndef SP_UPSTREAM_LIBCURL_H
#define SP_UPSTREAM_LIBCURL_H

#include <stdbool.h>

/* Whether the libcurl that is loaded is one that the engine works with; its version, static. */
bool sp_libcurl_is_known(const char **version);

/* Once a process, before anything else of libcurl's. */
bool sp_libcurl_start(void);

#endif

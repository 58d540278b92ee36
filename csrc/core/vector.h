/* A span as sendmsg() takes it. */
#ifndef SP_CORE_VECTOR_H
#define SP_CORE_VECTOR_H

#include "wire/span.h"

#include <sys/uio.h>

struct iovec sp_vector(struct sp_span span);

#endif

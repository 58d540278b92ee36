#include "core/vector.h"

#include <string.h>

struct iovec
sp_vector(struct sp_span span)
{
    struct iovec vector = {NULL, span.len};

    /* Nothing is written there, but no cast may say so. */
    memcpy((void *)&vector.iov_base, (const void *)&span.data, sizeof(void *));
    return vector;
}

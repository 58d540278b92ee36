#include "core/splice.h"

#include <errno.h>

void
sp_splices_clear(struct sp_splices *stock)
{
    (void)stock;
}

/* Everything is copied. */
struct sp_splice *
sp_splice_borrow(struct sp_splices *stock)
{
    (void)stock;
    return NULL;
}

void
sp_splice_give_back(struct sp_splice *pipe)
{
    (void)pipe;
}

ssize_t
sp_splice_fill(struct sp_splice *pipe, int fd, size_t most)
{
    (void)pipe;
    (void)fd;
    (void)most;
    errno = ENOSYS;
    return -1;
}

bool
sp_splice_receive(struct sp_splice **pipe, int fd, size_t most, enum sp_io *io)
{
    *io = sp_io_of(sp_splice_fill(*pipe, fd, most));
    return false;
}

ssize_t
sp_splice_drain(struct sp_splice *pipe, int fd)
{
    (void)pipe;
    (void)fd;
    errno = ENOSYS;
    return -1;
}

enum sp_io
sp_splice_send(struct sp_splice **pipe, int fd, size_t *taken)
{
    *taken = 0;
    return sp_io_of(sp_splice_drain(*pipe, fd));
}

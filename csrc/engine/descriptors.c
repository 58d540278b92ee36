#include "engine/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#define SP_BITS 64U

/* The one record of a process; a forked child reads its copy of it. */
static _Atomic unsigned long long kept[SP_DESCRIPTORS_MAX / SP_BITS];

static unsigned long long
bit_of(int fd)
{
    return 1ULL << ((unsigned)fd % SP_BITS);
}

bool
sp_descriptor_keep(int fd)
{
    int flags = fd < SP_DESCRIPTORS_MAX ? fcntl(fd, F_GETFD) : -1;

    if (fd >= SP_DESCRIPTORS_MAX) {
        errno = EMFILE;
    }
    if (flags < 0 || ((flags & FD_CLOEXEC) == 0 && fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)) {
        return false;
    }
    atomic_fetch_or(&kept[(unsigned)fd / SP_BITS], bit_of(fd));
    return true;
}

void
sp_descriptor_close(int fd)
{
    if (fd < SP_DESCRIPTORS_MAX) {
        atomic_fetch_and(&kept[(unsigned)fd / SP_BITS], ~bit_of(fd));
    }
    (void)close(fd); /* nothing can be done about a failing close */
}

void
sp_descriptors_close_all(void)
{
    for (size_t word = 0; word < SP_DESCRIPTORS_MAX / SP_BITS; word++) {
        unsigned long long bits = atomic_exchange(&kept[word], 0);
        for (unsigned bit = 0; bits != 0; bit++, bits >>= 1) {
            if ((bits & 1) != 0) {
                (void)close((int)(word * SP_BITS + bit));
            }
        }
    }
}

bool
sp_descriptor_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

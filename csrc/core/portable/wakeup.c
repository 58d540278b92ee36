#include "core/wakeup.h"

#include "core/descriptors.h"

#include <unistd.h>

static bool
prepare(int fd)
{
    return sp_descriptor_keep(fd) && sp_descriptor_set_nonblocking(fd);
}

enum sp_error
sp_wakeup_init(struct sp_wakeup *wakeup)
{
    int ends[2];

    if (pipe(ends) < 0) {
        return SP_E_SYSTEM;
    }
    *wakeup = (struct sp_wakeup){ends[0], ends[1]};
    if (!prepare(ends[0]) || !prepare(ends[1])) {
        sp_wakeup_clear(wakeup);
        return SP_E_SYSTEM;
    }
    return SP_OK;
}

void
sp_wakeup_clear(struct sp_wakeup *wakeup)
{
    sp_descriptor_close(wakeup->receiver);
    sp_descriptor_close(wakeup->sender);
}

void
sp_wakeup_ring(const struct sp_wakeup *wakeup)
{
    ssize_t unused = write(wakeup->sender, "", 1); /* full means that it is ringing already */

    (void)unused;
}

void
sp_wakeup_silence(const struct sp_wakeup *wakeup)
{
    char bytes[64];

    while (read(wakeup->receiver, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes)) {
    }
}

#include "core/wakeup.h"

#include "core/descriptors.h"

#include <unistd.h>

enum sp_error
sp_wakeup_init(struct sp_wakeup *wakeup)
{
    int ends[2];

    if (!sp_descriptor_pipe(ends)) {
        return SP_E_SYSTEM;
    }
    *wakeup = (struct sp_wakeup){ends[0], ends[1]};
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

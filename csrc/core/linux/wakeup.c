#include "core/wakeup.h"

#include "core/descriptors.h"

#include <sys/eventfd.h>

enum sp_error
sp_wakeup_init(struct sp_wakeup *wakeup)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        return SP_E_SYSTEM;
    }
    if (!sp_descriptor_keep(fd)) {
        sp_descriptor_close(fd);
        return SP_E_SYSTEM;
    }
    *wakeup = (struct sp_wakeup){fd, fd};
    return SP_OK;
}

void
sp_wakeup_clear(struct sp_wakeup *wakeup)
{
    sp_descriptor_close(wakeup->receiver);
}

void
sp_wakeup_ring(const struct sp_wakeup *wakeup)
{
    (void)eventfd_write(wakeup->sender, 1); /* full means that it is ringing already */
}

void
sp_wakeup_silence(const struct sp_wakeup *wakeup)
{
    eventfd_t unused;

    (void)eventfd_read(wakeup->receiver, &unused); /* empty means silent already */
}

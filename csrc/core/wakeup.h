/* A descriptor that another thread can make readable. */
#ifndef SP_CORE_WAKEUP_H
#define SP_CORE_WAKEUP_H

#include "core/error.h"

struct sp_wakeup {
    int receiver; /* owned; to be watched for reading */
    int sender;   /* owned */
};

enum sp_error sp_wakeup_init(struct sp_wakeup *wakeup);
void sp_wakeup_clear(struct sp_wakeup *wakeup);

/* Any thread. Many rings before a silence count as one. */
void sp_wakeup_ring(const struct sp_wakeup *wakeup);
void sp_wakeup_silence(const struct sp_wakeup *wakeup);

#endif

#include "engine/mailbox.h"

enum sp_error
sp_mailbox_init(struct sp_mailbox *mailbox)
{
    *mailbox = (struct sp_mailbox){.first = NULL};
    (void)pthread_mutex_init(&mailbox->mutex, NULL); /* cannot fail with default attributes */
    return sp_wakeup_init(&mailbox->wakeup);
}

void
sp_mailbox_clear(struct sp_mailbox *mailbox)
{
    sp_wakeup_clear(&mailbox->wakeup);
    (void)pthread_mutex_destroy(&mailbox->mutex); /* nobody else knows the mailbox now */
}

static void
wake(struct sp_mailbox *mailbox)
{
    if (atomic_exchange(&mailbox->asleep, false)) {
        sp_wakeup_ring(&mailbox->wakeup);
    }
}

enum sp_error
sp_mailbox_post(struct sp_mailbox *mailbox, struct sp_exchange *exchange, unsigned wish)
{
    pthread_mutex_lock(&mailbox->mutex);
    if (atomic_load(&mailbox->stopping)) {
        pthread_mutex_unlock(&mailbox->mutex);
        return SP_E_SHUTDOWN;
    }
    if (exchange->wishes == 0) {
        exchange->next_posted = NULL;
        if (mailbox->last != NULL) {
            mailbox->last->next_posted = exchange;
        }
        else {
            mailbox->first = exchange;
        }
        mailbox->last = sp_exchange_take(exchange);
    }
    exchange->wishes |= wish;
    pthread_mutex_unlock(&mailbox->mutex);
    wake(mailbox);
    return SP_OK;
}

void
sp_mailbox_stop(struct sp_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    atomic_store(&mailbox->stopping, true);
    pthread_mutex_unlock(&mailbox->mutex);
    wake(mailbox);
}

struct sp_exchange *
sp_mailbox_take(struct sp_mailbox *mailbox, unsigned *wishes)
{
    pthread_mutex_lock(&mailbox->mutex);
    struct sp_exchange *exchange = mailbox->first;
    if (exchange != NULL) {
        mailbox->first = exchange->next_posted;
        if (mailbox->first == NULL) {
            mailbox->last = NULL;
        }
        *wishes = exchange->wishes;
        exchange->wishes = 0;
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return exchange;
}

bool
sp_mailbox_fall_asleep(struct sp_mailbox *mailbox)
{
    atomic_store(&mailbox->asleep, true);
    pthread_mutex_lock(&mailbox->mutex);
    bool empty = mailbox->first == NULL && !atomic_load(&mailbox->stopping);
    pthread_mutex_unlock(&mailbox->mutex);
    if (!empty) {
        atomic_store(&mailbox->asleep, false);
    }
    return empty;
}

void
sp_mailbox_wake_up(struct sp_mailbox *mailbox)
{
    atomic_store(&mailbox->asleep, false);
}

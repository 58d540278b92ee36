#include "engine/mailbox.h"

enum sp_error
sp_mailbox_init(struct sp_mailbox *mailbox)
{
    *mailbox = (struct sp_mailbox){.first = NULL};
    /* These cannot fail with default attributes. */
    (void)pthread_mutex_init(&mailbox->mutex, NULL);
    (void)pthread_cond_init(&mailbox->changed, NULL);
    return sp_wakeup_init(&mailbox->wakeup);
}

void
sp_mailbox_clear(struct sp_mailbox *mailbox)
{
    sp_wakeup_clear(&mailbox->wakeup);
    /* Nobody else knows the mailbox now. */
    (void)pthread_cond_destroy(&mailbox->changed);
    (void)pthread_mutex_destroy(&mailbox->mutex);
}

void
sp_mailbox_ring(struct sp_mailbox *mailbox)
{
    if (atomic_exchange(&mailbox->asleep, false)) {
        sp_wakeup_ring(&mailbox->wakeup);
    }
}

enum sp_error
sp_mailbox_put(struct sp_mailbox *mailbox, struct sp_exchange *exchange, unsigned wish)
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
    return SP_OK;
}

enum sp_error
sp_mailbox_post(struct sp_mailbox *mailbox, struct sp_exchange *exchange, unsigned wish)
{
    enum sp_error error = sp_mailbox_put(mailbox, exchange, wish);

    if (error == SP_OK) {
        sp_mailbox_ring(mailbox);
    }
    return error;
}

/* Under the mutex, which it gives up while waiting. */
static void
await_end(struct sp_mailbox *mailbox)
{
    while (!mailbox->is_over) {
        (void)pthread_cond_wait(&mailbox->changed, &mailbox->mutex); /* it is ours */
    }
}

/* Under the mutex. */
static void
push(struct sp_mailbox *mailbox, struct sp_chore *chore)
{
    chore->next = mailbox->chores;
    mailbox->chores = chore;
}

enum sp_error
sp_mailbox_perform(struct sp_mailbox *mailbox,
                   enum sp_error (*run)(struct sp_loop *loop, void *context), void *context)
{
    struct sp_chore chore = {.run = run, .context = context};

    pthread_mutex_lock(&mailbox->mutex);
    if (atomic_load(&mailbox->stopping)) {
        await_end(mailbox);
        pthread_mutex_unlock(&mailbox->mutex);
        return SP_E_SHUTDOWN;
    }
    push(mailbox, &chore);
    sp_mailbox_ring(mailbox);
    while (!chore.is_done) {
        (void)pthread_cond_wait(&mailbox->changed, &mailbox->mutex); /* it is ours */
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return chore.outcome;
}

void
sp_mailbox_do_chores(struct sp_mailbox *mailbox, struct sp_loop *loop)
{
    pthread_mutex_lock(&mailbox->mutex);
    while (mailbox->chores != NULL) {
        struct sp_chore *chore = mailbox->chores;
        mailbox->chores = chore->next;
        pthread_mutex_unlock(&mailbox->mutex);
        enum sp_error outcome = chore->run(loop, chore->context);
        pthread_mutex_lock(&mailbox->mutex);
        chore->outcome = outcome;
        chore->is_done = true;
        (void)pthread_cond_broadcast(&mailbox->changed); /* fails for no valid condition */
    }
    pthread_mutex_unlock(&mailbox->mutex);
}

void
sp_mailbox_stop(struct sp_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    atomic_store(&mailbox->stopping, true);
    sp_mailbox_ring(mailbox);
    await_end(mailbox);
    pthread_mutex_unlock(&mailbox->mutex);
}

void
sp_mailbox_end(struct sp_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->is_over = true;
    (void)pthread_cond_broadcast(&mailbox->changed); /* fails for no valid condition */
    pthread_mutex_unlock(&mailbox->mutex);
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
    bool empty =
        mailbox->first == NULL && mailbox->chores == NULL && !atomic_load(&mailbox->stopping);
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

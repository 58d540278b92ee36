#include "engine/notifier.h"

#include "engine/exchange.h"

#include <stdlib.h>
#include <unistd.h>

enum sp_error
sp_notifier_new(struct sp_notifier **notifier)
{
    struct sp_notifier *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    if (sp_wakeup_init(&made->wakeup) != SP_OK) {
        free(made);
        return SP_E_TOO_MANY; /* descriptors */
    }
    atomic_init(&made->references, 1);
    made->pid = getpid();
    (void)pthread_mutex_init(&made->mutex, NULL); /* cannot fail with default attributes */
    *notifier = made;
    return SP_OK;
}

struct sp_notifier *
sp_notifier_take(struct sp_notifier *notifier)
{
    if (notifier != NULL) {
        atomic_fetch_add_explicit(&notifier->references, 1, memory_order_relaxed);
    }
    return notifier;
}

void
sp_notifier_give_back(struct sp_notifier *notifier)
{
    if (notifier != NULL && atomic_fetch_sub(&notifier->references, 1) == 1) {
        sp_notifier_close(notifier);
        (void)pthread_mutex_destroy(&notifier->mutex); /* nobody else knows the notifier now */
        free(notifier);
    }
}

bool
sp_notifier_is_ours(const struct sp_notifier *notifier)
{
    return notifier->pid == getpid();
}

void
sp_notifier_notify(struct sp_notifier *notifier, struct sp_exchange *exchange)
{
    pthread_mutex_lock(&notifier->mutex);
    if (!notifier->is_closed && !exchange->is_notified) {
        bool was_silent = notifier->notified == NULL;
        exchange->is_notified = true;
        exchange->next_notified = notifier->notified;
        notifier->notified = sp_exchange_take(exchange);
        if (was_silent) {
            sp_wakeup_ring(&notifier->wakeup);
        }
    }
    pthread_mutex_unlock(&notifier->mutex);
}

int
sp_notifier_descriptor(struct sp_notifier *notifier)
{
    if (!sp_notifier_is_ours(notifier)) {
        return -1;
    }
    pthread_mutex_lock(&notifier->mutex);
    int fd = notifier->is_closed ? -1 : notifier->wakeup.receiver;
    pthread_mutex_unlock(&notifier->mutex);
    return fd;
}

void
sp_notifier_silence(struct sp_notifier *notifier)
{
    pthread_mutex_lock(&notifier->mutex);
    if (!notifier->is_closed) {
        sp_wakeup_silence(&notifier->wakeup);
    }
    pthread_mutex_unlock(&notifier->mutex);
}

struct sp_exchange *
sp_notifier_next(struct sp_notifier *notifier)
{
    pthread_mutex_lock(&notifier->mutex);
    struct sp_exchange *exchange = notifier->notified;
    if (exchange != NULL) {
        notifier->notified = exchange->next_notified;
        exchange->is_notified = false;
    }
    pthread_mutex_unlock(&notifier->mutex);
    return exchange;
}

void
sp_notifier_close(struct sp_notifier *notifier)
{
    struct sp_exchange *exchange;

    if (!sp_notifier_is_ours(notifier)) {
        return;
    }
    pthread_mutex_lock(&notifier->mutex);
    if (!notifier->is_closed) {
        notifier->is_closed = true;
        sp_wakeup_clear(&notifier->wakeup);
    }
    pthread_mutex_unlock(&notifier->mutex);
    while ((exchange = sp_notifier_next(notifier)) != NULL) {
        sp_exchange_give_back(exchange);
    }
}

#include "engine/bell.h"

#include "engine/exchange.h"

#include <stdlib.h>
#include <unistd.h>

enum sp_error
sp_bell_new(struct sp_bell **bell)
{
    struct sp_bell *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return SP_E_NO_MEMORY;
    }
    if (sp_wakeup_init(&made->wakeup) != SP_OK) {
        free(made);
        return SP_E_SYSTEM;
    }
    atomic_init(&made->references, 1);
    made->pid = getpid();
    (void)pthread_mutex_init(&made->mutex, NULL); /* cannot fail with default attributes */
    *bell = made;
    return SP_OK;
}

struct sp_bell *
sp_bell_take(struct sp_bell *bell)
{
    if (bell != NULL) {
        atomic_fetch_add_explicit(&bell->references, 1, memory_order_relaxed);
    }
    return bell;
}

void
sp_bell_give_back(struct sp_bell *bell)
{
    if (bell != NULL && atomic_fetch_sub(&bell->references, 1) == 1) {
        sp_bell_close(bell);
        (void)pthread_mutex_destroy(&bell->mutex); /* nobody else knows the bell now */
        free(bell);
    }
}

bool
sp_bell_is_ours(const struct sp_bell *bell)
{
    return bell->pid == getpid();
}

void
sp_bell_ring(struct sp_bell *bell, struct sp_exchange *exchange)
{
    pthread_mutex_lock(&bell->mutex);
    if (!bell->is_closed && !exchange->is_rung) {
        bool was_silent = bell->rung == NULL;
        exchange->is_rung = true;
        exchange->next_rung = bell->rung;
        bell->rung = sp_exchange_take(exchange);
        if (was_silent) {
            sp_wakeup_ring(&bell->wakeup);
        }
    }
    pthread_mutex_unlock(&bell->mutex);
}

void
sp_bell_silence(struct sp_bell *bell)
{
    pthread_mutex_lock(&bell->mutex);
    if (!bell->is_closed) {
        sp_wakeup_silence(&bell->wakeup);
    }
    pthread_mutex_unlock(&bell->mutex);
}

struct sp_exchange *
sp_bell_next(struct sp_bell *bell)
{
    pthread_mutex_lock(&bell->mutex);
    struct sp_exchange *exchange = bell->rung;
    if (exchange != NULL) {
        bell->rung = exchange->next_rung;
        exchange->is_rung = false;
    }
    pthread_mutex_unlock(&bell->mutex);
    return exchange;
}

void
sp_bell_close(struct sp_bell *bell)
{
    struct sp_exchange *exchange;

    if (!sp_bell_is_ours(bell)) {
        return;
    }
    pthread_mutex_lock(&bell->mutex);
    if (!bell->is_closed) {
        bell->is_closed = true;
        sp_wakeup_clear(&bell->wakeup);
    }
    pthread_mutex_unlock(&bell->mutex);
    while ((exchange = sp_bell_next(bell)) != NULL) {
        sp_exchange_give_back(exchange);
    }
}

#include "engine/news.h"

void
sp_news_add(struct sp_news *news, struct sp_exchange *exchange)
{
    exchange->newly_fresh = true;
    if (!exchange->fresh) {
        exchange->fresh = true;
        exchange->next_fresh = news->first;
        news->first = sp_exchange_take(exchange);
    }
}

static bool
deliver_now(struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    bool now = !exchange->newly_fresh || exchange->state == SP_EXCHANGE_DONE ||
               exchange->response_held ||
               sp_pipe_room(&exchange->response) <= SP_PIPE_CEILING - SP_PIPE_CEILING / 2;
    if (now) {
        sp_exchange_notify(exchange);
    }
    pthread_mutex_unlock(&exchange->mutex);
    exchange->newly_fresh = false;
    return now;
}

/* (9) Callers are told. */
bool
sp_news_deliver(struct sp_news *news)
{
    struct sp_exchange **link = &news->first;

    while (*link != NULL) {
        struct sp_exchange *exchange = *link;
        if (deliver_now(exchange)) {
            *link = exchange->next_fresh;
            exchange->fresh = false;
            sp_exchange_give_back(exchange);
        }
        else {
            link = &exchange->next_fresh;
        }
    }
    return news->first != NULL;
}

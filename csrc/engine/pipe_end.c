#include "engine/pipe_end.h"

#include "engine/loop.h"

static enum sp_error
tell_of_head(struct sp_loop *loop, struct sp_exchange *exchange)
{
    sp_news_add(&loop->news, exchange);
    return SP_OK;
}

static size_t
room_in_pipe(struct sp_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    size_t room = sp_pipe_room(&exchange->response);
    pthread_mutex_unlock(&exchange->mutex);
    return room < SP_RECEIVE_SIZE ? room : SP_RECEIVE_SIZE;
}

/* (8) There was room for all that was read. */
static enum sp_error
fill_pipe(struct sp_loop *loop, struct sp_exchange *exchange, struct sp_span bytes, bool more)
{
    (void)more;
    pthread_mutex_lock(&exchange->mutex);
    bool written = sp_pipe_write(&exchange->response, bytes);
    if (sp_pipe_room(&exchange->response) < SP_RECEIVE_SIZE) {
        exchange->response_held = true;
    }
    pthread_mutex_unlock(&exchange->mutex);
    sp_news_add(&loop->news, exchange);
    return written ? SP_OK : SP_E_NO_MEMORY;
}

/* Of a tunnel whose caller has kept its end. */
static enum sp_error
end_pipe(struct sp_loop *loop, struct sp_exchange *exchange)
{
    (void)loop;
    pthread_mutex_lock(&exchange->mutex);
    exchange->response.ended = true;
    sp_exchange_notify(exchange);
    pthread_mutex_unlock(&exchange->mutex);
    return SP_OK;
}

const struct sp_client_end *
sp_pipe_end(void)
{
    static const struct sp_client_end pipe_end = {
        .answer = tell_of_head,
        .room = room_in_pipe,
        .receive = fill_pipe,
        .end_half = end_pipe,
    };

    return &pipe_end;
}

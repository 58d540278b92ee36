#include "upstream/tls.h"

#include "upstream/handle.h"

#include <stdlib.h>
#include <string.h>

/* What a peer says before it is spoken to is little. */
#define SP_EARLY_MOST 4096

struct sp_tls {
    struct sp_handle *handle; /* owned until it is given back */
    struct sp_queue early;    /* received before it was asked for */
    enum sp_io state;         /* SP_IO_OK, or how it has ended */
};

/* What curl_easy_recv or curl_easy_send has come to. */
static enum sp_io
meaning(CURLcode code, size_t count)
{
    switch (code) {
    case CURLE_OK:
        return count > 0 ? SP_IO_OK : SP_IO_END;
    case CURLE_AGAIN:
        return SP_IO_AGAIN;
    case CURLE_OUT_OF_MEMORY:
        return SP_IO_SHORT;
    default:
        return SP_IO_BROKEN;
    }
}

static enum sp_io
receive(struct sp_tls *tls, char *bytes, size_t size, size_t *got)
{
    CURLcode code = curl_easy_recv(tls->handle->easy, bytes, size, got);
    enum sp_io io = meaning(code, *got);

    if (io != SP_IO_AGAIN) {
        tls->state = io;
    }
    *got = io == SP_IO_OK ? *got : 0;
    return io;
}

/* libcurl binds a connection to its handle when the first byte is asked for, and until then it may
 * throw it away as one that nobody uses. */
static bool
receive_early(struct sp_tls *tls)
{
    char bytes[SP_EARLY_MOST];
    size_t got = 0;

    /* What else it is will be said again. */
    return receive(tls, bytes, sizeof(bytes), &got) != SP_IO_OK ||
           sp_queue_append(&tls->early, (struct sp_span){bytes, got});
}

struct sp_tls *
sp_tls_over(struct sp_handle *handle)
{
    struct sp_tls *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return NULL;
    }
    made->handle = handle;
    made->state = SP_IO_OK;
    sp_queue_init(&made->early, SP_EARLY_MOST);
    sp_handle_read_records(handle);
    if (!receive_early(made)) {
        free(made);
        return NULL;
    }
    return made;
}

void
sp_tls_close(struct sp_tls *tls)
{
    sp_handle_give_back(tls->handle);
    sp_queue_clear(&tls->early);
    free(tls);
}

enum sp_io
sp_tls_send(struct sp_tls *tls, struct sp_span bytes, size_t *taken)
{
    enum sp_io io = SP_IO_OK;

    *taken = 0;
    while (io == SP_IO_OK && *taken < bytes.len) {
        struct sp_span left = sp_span_from(bytes, *taken);
        size_t sent = 0;
        CURLcode code = curl_easy_send(tls->handle->easy, left.data, left.len, &sent);
        io = meaning(code, sent);
        if (io == SP_IO_OK) {
            *taken += sent < left.len ? sent : left.len; /* GnuTLS counts more than it was given */
        }
    }
    return io == SP_IO_END ? SP_IO_AGAIN : io; /* it has taken nothing */
}

enum sp_io
sp_tls_receive(struct sp_tls *tls, char *bytes, size_t size, size_t *got)
{
    struct sp_span early = sp_queue_peek(&tls->early);

    *got = 0;
    if (early.len > 0) {
        *got = size < early.len ? size : early.len;
        memcpy(bytes, early.data, *got);
        sp_queue_drop(&tls->early, *got);
        return SP_IO_OK;
    }
    enum sp_io io = tls->state;
    while (io == SP_IO_OK && *got < size) {
        size_t more = 0;
        io = receive(tls, bytes + *got, size - *got, &more);
        *got += more;
    }
    return *got > 0 ? SP_IO_OK : io; /* how it has ended is said the next time */
}

bool
sp_tls_said_goodbye(const struct sp_tls *tls)
{
    return tls->handle->goodbye || (!tls->handle->traced && tls->state == SP_IO_END);
}

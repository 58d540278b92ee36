#include "upstream/tls.h"

#include "upstream/handle.h"

#include <stdlib.h>
#include <string.h>

/* What is sent at once: a record of TLS. */
#define SP_BLOCK_MOST ((size_t)16384)

/* What a peer says before it is spoken to is little. */
#define SP_EARLY_MOST 4096

struct sp_tls {
    struct sp_handle *handle; /* owned until it is given back */
    char *block;              /* owned; what libcurl has been offered, NULL when that is all sent */
    size_t block_size;
    size_t sent; /* of it */
    char *early; /* owned; received before it was asked for, NULL when that is all taken */
    size_t early_size;
    size_t taken;     /* of it */
    enum sp_io state; /* SP_IO_OK, or how it has ended */
};

/* What curl_easy_recv has come to. */
static enum sp_io
meaning(CURLcode code, size_t got)
{
    switch (code) {
    case CURLE_OK:
        return got > 0 ? SP_IO_OK : SP_IO_END;
    case CURLE_AGAIN:
        return SP_IO_AGAIN;
    default:
        return SP_IO_BROKEN;
    }
}

static enum sp_io
receive(struct sp_tls *tls, char *bytes, size_t size, size_t *got)
{
    CURLcode code = curl_easy_recv(tls->handle->easy, bytes, size, got);
    enum sp_io io = meaning(code, *got);

    if (io == SP_IO_END || io == SP_IO_BROKEN) {
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

    if (receive(tls, bytes, sizeof(bytes), &tls->early_size) != SP_IO_OK) {
        return true; /* what else it is will be said again */
    }
    tls->early = malloc(tls->early_size);
    if (tls->early != NULL) {
        memcpy(tls->early, bytes, tls->early_size);
    }
    return tls->early != NULL;
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
    free(tls->block);
    free(tls->early);
    free(tls);
}

static bool
fill_block(struct sp_tls *tls, struct sp_span bytes, size_t *taken)
{
    size_t size = bytes.len < SP_BLOCK_MOST ? bytes.len : SP_BLOCK_MOST;

    tls->block = malloc(size);
    if (tls->block == NULL) {
        return false;
    }
    memcpy(tls->block, bytes.data, size);
    tls->block_size = size;
    tls->sent = 0;
    *taken += size;
    return true;
}

/* What was answered with "again" is offered again, the same bytes at the same address: TLS may have
 * made a record of them already. */
static enum sp_io
push_block(struct sp_tls *tls)
{
    while (tls->sent < tls->block_size) {
        size_t left = tls->block_size - tls->sent;
        size_t sent = 0;
        CURLcode code = curl_easy_send(tls->handle->easy, tls->block + tls->sent, left, &sent);
        if (code == CURLE_AGAIN || (code == CURLE_OK && sent == 0)) {
            return SP_IO_AGAIN;
        }
        if (code != CURLE_OK) {
            return SP_IO_BROKEN;
        }
        tls->sent += sent < left ? sent : left; /* GnuTLS counts more than it was given */
    }
    free(tls->block);
    tls->block = NULL;
    return SP_IO_OK;
}

enum sp_io
sp_tls_send(struct sp_tls *tls, struct sp_span bytes, size_t *taken)
{
    enum sp_io io = tls->block != NULL ? push_block(tls) : SP_IO_OK;

    *taken = 0;
    while (io == SP_IO_OK && *taken < bytes.len) {
        io = fill_block(tls, sp_span_from(bytes, *taken), taken) ? push_block(tls) : SP_IO_BROKEN;
    }
    return io == SP_IO_AGAIN && *taken > 0 ? SP_IO_OK : io;
}

bool
sp_tls_is_behind(const struct sp_tls *tls)
{
    return tls->block != NULL;
}

static size_t
take_early(struct sp_tls *tls, char *bytes, size_t size)
{
    size_t left = tls->early_size - tls->taken;
    size_t count = size < left ? size : left;

    memcpy(bytes, tls->early + tls->taken, count);
    tls->taken += count;
    if (tls->taken == tls->early_size) {
        free(tls->early);
        tls->early = NULL;
    }
    return count;
}

enum sp_io
sp_tls_receive(struct sp_tls *tls, char *bytes, size_t size, size_t *got)
{
    *got = 0;
    if (tls->early != NULL) {
        *got = take_early(tls, bytes, size);
        return SP_IO_OK;
    }
    return tls->state == SP_IO_OK ? receive(tls, bytes, size, got) : tls->state;
}

bool
sp_tls_said_goodbye(const struct sp_tls *tls)
{
    return tls->handle->goodbye || (!tls->handle->traced && tls->state == SP_IO_END);
}

/* Shelves: multi handles of libcurl's with a few easy handles each. It looks up a connection by
 * walking all that its multi handle has, at each byte that TLS sends or receives. The engine
 * thread's alone. */
#ifndef SP_UPSTREAM_SHELF_H
#define SP_UPSTREAM_SHELF_H

#include "core/error.h"
#include "core/sockets.h"

#include <curl/curl.h>

#define SP_SHELF_SIZE 32

struct sp_shelf;

/* Told after each call of libcurl that may have ended a transfer, and outside of it. */
typedef void sp_shelf_fn(struct sp_shelf *shelf, void *context);

struct sp_shelves {
    struct sp_shelf *first;     /* owned */
    struct sp_sockets *sockets; /* borrowed: lives as long */
    sp_shelf_fn *acted;
    void *context; /* borrowed: what `acted` is given */
};

/* Makes the first one. */
enum sp_error sp_shelves_init(struct sp_shelves *shelves, struct sp_sockets *sockets,
                              sp_shelf_fn *acted, void *context);

/* All handles have been taken off. */
void sp_shelves_clear(struct sp_shelves *shelves);

/* Lets libcurl work on `easy`, which bears a CURLINFO_PRIVATE. SP_E_NO_MEMORY, or SP_E_SYSTEM when
 * libcurl has no descriptors for another multi handle. */
enum sp_error sp_shelf_put(struct sp_shelves *shelves, CURL *easy, struct sp_shelf **shelf);
void sp_shelf_take_off(struct sp_shelf *shelf, CURL *easy);

/* A transfer that is through, until NULL. It stays until it is taken off. */
CURL *sp_shelf_next_through(struct sp_shelf *shelf, CURLcode *result);

/* A number that libcurl may have had, and closed without a word, is that of a new socket. */
void sp_shelf_renew(struct sp_shelf *shelf, curl_socket_t fd);

/* ms; when the first of them wants to be run, or SP_NEVER. */
long long sp_shelves_due(const struct sp_shelves *shelves);

/* Runs those that are due, and frees empty ones but one. Not from within `acted`. */
void sp_shelves_run(struct sp_shelves *shelves, long long now);

#endif

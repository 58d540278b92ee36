/* What the preloaded files of calls.py share: the page, whose a call is, and what becomes of it. */
#ifndef CALLS_H
#define CALLS_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same as in calls.py. */
enum kind {
    RECV,
    SEND,
    READ,
    SPLICE,
    ACCEPT,
    CONNECT,
    DESCRIPTOR,
    EPOLL_CTL,
    EPOLL_WAIT,
    POLL,
    MEMORY,
    LIBCURLS_MEMORY,
    KINDS
};

/* By chance; or the nth of a kind alone; or all from the nth on. */
enum { NOTHING, COUNTING, FAILING, FAILING_ONCE, FAILING_FROM };

struct counter {
    _Atomic uint64_t every; /* one of so many fails, or the nth does; 0: none */
    _Atomic uint64_t called;
    _Atomic uint64_t failed;
};

struct page {
    _Atomic uint64_t doing;
    _Atomic uint64_t seed;
    _Atomic int64_t blocks;
    struct counter kinds[KINDS];
};

#define CALLER     __builtin_return_address(0)
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#pragma GCC visibility push(hidden)
extern struct page *page; /* NULL: nothing fails, and nothing is counted */

/* Whether the code at this address is the engine's, or libcurl's, and anything is done at all. */
bool is_ours(const void *caller);
bool is_libcurls(const void *caller);

/* Whether a call fails, with errno set; one that only does a part says how much of it. */
bool fails(enum kind kind, int fd, size_t *length);
#pragma GCC visibility pop

#endif

/* Preloaded: calls of the engine's code, and of libcurl in its thread, fail as they may on a system
 * that is short of something, by a schedule in a file that CALLS_PAGE names and that all processes
 * of a server share. It begins with what is done (nothing, counting, failing), a seed, and how many
 * blocks of memory are in use; then come, for each kind of call, which ones fail, how many there
 * were, and how many failed. What Python calls is its own. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHORT (-1) /* not an error: a part is done */

static const int failures[KINDS][5] = {
    [RECV] = {SHORT, SHORT, EINTR, EAGAIN, ECONNRESET},
    [SEND] = {SHORT, SHORT, EINTR, EAGAIN, ECONNRESET},
    [READ] = {EINTR, EAGAIN},
    [SPLICE] = {SHORT, SHORT, EINTR, EAGAIN, ECONNRESET},
    [ACCEPT] = {EMFILE, ENFILE, ECONNABORTED, EAGAIN, EINTR},
    [CONNECT] = {ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH, ENOMEM},
    [DESCRIPTOR] = {EMFILE, ENFILE, ENOMEM},
    [EPOLL_CTL] = {ENOMEM, ENOSPC},
    [EPOLL_WAIT] = {EINTR},
    [POLL] = {EINTR, ENOMEM},
    [MEMORY] = {ENOMEM},
    [LIBCURLS_MEMORY] = {ENOMEM},
};

struct page *page;

struct code {
    const char *library;
    _Atomic uintptr_t first, last; /* where it lies; 0: it is not there yet */
};

static struct code engine = {.library = "_engine"}, libcurl = {.library = "libcurl"};

__attribute__((constructor)) static void
open_page(void)
{
    const char *path = getenv("CALLS_PAGE");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd >= 0) {
        void *mapped = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        page = mapped != MAP_FAILED ? mapped : NULL;
        (void)close(fd);
    }
}

static int
find_code(struct dl_phdr_info *library, size_t size, void *context)
{
    struct code *code = context;

    (void)size;
    for (int i = 0; strstr(library->dlpi_name, code->library) != NULL && i < library->dlpi_phnum;
         i++) {
        if (library->dlpi_phdr[i].p_type == PT_LOAD &&
            (library->dlpi_phdr[i].p_flags & PF_X) != 0) {
            uintptr_t first = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr;
            atomic_store(&code->last, first + library->dlpi_phdr[i].p_memsz);
            atomic_store(&code->first, first);
        }
    }
    return 0;
}

static bool
is_in(struct code *code, const void *caller)
{
    uintptr_t address = (uintptr_t)caller;

    if (page == NULL || atomic_load(&page->doing) == NOTHING) {
        return false;
    }
    if (atomic_load(&code->first) == 0) {
        (void)dl_iterate_phdr(find_code, code);
    }
    return address >= atomic_load(&code->first) && address < atomic_load(&code->last);
}

bool
is_ours(const void *caller)
{
    return is_in(&engine, caller);
}

/* It is there as soon as the engine is. */
bool
is_libcurls(const void *caller)
{
    return atomic_load(&engine.first) != 0 && is_in(&libcurl, caller);
}

/* It, and what libcurl starts in it, alone block every signal. */
static bool
is_engines(const void *caller)
{
    sigset_t blocked;

    return is_ours(caller) ||
           (page != NULL && atomic_load(&page->doing) != NOTHING &&
            pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
            sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGUSR2) == 1);
}

/* As random as can be, and always the same for the same number. */
static uint64_t
scatter(uint64_t number)
{
    number += 0x9e3779b97f4a7c15U;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
    return number ^ (number >> 31);
}

/* Whether the call of this number, from 0, is one of those that fail. */
static bool
is_due(uint64_t every, uint64_t number, uint64_t dice)
{
    switch (every > 0 ? atomic_load(&page->doing) : NOTHING) {
    case FAILING:
        return dice % every == 0;
    case FAILING_ONCE:
        return number + 1 == every;
    case FAILING_FROM:
        return number + 1 >= every;
    default:
        return false;
    }
}

/* What becomes of the next call of this kind: 0, SHORT or an error. */
static int
fate(enum kind kind)
{
    struct counter *counter = &page->kinds[kind];
    uint64_t every = atomic_load(&counter->every);
    uint64_t number = atomic_fetch_add(&counter->called, 1);
    uint64_t dice = scatter(scatter(atomic_load(&page->seed) + kind) + number);
    int known = 0;

    if (!is_due(every, number, dice)) {
        return 0;
    }
    while (known < 5 && failures[kind][known] != 0) {
        known++;
    }
    atomic_fetch_add(&counter->failed, 1);
    return failures[kind][(dice / every) % (uint64_t)known];
}

/* A connection that has been reset stays so, at both ends. */
static void
sever(int fd)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    (void)REAL(connect)(fd, &nobody, sizeof(nobody)); /* what is no connection has not been one */
}

bool
fails(enum kind kind, int fd, size_t *length)
{
    int what = fate(kind);

    if (what == ECONNRESET) {
        sever(fd);
    }
    if (what == SHORT && length != NULL && *length > 1) {
        *length = 1 + (size_t)(scatter(*length) % (*length < 100 ? *length : 100));
    }
    if (what > 0) {
        errno = what;
    }
    return what > 0;
}

static bool
is_connection(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    int before = errno;
    bool is_stream = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
    struct sockaddr address = {0};

    size = sizeof(address);
    is_stream = is_stream && getsockname(fd, &address, &size) == 0 && address.sa_family != AF_UNIX;
    errno = before;
    return is_stream;
}

ssize_t
recv(int fd, void *bytes, size_t length, int flags)
{
    if (is_engines(CALLER) && is_connection(fd) && fails(RECV, fd, &length)) {
        return -1;
    }
    return REAL(recv)(fd, bytes, length, flags);
}

ssize_t
read(int fd, void *bytes, size_t length)
{
    if (is_ours(CALLER) && fails(READ, -1, NULL)) {
        return -1;
    }
    return REAL(read)(fd, bytes, length);
}

ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
    if (is_engines(CALLER) && is_connection(fd) && fails(SEND, fd, &length)) {
        return -1;
    }
    return REAL(send)(fd, bytes, length, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec shorter[16];
    struct msghdr cut = *message;
    size_t length = 0;
    size_t kept = 0;

    if (!is_engines(CALLER) || message->msg_iovlen > 16 || !is_connection(fd)) {
        return REAL(sendmsg)(fd, message, flags);
    }
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        length += message->msg_iov[i].iov_len;
    }
    if (fails(SEND, fd, &length)) {
        return -1;
    }
    for (; kept < message->msg_iovlen && length > 0; kept++) {
        shorter[kept] = message->msg_iov[kept];
        shorter[kept].iov_len = shorter[kept].iov_len < length ? shorter[kept].iov_len : length;
        length -= shorter[kept].iov_len;
    }
    cut.msg_iov = shorter;
    cut.msg_iovlen = kept;
    return REAL(sendmsg)(fd, &cut, flags);
}

ssize_t
splice(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags)
{
    if (is_ours(CALLER) && fails(SPLICE, is_connection(in) ? in : out, &length)) {
        return -1;
    }
    return REAL(splice)(in, in_at, out, out_at, length, flags);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    if (is_ours(CALLER) && fails(ACCEPT, -1, NULL)) {
        return -1;
    }
    return REAL(accept4)(fd, address, size, flags);
}

/* To nobody means that a connection ends at once, which no shortage refuses. */
int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
    if (address->sa_family != AF_UNSPEC && is_engines(CALLER) && is_connection(fd) &&
        fails(CONNECT, -1, NULL)) {
        return -1;
    }
    return REAL(connect)(fd, address, size);
}

int
socket(int family, int type, int protocol)
{
    if (is_engines(CALLER) && fails(DESCRIPTOR, -1, NULL)) {
        return -1;
    }
    return REAL(socket)(family, type, protocol);
}

int
socketpair(int family, int type, int protocol, int ends[2])
{
    if (is_engines(CALLER) && fails(DESCRIPTOR, -1, NULL)) {
        return -1;
    }
    return REAL(socketpair)(family, type, protocol, ends);
}

int
pipe2(int ends[2], int flags)
{
    if (is_engines(CALLER) && fails(DESCRIPTOR, -1, NULL)) {
        return -1;
    }
    return REAL(pipe2)(ends, flags);
}

int eventfd(unsigned count, int flags);

int
eventfd(unsigned count, int flags)
{
    if (is_engines(CALLER) && fails(DESCRIPTOR, -1, NULL)) {
        return -1;
    }
    return REAL(eventfd)(count, flags);
}

/* Whatever it is asked, its argument is an integer or a pointer. */
int
fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (command == F_DUPFD_CLOEXEC && is_ours(CALLER) && fails(DESCRIPTOR, -1, NULL)) {
        return -1;
    }
    return REAL(fcntl)(fd, command, argument);
}

/* The kernel wants memory for one that it does not know yet. */
int
epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    if (what == EPOLL_CTL_ADD && is_ours(CALLER) && fails(EPOLL_CTL, -1, NULL)) {
        return -1;
    }
    return REAL(epoll_ctl)(epoll, what, fd, event);
}

int
epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout)
{
    if (is_ours(CALLER) && fails(EPOLL_WAIT, -1, NULL)) {
        return -1;
    }
    return REAL(epoll_wait)(epoll, events, capacity, timeout);
}

int
poll(struct pollfd *watched, nfds_t count, int timeout)
{
    if (is_ours(CALLER) && fails(POLL, -1, NULL)) {
        return -1;
    }
    return REAL(poll)(watched, count, timeout);
}

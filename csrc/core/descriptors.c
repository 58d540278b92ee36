#include "core/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SP_BITS  64U
#define SP_WORDS (SP_DESCRIPTORS_MAX / SP_BITS)

/* Where it exists, no program that is started meanwhile gets the socket either. */
#ifdef SOCK_CLOEXEC
#define SP_CLOEXEC SOCK_CLOEXEC
#else
#define SP_CLOEXEC 0
#endif

/* The one record of a process; a forked child reads its copy of it. */
static _Atomic unsigned long long kept[SP_WORDS];

/* The file that each of them was: libcurl 7.88.0 to 8.4.0 closes a socket that never connected
 * without telling us, and the number may be anyone's then. */
static struct file {
    dev_t device;
    ino_t inode;
} files[SP_WORDS][SP_BITS];

/* Held while a descriptor exists that is not recorded, and by whoever forks: no child gets
 * such a one. */
static pthread_mutex_t unrecorded = PTHREAD_MUTEX_INITIALIZER;

static void
lock(void)
{
    pthread_mutex_lock(&unrecorded);
}

static void
unlock(void)
{
    pthread_mutex_unlock(&unrecorded);
}

static unsigned long long
bit_of(int fd)
{
    return 1ULL << ((unsigned)fd % SP_BITS);
}

static bool
is_file(int fd, const struct file *file)
{
    struct stat now;

    return fstat(fd, &now) == 0 && now.st_dev == file->device && now.st_ino == file->inode;
}

bool
sp_descriptor_is_kept(int fd)
{
    size_t word = (size_t)fd / SP_BITS;

    return word < SP_WORDS && (atomic_load(&kept[word]) & bit_of(fd)) != 0 &&
           is_file(fd, &files[word][(unsigned)fd % SP_BITS]);
}

/* Whole for a child that is forked meanwhile: without the bit the file means nothing. */
static bool
record(int fd, size_t word)
{
    struct stat now;

    if (fstat(fd, &now) < 0) {
        return false;
    }
    atomic_fetch_and(&kept[word], ~bit_of(fd));
    files[word][(unsigned)fd % SP_BITS] = (struct file){now.st_dev, now.st_ino};
    atomic_fetch_or(&kept[word], bit_of(fd));
    return true;
}

static bool
set_cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    return flags >= 0 && ((flags & FD_CLOEXEC) != 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0);
}

bool
sp_descriptor_keep(int fd)
{
    size_t word = (size_t)fd / SP_BITS;

    if (word >= SP_WORDS) {
        errno = fd < 0 ? EBADF : EMFILE;
        return false;
    }
    return set_cloexec(fd) && (sp_descriptor_is_kept(fd) || record(fd, word));
}

static void
forget(int fd)
{
    if (fd >= 0 && fd < SP_DESCRIPTORS_MAX) {
        atomic_fetch_and(&kept[(unsigned)fd / SP_BITS], ~bit_of(fd));
    }
}

void
sp_descriptor_close(int fd)
{
    lock();
    forget(fd);
    (void)close(fd); /* nothing can be done about a failing close */
    unlock();
}

void
sp_descriptor_forget(int fd)
{
    lock();
    if (!sp_descriptor_is_kept(fd)) {
        forget(fd);
    }
    unlock();
}

/* -1, and errno still says why. */
static int
close_quietly(int fd)
{
    int why = errno;

    (void)close(fd); /* nothing was done with it */
    errno = why;
    return -1;
}

/* The one given, or -1 with errno set. */
static int
closed_on_exec(int fd)
{
    return fd < 0 || set_cloexec(fd) ? fd : close_quietly(fd);
}

bool
sp_descriptor_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Under the lock: one that has just been made, closed on exec, or -1 with errno set. */
static int
record_new(int fd)
{
    size_t word = (size_t)fd / SP_BITS;

    if (fd >= 0 && word >= SP_WORDS) {
        errno = EMFILE;
    }
    return fd < 0 || (word < SP_WORDS && record(fd, word)) ? fd : close_quietly(fd);
}

static void
unlock_quietly(void)
{
    int why = errno;

    unlock();
    errno = why;
}

/* Ends the lock; as record_new(). */
static int
keep_new(int fd)
{
    int kept_one = record_new(fd);

    unlock_quietly();
    return kept_one;
}

int
sp_descriptor_socket(int family, int type, int protocol)
{
    lock();
    return keep_new(closed_on_exec(socket(family, type | SP_CLOEXEC, protocol)));
}

#ifdef _GNU_SOURCE
static int
accept_connection(int listener, struct sockaddr *address, socklen_t *size)
{
    return accept4(listener, address, size, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static bool
make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}
#else
static int
accept_connection(int listener, struct sockaddr *address, socklen_t *size)
{
    int fd = closed_on_exec(accept(listener, address, size));

    if (fd >= 0 && !sp_descriptor_set_nonblocking(fd)) {
        return close_quietly(fd);
    }
    return fd;
}

static bool
make_pipe(int ends[2])
{
    if (pipe(ends) < 0) {
        return false;
    }
    if (set_cloexec(ends[0]) && set_cloexec(ends[1]) && sp_descriptor_set_nonblocking(ends[0]) &&
        sp_descriptor_set_nonblocking(ends[1])) {
        return true;
    }
    (void)close_quietly(ends[0]);
    (void)close_quietly(ends[1]);
    return false;
}
#endif

int
sp_descriptor_accept(int listener, struct sockaddr *address, socklen_t *size)
{
    lock();
    return keep_new(accept_connection(listener, address, size));
}

int
sp_descriptor_copy(int fd)
{
    lock();
    return keep_new(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/* Under the lock. Forgets, too, the one that could be recorded. */
static bool
record_pipe(int ends[2])
{
    int out = record_new(ends[0]);
    int in = record_new(ends[1]);
    int alone = out < 0 ? in : out;

    if (out >= 0 && in >= 0) {
        return true;
    }
    if (alone >= 0) {
        forget(alone);
        (void)close_quietly(alone);
    }
    return false;
}

bool
sp_descriptor_pipe(int ends[2])
{
    lock();
    bool is_made = make_pipe(ends) && record_pipe(ends);
    unlock_quietly();
    return is_made;
}

void
sp_descriptors_close_all(void)
{
    for (size_t word = 0; word < SP_DESCRIPTORS_MAX / SP_BITS; word++) {
        unsigned long long bits = atomic_exchange(&kept[word], 0);
        for (unsigned bit = 0; bits != 0; bit++, bits >>= 1) {
            int fd = (int)(word * SP_BITS + bit);
            if ((bits & 1) != 0 && is_file(fd, &files[word][bit])) {
                (void)close(fd);
            }
        }
    }
}

bool
sp_descriptor_would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void
close_copies(void)
{
    sp_descriptors_close_all();
    unlock();
}

bool
sp_descriptors_follow_forks(void)
{
    return pthread_atfork(lock, unlock, close_copies) == 0;
}

/* Preloaded: what the engine's thread sends on stream sockets is shortened, refused or interrupted
 * by a schedule, which a program is born with (SENDS) or says later (sends_follow). Its words, one
 * a call and over again: a number, bytes that are taken at most; "a", EAGAIN; "i", EINTR; ".", all.
 * With SENDS_BUFFER the buffers of its sockets are as small as that. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ALL = -1, REFUSED = -2, INTERRUPTED = -3 };

#define WORDS_MAX 1024

static int words[WORDS_MAX];
static atomic_uint count;
static atomic_uint next;

void sends_follow(const char *schedule);

void
sends_follow(const char *schedule)
{
    unsigned found = 0;

    atomic_store(&count, 0);
    while (*schedule != '\0' && found < WORDS_MAX) {
        char *end = NULL;
        long bytes = strtol(schedule, &end, 10);
        words[found++] = end != schedule    ? (int)bytes
                         : *schedule == 'a' ? REFUSED
                         : *schedule == 'i' ? INTERRUPTED
                                            : ALL;
        schedule = end != schedule ? end : schedule + 1;
        schedule += strspn(schedule, " ");
    }
    atomic_store(&next, 0);
    atomic_store(&count, found);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *schedule = getenv("SENDS");

    if (schedule != NULL) {
        sends_follow(schedule);
    }
}

/* It alone blocks every signal. */
static bool
is_engine(void)
{
    sigset_t blocked;

    return pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
           sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGUSR2) == 1;
}

static int
word_for(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    unsigned length = atomic_load(&count);
    int before = errno;
    bool is_ours = length > 0 && is_engine() &&
                   getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;

    errno = before;
    return is_ours ? words[atomic_fetch_add(&next, 1) % length] : ALL;
}

/* How many of `length` bytes are taken, or what errno is then. */
static ssize_t
limit(int fd, size_t length)
{
    int word = word_for(fd);

    if (word == REFUSED || word == INTERRUPTED) {
        errno = word == REFUSED ? EAGAIN : EINTR;
        return -1;
    }
    return word == ALL || (size_t)word > length ? (ssize_t)length : (ssize_t)word;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
    ssize_t taken = limit(fd, length);

    return taken < 0 ? taken : REAL(send)(fd, bytes, (size_t)taken, flags);
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
    ssize_t taken = limit(fd, length);

    return taken < 0 ? taken : REAL(write)(fd, bytes, (size_t)taken);
}

/* `vector` up to so many bytes; how many of its places that takes. */
static int
shorten(const struct iovec *vector, int places, size_t taken, struct iovec *shorter)
{
    int kept = 0;

    for (; kept < places && taken > 0; kept++) {
        shorter[kept] = vector[kept];
        if (shorter[kept].iov_len > taken) {
            shorter[kept].iov_len = taken;
        }
        taken -= shorter[kept].iov_len;
    }
    return kept;
}

static size_t
length_of(const struct iovec *vector, int places)
{
    size_t length = 0;

    for (int i = 0; i < places; i++) {
        length += vector[i].iov_len;
    }
    return length;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec shorter[16];
    struct msghdr cut = *message;
    ssize_t taken = limit(fd, length_of(message->msg_iov, (int)message->msg_iovlen));

    if (taken < 0 || message->msg_iovlen > 16) {
        return taken < 0 ? taken : REAL(sendmsg)(fd, message, flags);
    }
    cut.msg_iov = shorter;
    cut.msg_iovlen =
        (size_t)shorten(message->msg_iov, (int)message->msg_iovlen, (size_t)taken, shorter);
    return REAL(sendmsg)(fd, &cut, flags);
}

ssize_t
writev(int fd, const struct iovec *vector, int places)
{
    struct iovec shorter[16];
    ssize_t taken = limit(fd, length_of(vector, places));

    if (taken < 0 || places > 16) {
        return taken < 0 ? taken : REAL(writev)(fd, vector, places);
    }
    return REAL(writev)(fd, shorter, shorten(vector, places, (size_t)taken, shorter));
}

/* Also what it receives into a pipe. */
ssize_t
splice(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags)
{
    struct stat pipe;
    bool is_sent = fstat(out, &pipe) == 0 && !S_ISFIFO(pipe.st_mode);
    ssize_t taken = limit(is_sent ? out : in, length);

    return taken < 0 ? taken : REAL(splice)(in, in_at, out, out_at, (size_t)taken, flags);
}

int
socket(int family, int type, int protocol)
{
    const char *size = getenv("SENDS_BUFFER");
    int fd = REAL(socket)(family, type, protocol);

    if (fd >= 0 && size != NULL && is_engine()) {
        int bytes = atoi(size);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    return fd;
}

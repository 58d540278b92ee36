/* The record of descriptors, and what a forked child closes by it. */
#undef NDEBUG
#include "core/descriptors.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
open_one(void)
{
    int fd = open("/dev/null", O_RDONLY);

    assert(fd >= 0);
    return fd;
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
test_kept_descriptor_is_close_on_exec(void)
{
    int fd = open_one();

    assert((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
    assert(sp_descriptor_keep(fd));
    assert((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert(sp_descriptor_keep(fd));
    sp_descriptor_close(fd);
    assert(!is_open(fd));
}

static void
test_what_cannot_be_kept_is_refused(void)
{
    int fd = open_one();

    (void)close(fd);
    assert(!sp_descriptor_keep(fd) && errno == EBADF);
    assert(!sp_descriptor_keep(-1) && errno == EBADF);
    assert(!sp_descriptor_keep(SP_DESCRIPTORS_MAX) && errno == EMFILE);
}

static void
test_what_is_no_descriptor_is_closed_in_peace(void)
{
    sp_descriptor_close(-1);
    sp_descriptor_close(SP_DESCRIPTORS_MAX);
}

static void
test_accepted_connection_is_ours_from_the_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = sp_descriptor_socket(AF_INET, SOCK_STREAM, 0);
    int client = sp_descriptor_socket(AF_INET, SOCK_STREAM, 0);

    assert(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    assert(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    assert(connect(client, (struct sockaddr *)&address, size) == 0);
    int accepted = sp_descriptor_accept(listener, (struct sockaddr *)&address, &size);
    assert(accepted >= 0 && sp_descriptor_is_kept(accepted));
    assert((fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
    assert((fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
    assert(sp_descriptor_set_nonblocking(listener));
    assert(sp_descriptor_accept(listener, (struct sockaddr *)&address, &size) == -1);
    assert(sp_descriptor_would_block());
    sp_descriptor_close(accepted);
    sp_descriptor_close(client);
    sp_descriptor_close(listener);
    assert(!sp_descriptor_is_kept(accepted));
}

static void
test_nonblocking_mode_is_set(void)
{
    int ends[2];

    assert(pipe(ends) == 0);
    assert(sp_descriptor_set_nonblocking(ends[0]));
    assert((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert(!sp_descriptor_set_nonblocking(ends[0]));
}

/* In the child: those that are remembered, and only those. */
static int
close_in_child(int kept, int forgotten, int unknown)
{
    sp_descriptors_close_all();
    if (is_open(kept) || is_open(forgotten) || !is_open(unknown)) {
        return 1;
    }
    int reused = open_one();
    sp_descriptors_close_all();
    return is_open(reused) ? 0 : 2;
}

static void
test_forked_child_closes_its_copies_alone(void)
{
    int kept = open_one();
    int forgotten = open_one();
    int unknown = open_one();
    int status = -1;

    assert(sp_descriptor_keep(kept) && sp_descriptor_keep(forgotten));
    sp_descriptor_close(forgotten);
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        _exit(close_in_child(kept, forgotten, unknown));
    }
    assert(waitpid(child, &status, 0) == child && status == 0);
    assert(is_open(kept) && is_open(unknown));
    sp_descriptor_close(kept);
    (void)close(unknown);
}

/* As libcurl closes one behind our back, and the number goes to someone else. */
static void
test_forked_child_keeps_a_strangers_file(void)
{
    int fd = sp_descriptor_socket(AF_UNIX, SOCK_STREAM, 0);
    int status = -1;

    assert(sp_descriptor_is_kept(fd));
    (void)close(fd);
    assert(!sp_descriptor_is_kept(fd));
    assert(socket(AF_UNIX, SOCK_STREAM, 0) == fd && !sp_descriptor_is_kept(fd));
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        _exit(is_open(fd) ? 0 : 1);
    }
    assert(waitpid(child, &status, 0) == child && status == 0);
    assert(sp_descriptor_keep(fd) && sp_descriptor_is_kept(fd));
    sp_descriptor_close(fd);
    assert(!sp_descriptor_is_kept(fd) && !sp_descriptor_is_kept(-1));
}

static void *
open_and_close(void *context)
{
    atomic_bool *enough = context;

    while (!atomic_load(enough)) {
        int fd = sp_descriptor_socket(AF_UNIX, SOCK_STREAM, 0);
        assert(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        sp_descriptor_close(fd);
    }
    return NULL;
}

static int
count_sockets(void)
{
    int count = 0;

    for (int fd = 3; fd < 64; fd++) {
        struct stat about;
        count += fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode) ? 1 : 0;
    }
    return count;
}

/* Whatever another thread is in the middle of. */
static void
test_forked_children_get_no_socket(void)
{
    atomic_bool enough = false;
    int before = count_sockets();
    pthread_t thread;

    assert(pthread_create(&thread, NULL, open_and_close, &enough) == 0);
    for (int i = 0; i < 50; i++) {
        int status = -1;
        pid_t child = fork();
        assert(child >= 0);
        if (child == 0) {
            _exit(count_sockets() - before);
        }
        assert(waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&enough, true);
    assert(pthread_join(thread, NULL) == 0);
}

int
main(void)
{
    assert(sp_descriptors_follow_forks());
    test_kept_descriptor_is_close_on_exec();
    test_what_cannot_be_kept_is_refused();
    test_what_is_no_descriptor_is_closed_in_peace();
    test_accepted_connection_is_ours_from_the_start();
    test_nonblocking_mode_is_set();
    test_forked_child_closes_its_copies_alone();
    test_forked_child_keeps_a_strangers_file();
    test_forked_children_get_no_socket();
    (void)puts("descriptors: ok");
    return 0;
}

/* The client's socket on a real TCP connection: gone, waited for, broken. */
#undef NDEBUG
#include "engine/client_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int server;
    int client;
};

static struct connection
connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    struct connection made = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert(listener >= 0 && made.client >= 0);
    assert(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    assert(listen(listener, 1) == 0);
    assert(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    assert(connect(made.client, (struct sockaddr *)&address, sizeof(address)) == 0);
    made.server = accept(listener, NULL, NULL);
    assert(made.server >= 0);
    (void)close(listener);
    return made;
}

static void
disconnect(struct connection connection)
{
    (void)close(connection.server);
    (void)close(connection.client);
}

static void
await_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    assert(poll(&watched, 1, 10000) == 1);
}

static void
test_silent_client_is_not_gone(void)
{
    struct connection tcp = connect_tcp();
    char byte;

    assert(!sp_client_is_gone(tcp.server));
    assert(write(tcp.client, "x", 1) == 1);
    await_readable(tcp.server);
    assert(!sp_client_is_gone(tcp.server));
    assert(read(tcp.server, &byte, 1) == 1 && byte == 'x'); /* it was only looked at */
    disconnect(tcp);
}

static void
test_client_that_left_is_gone(void)
{
    struct connection tcp = connect_tcp();

    (void)close(tcp.client);
    await_readable(tcp.server);
    assert(sp_client_is_gone(tcp.server));
    (void)close(tcp.server);
}

/* Also behind bytes that nobody has read. */
static void
test_client_that_reset_is_gone(bool has_sent)
{
    struct connection tcp = connect_tcp();
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (has_sent) {
        assert(write(tcp.client, "x", 1) == 1);
        await_readable(tcp.server);
    }
    assert(setsockopt(tcp.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    (void)close(tcp.client);
    for (int i = 0; i < 1000 && !sp_client_is_gone(tcp.server); i++) {
        (void)poll(NULL, 0, 10); /* only a pause */
    }
    assert(sp_client_is_gone(tcp.server));
    (void)close(tcp.server);
}

/* Bytes that nobody has read yet hide the end. */
static void
test_unread_bytes_hide_the_end(void)
{
    struct connection tcp = connect_tcp();

    assert(write(tcp.client, "x", 1) == 1);
    (void)close(tcp.client);
    await_readable(tcp.server);
    assert(!sp_client_is_gone(tcp.server));
    (void)close(tcp.server);
}

static void
test_await_counts_what_is_there(void)
{
    struct connection tcp = connect_tcp();
    size_t count = 77;

    assert(sp_client_await(tcp.server, 0, &count) == SP_E_AGAIN);
    assert(write(tcp.client, "hello", 5) == 5);
    assert(sp_client_await(tcp.server, 10000, &count) == SP_OK && count == 5);
    (void)close(tcp.client);
    char bytes[5];
    assert(read(tcp.server, bytes, sizeof(bytes)) == 5);
    assert(sp_client_await(tcp.server, 10000, &count) == SP_OK && count == 0);
    (void)close(tcp.server);
}

static void
test_broken_client_sees_a_reset(void)
{
    struct connection tcp = connect_tcp();
    char byte;

    assert(write(tcp.server, "half", 4) == 4);
    assert(sp_client_break(tcp.server) == SP_OK);
    await_readable(tcp.client);
    ssize_t got = 1;
    while (got > 0) {
        got = read(tcp.client, &byte, 1);
    }
    assert(got < 0 && errno == ECONNRESET);
    disconnect(tcp);
}

/* Its owner goes on as with a client that is gone, and closes it as usual. */
static void
test_dead_end_takes_the_descriptors_place(void)
{
    struct connection tcp = connect_tcp();

    assert(fcntl(tcp.server, F_SETFD, FD_CLOEXEC) == 0);
    assert(fcntl(tcp.server, F_SETFL, fcntl(tcp.server, F_GETFL) | O_NONBLOCK) == 0);
    assert(sp_client_break(tcp.server) == SP_OK);
    assert((fcntl(tcp.server, F_GETFD) & FD_CLOEXEC) != 0);
    assert((fcntl(tcp.server, F_GETFL) & O_NONBLOCK) != 0);
    assert(sp_client_is_gone(tcp.server));
    assert(write(tcp.server, "x", 1) < 0 && errno == EPIPE);
    assert(sp_client_break(tcp.server) == SP_OK);
    disconnect(tcp);
}

static void
test_breaking_opens_nothing_for_good(void)
{
    struct connection tcp = connect_tcp();
    int before = dup(0);

    (void)close(before);
    assert(sp_client_break(tcp.server) == SP_OK);
    int after = dup(0);
    (void)close(after);
    assert(after == before);
    disconnect(tcp);
    assert(sp_client_break(-1) == SP_E_SYSTEM);
    assert(sp_client_break(tcp.server) == SP_E_SYSTEM);
}

int
main(void)
{
    assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as Python does */
    test_silent_client_is_not_gone();
    test_client_that_left_is_gone();
    test_client_that_reset_is_gone(false);
    test_client_that_reset_is_gone(true);
    test_unread_bytes_hide_the_end();
    test_await_counts_what_is_there();
    test_broken_client_sees_a_reset();
    test_dead_end_takes_the_descriptors_place();
    test_breaking_opens_nothing_for_good();
    (void)puts("client_socket: ok");
    return 0;
}

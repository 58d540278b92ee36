/* The queue of bytes to send, over a real socket: every byte once and in order, whatever the socket
 * takes, and no memory once they are gone. */
#undef NDEBUG
#include "bytes.h"
#include "core/queue.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST ((size_t)8 * 1024 * 1024)

static void
connect_pair(int ends[2])
{
    assert(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    assert(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    assert(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
}

static void
close_pair(const int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_what_is_gone_may_be_asked_for_again(void)
{
    struct sp_queue queue;

    sp_queue_init(&queue, 8);
    assert(sp_queue_is_empty(&queue) && sp_queue_peek(&queue).len == 0);
    assert(sp_queue_append(&queue, span("abc")) && sp_queue_append(&queue, span("def")));
    assert(!sp_queue_append(&queue, span("ghi")));
    sp_queue_pass(&queue, 6);
    assert(sp_queue_is_empty(&queue));
    queue.gone = 2;
    assert(is(sp_queue_peek(&queue), "cdef"));
    sp_queue_clear(&queue);
    assert(sp_queue_is_empty(&queue));
}

static void
test_an_empty_queue_holds_no_memory(void)
{
    struct sp_queue queue;

    sp_queue_init(&queue, 8);
    assert(sp_queue_append(&queue, span("abc")));
    sp_queue_drop(&queue, 1);
    assert(is(sp_queue_peek(&queue), "bc") && queue.bytes.data != NULL);
    sp_queue_drop(&queue, 2);
    assert(sp_queue_is_empty(&queue) && queue.bytes.data == NULL);
    assert(sp_queue_append(&queue, span("abcdefgh")));
    sp_queue_clear(&queue);
}

/* Wherever the cut falls. */
static void
test_the_rest_of_spans_is_kept(void)
{
    const struct sp_span spans[] = {span("ab"), span(""), span("cde")};

    for (size_t gone = 0; gone <= 5; gone++) {
        struct sp_queue queue;
        sp_queue_init(&queue, 8);
        assert(sp_queue_keep(&queue, spans, 3, gone));
        assert(is(sp_queue_peek(&queue), &"abcde"[gone]));
        sp_queue_clear(&queue);
    }
}

static char
byte_at(size_t at)
{
    return (char)(at % 251);
}

/* How many of them came, each as it is expected from `at` on. */
static size_t
receive_all(int fd, size_t at)
{
    char bytes[4096];
    size_t all = 0;
    size_t got;

    while (sp_io_receive(fd, bytes, sizeof(bytes), &got) == SP_IO_OK) {
        for (size_t i = 0; i < got; i++) {
            assert(bytes[i] == byte_at(at + all + i));
        }
        all += got;
    }
    return all;
}

static void
test_a_full_socket_leaves_the_rest_in_order(void)
{
    char *bytes = malloc(MOST);
    struct sp_queue queue;
    size_t taken;
    size_t sent = 0;
    size_t received = 0;
    int ends[2];

    assert(bytes != NULL);
    for (size_t i = 0; i < MOST; i++) {
        bytes[i] = byte_at(i);
    }
    connect_pair(ends);
    sp_queue_init(&queue, MOST);
    const struct sp_span spans[] = {{bytes, 1}, {bytes + 1, MOST / 2}, {bytes + 1 + MOST / 2, 2}};
    assert(sp_queue_send(&queue, ends[0], spans, 3, &taken) == SP_IO_OK);
    assert(taken > 0 && taken < MOST / 2 && !sp_queue_is_empty(&queue));
    for (sent = taken; !sp_queue_is_empty(&queue); sent += taken) {
        received += receive_all(ends[1], received);
        assert(sp_queue_send(&queue, ends[0], NULL, 0, &taken) != SP_IO_BROKEN);
    }
    received += receive_all(ends[1], received);
    assert(sent == MOST / 2 + 3 && received == sent && queue.bytes.data == NULL);
    close_pair(ends);
    free(bytes);
}

static void
test_what_waits_goes_before_what_follows(void)
{
    struct sp_span more[] = {span("cd"), span(""), span("ef")};
    char bytes[8];
    struct sp_queue queue;
    size_t count;
    int ends[2];

    connect_pair(ends);
    sp_queue_init(&queue, 8);
    assert(sp_queue_append(&queue, span("ab")));
    assert(sp_queue_send(&queue, ends[0], more, 3, &count) == SP_IO_OK && count == 6);
    assert(sp_queue_is_empty(&queue));
    assert(sp_io_receive(ends[1], bytes, sizeof(bytes), &count) == SP_IO_OK);
    assert(is((struct sp_span){bytes, count}, "abcdef"));
    close_pair(ends);
}

static void
test_a_queue_that_would_pass_its_ceiling_is_broken(void)
{
    char *bytes = calloc(1, MOST);
    struct sp_span much = {bytes, MOST};
    struct sp_queue queue;
    size_t taken;
    int ends[2];

    assert(bytes != NULL);
    connect_pair(ends);
    sp_queue_init(&queue, 8);
    assert(sp_queue_send(&queue, ends[0], &much, 1, &taken) == SP_IO_BROKEN);
    sp_queue_clear(&queue);
    close_pair(ends);
    free(bytes);
}

static void
test_the_peer_s_end_is_told_from_a_break(void)
{
    struct sp_span word = span("a");
    char byte;
    struct sp_queue queue;
    size_t count;
    int ends[2];

    connect_pair(ends);
    sp_queue_init(&queue, 8);
    assert(sp_io_receive(ends[0], &byte, 1, &count) == SP_IO_AGAIN && count == 0);
    assert(shutdown(ends[1], SHUT_WR) == 0);
    assert(sp_io_receive(ends[0], &byte, 1, &count) == SP_IO_END && count == 0);
    (void)close(ends[1]);
    assert(sp_queue_send(&queue, ends[0], &word, 1, &count) == SP_IO_BROKEN && count == 0);
    sp_queue_clear(&queue);
    (void)close(ends[0]);
}

int
main(void)
{
    test_what_is_gone_may_be_asked_for_again();
    test_an_empty_queue_holds_no_memory();
    test_the_rest_of_spans_is_kept();
    test_a_full_socket_leaves_the_rest_in_order();
    test_what_waits_goes_before_what_follows();
    test_a_queue_that_would_pass_its_ceiling_is_broken();
    test_the_peer_s_end_is_told_from_a_break();
    (void)printf("ok\n");
    return 0;
}

/* Pipes of the kernel: how many there are, and what becomes of the bytes in them. */
#undef NDEBUG
#include "core/splice.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef _GNU_SOURCE
static const unsigned most = SP_SPLICES_MOST;
#else
static const unsigned most = 0; /* there are none */
#endif

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
make_pair(int pair[2])
{
    assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    assert(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
}

static void
close_pair(const int pair[2])
{
    assert(close(pair[0]) == 0 && close(pair[1]) == 0);
}

static unsigned
borrow_all(struct sp_splices *stock, struct sp_splice *borrowed[])
{
    unsigned count = 0;

    while ((borrowed[count] = sp_splice_borrow(stock)) != NULL) {
        assert(borrowed[count]->held == 0 && borrowed[count]->size > 0);
        assert((fcntl(borrowed[count]->in, F_GETFD) & FD_CLOEXEC) != 0);
        count++;
    }
    return count;
}

static void
test_so_many_are_had_and_few_are_kept(void)
{
    struct sp_splices stock = {.kept = NULL};
    struct sp_splice *borrowed[SP_SPLICES_MOST + 1];
    int ends[SP_SPLICES_MOST];

    for (unsigned time = 0; time < 2; time++) {
        assert(borrow_all(&stock, borrowed) == most);
        for (unsigned i = 0; i < most; i++) {
            ends[i] = borrowed[i]->in;
            sp_splice_give_back(borrowed[i]);
            assert(is_open(ends[i]) == (i < SP_SPLICES_KEPT));
        }
    }
    sp_splices_clear(&stock);
    assert(stock.count == 0);
    for (unsigned i = 0; i < most; i++) {
        assert(!is_open(ends[i]));
    }
    sp_splice_give_back(NULL);
}

static void
test_one_with_bytes_is_closed_and_not_kept(void)
{
    struct sp_splices stock = {.kept = NULL};
    struct sp_splice *splice = sp_splice_borrow(&stock);
    int from[2];

    if (splice == NULL) {
        assert(stock.count == most); /* there are none */
        return;
    }
    int in = splice->in;
    make_pair(from);
    assert(write(from[1], "abcdef", 6) == 6);
    assert(sp_splice_fill(splice, from[0], 4) == 4 && splice->held == 4);
    sp_splice_give_back(splice);
    assert(!is_open(in) && stock.count == 0 && stock.kept == NULL);
    close_pair(from);
}

static void
test_bytes_cross_in_order_and_no_more_than_are_asked_for(void)
{
    struct sp_splices stock = {.kept = NULL};
    struct sp_splice *splice = sp_splice_borrow(&stock);
    char bytes[8];
    int from[2];
    int to[2];

    if (splice == NULL) {
        assert(stock.count == most); /* there are none */
        return;
    }
    make_pair(from);
    make_pair(to);
    assert(sp_splice_fill(splice, from[0], 4) == -1 && errno == EAGAIN && splice->held == 0);
    assert(write(from[1], "abcdef", 6) == 6);
    assert(sp_splice_fill(splice, from[0], 4) == 4);
    assert(sp_splice_drain(splice, to[0]) == 4 && splice->held == 0);
    assert(read(to[1], bytes, sizeof(bytes)) == 4 && memcmp(bytes, "abcd", 4) == 0);
    assert(shutdown(from[1], SHUT_WR) == 0);
    assert(sp_splice_fill(splice, from[0], 4) == 2);
    assert(sp_splice_drain(splice, to[0]) == 2);
    assert(sp_splice_fill(splice, from[0], 4) == 0);
    sp_splice_give_back(splice);
    sp_splices_clear(&stock);
    close_pair(from);
    close_pair(to);
}

int
main(void)
{
    test_so_many_are_had_and_few_are_kept();
    test_one_with_bytes_is_closed_and_not_kept();
    test_bytes_cross_in_order_and_no_more_than_are_asked_for();
    return 0;
}

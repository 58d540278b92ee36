#include "core/splice.h"

#include "core/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* What any user may ask for as long as the administrator has not set less. */
#define SP_SPLICE_SIZE (1024 * 1024)

/* With less than this, copying is as fast. */
#define SP_SPLICE_LEAST (64 * 1024)

static void
close_ends(const int ends[2])
{
    sp_descriptor_close(ends[0]);
    sp_descriptor_close(ends[1]);
}

/* The pipe's size; one that is refused more has what it was made with. */
static int
enlarge(int end)
{
    int size = fcntl(end, F_SETPIPE_SZ, SP_SPLICE_SIZE);

    return size > 0 ? size : fcntl(end, F_GETPIPE_SZ);
}

static struct sp_splice *
make(struct sp_splices *stock)
{
    struct sp_splice *made;
    int ends[2];

    if (stock->count == SP_SPLICES_MOST || !sp_descriptor_pipe(ends)) {
        return NULL;
    }
    int size = enlarge(ends[1]);
    made = size >= SP_SPLICE_LEAST ? calloc(1, sizeof(*made)) : NULL;
    if (made == NULL) {
        close_ends(ends);
        return NULL;
    }
    made->stock = stock;
    made->out = ends[0];
    made->in = ends[1];
    made->size = (size_t)size;
    stock->count++;
    return made;
}

static void
unmake(struct sp_splice *pipe)
{
    pipe->stock->count--;
    close_ends((int[]){pipe->out, pipe->in});
    free(pipe);
}

void
sp_splices_clear(struct sp_splices *stock)
{
    while (stock->kept != NULL) {
        struct sp_splice *pipe = stock->kept;
        stock->kept = pipe->next;
        unmake(pipe);
    }
    stock->kept_count = 0;
}

struct sp_splice *
sp_splice_borrow(struct sp_splices *stock)
{
    struct sp_splice *pipe = stock->kept;

    if (pipe == NULL) {
        return make(stock);
    }
    stock->kept = pipe->next;
    stock->kept_count--;
    return pipe;
}

void
sp_splice_give_back(struct sp_splice *pipe)
{
    if (pipe == NULL) {
        return;
    }
    struct sp_splices *stock = pipe->stock;
    if (pipe->held > 0 || stock->kept_count == SP_SPLICES_KEPT) {
        unmake(pipe);
        return;
    }
    pipe->next = stock->kept;
    stock->kept = pipe;
    stock->kept_count++;
}

ssize_t
sp_splice_fill(struct sp_splice *pipe, int fd, size_t most)
{
    size_t wanted = most < pipe->size ? most : pipe->size;
    ssize_t got = splice(fd, NULL, pipe->in, NULL, wanted, SPLICE_F_NONBLOCK);

    pipe->held = got > 0 ? (size_t)got : 0;
    return got;
}

/* A system may have it and not for every socket, or forbid it. */
static bool
is_refused(ssize_t got)
{
    return got < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM);
}

bool
sp_splice_receive(struct sp_splice **pipe, int fd, size_t most, enum sp_io *io)
{
    ssize_t got = sp_splice_fill(*pipe, fd, most);
    bool goes_on = !is_refused(got);

    *io = sp_io_of(got);
    if (got <= 0) {
        sp_splice_give_back(*pipe);
        *pipe = NULL;
    }
    return goes_on;
}

ssize_t
sp_splice_drain(struct sp_splice *pipe, int fd)
{
    ssize_t sent = splice(pipe->out, NULL, fd, NULL, pipe->held, SPLICE_F_NONBLOCK);

    pipe->held -= sent > 0 ? (size_t)sent : 0;
    return sent;
}

enum sp_io
sp_splice_send(struct sp_splice **pipe, int fd, size_t *taken)
{
    ssize_t sent = 0;

    *taken = 0;
    while ((*pipe)->held > 0 && sent >= 0) {
        sent = sp_splice_drain(*pipe, fd);
        *taken += sent > 0 ? (size_t)sent : 0;
    }
    if (sent < 0) {
        return sp_io_of(sent);
    }
    sp_splice_give_back(*pipe);
    *pipe = NULL;
    return SP_IO_OK;
}

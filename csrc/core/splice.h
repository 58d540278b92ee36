/* Bytes on their way from one socket to another inside the kernel, in a pipe of its own
 * (splice(2)). Two builds: linux/, and portable/, where there is no such pipe. The engine thread's
 * alone. */
#ifndef SP_CORE_SPLICE_H
#define SP_CORE_SPLICE_H

#include "core/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* With fewer bytes than this to carry one costs more than it saves. */
#define SP_SPLICE_WORTH ((size_t)256 * 1024)

/* How many there are at once, at most: an unprivileged user may have 64 of their size in all. */
#define SP_SPLICES_MOST 16U

/* Of them, those that are kept while they are empty. */
#define SP_SPLICES_KEPT 4U

struct sp_splices;

struct sp_splice {
    struct sp_splices *stock; /* borrowed: outlives it */
    struct sp_splice *next;   /* in the stock */
    int in, out;              /* owned: the pipe's ends */
    size_t size;              /* what it takes, at most */
    size_t held;              /* bytes in it */
};

/* The loop's stock of them. */
struct sp_splices {
    struct sp_splice *kept; /* owned */
    unsigned kept_count;
    unsigned count; /* those that are borrowed, too */
};

void sp_splices_clear(struct sp_splices *stock);

/* An empty one, or NULL: there is none to be had. */
struct sp_splice *sp_splice_borrow(struct sp_splices *stock);

/* One that still holds bytes is closed. NULL is fine. */
void sp_splice_give_back(struct sp_splice *pipe);

/* Receives at most `most` bytes from a socket into an empty one; as recv(). */
ssize_t sp_splice_fill(struct sp_splice *pipe, int fd, size_t most);

/* The same into a borrowed one, which is given back if nothing came (`*pipe`: NULL). False: such a
 * socket's bytes must be copied, and nothing has been done. */
bool sp_splice_receive(struct sp_splice **pipe, int fd, size_t most, enum sp_io *io);

/* Sends to a socket what it takes now; as send(), without a signal that anybody would see: the
 * engine's thread blocks them all. */
ssize_t sp_splice_drain(struct sp_splice *pipe, int fd);

/* The same until it takes no more, or all is gone and the pipe given back (`*pipe`: NULL); `*taken`
 * bytes are gone. */
enum sp_io sp_splice_send(struct sp_splice **pipe, int fd, size_t *taken);

#endif

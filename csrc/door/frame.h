/* What goes through a hand-over channel to Django, as bytes; `handover` says what each means. */
#ifndef SP_DOOR_FRAME_H
#define SP_DOOR_FRAME_H

#include "wire/span.h"

#include <sys/socket.h>
#include <sys/types.h> /* FreeBSD names its types in what sys/socket.h defines */

#define SP_FRAME_HEAD 24U

/* For one descriptor beside a frame. */
#define SP_FRAME_CONTROL CMSG_SPACE(sizeof(int))

struct sp_frame {
    char kind;
    char flags;
    struct sp_span bytes;
    long long content_length;
    unsigned long long id;
    int fd; /* that goes along, or -1 */
};

void sp_frame_write_head(const struct sp_frame *frame, char head[SP_FRAME_HEAD]);

/* Has `message` carry `fd`, if there is one; `room` must live as long. */
void sp_frame_attach(struct msghdr *message, char room[SP_FRAME_CONTROL], int fd);

/* The number that `size` bytes in network order are. */
unsigned long long sp_frame_number(const char *bytes, size_t size);

#endif

#include "door/frame.h"

#include <string.h>

static void
put_number(char *room, size_t size, unsigned long long number)
{
    for (size_t i = size; i > 0; i--) {
        room[i - 1] = (char)(unsigned char)(number & 0xFF);
        number >>= 8;
    }
}

unsigned long long
sp_frame_number(const char *bytes, size_t size)
{
    unsigned long long number = 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | (unsigned char)bytes[i];
    }
    return number;
}

void
sp_frame_write_head(const struct sp_frame *frame, char head[SP_FRAME_HEAD])
{
    memset(head, 0, SP_FRAME_HEAD);
    head[0] = frame->kind;
    head[1] = frame->flags;
    put_number(head + 4, 4, frame->bytes.len);
    put_number(head + 8, 8, (unsigned long long)frame->content_length);
    put_number(head + 16, 8, frame->id);
}

void
sp_frame_attach(struct msghdr *message, char room[SP_FRAME_CONTROL], int fd)
{
    if (fd < 0) {
        return;
    }
    memset(room, 0, SP_FRAME_CONTROL);
    message->msg_control = room;
    message->msg_controllen = SP_FRAME_CONTROL;
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(control), &fd, sizeof(fd));
}

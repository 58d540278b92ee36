/* Descriptors: made close-on-exec, and remembered, so that a forked child can close its
 * copies of the engine's without touching the engine (design: start and fork). */
#ifndef SP_CORE_DESCRIPTORS_H
#define SP_CORE_DESCRIPTORS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Higher descriptors are refused: the record has a fixed size, and is readable after any fork. */
#define SP_DESCRIPTORS_MAX 65536

/* Marks `fd` as close-on-exec and remembers it, with the file that it is. False (errno set) when it
 * cannot be. */
bool sp_descriptor_keep(int fd);

/* Whether `fd` is remembered, and still the file that it was then. */
bool sp_descriptor_is_kept(int fd);

/* Forgets and closes `fd`. */
void sp_descriptor_close(int fd);

/* Forgets `fd` if it is not the file any more that it was: another may have closed it. */
void sp_descriptor_forget(int fd);

/* Takes the next connection of a listening socket, kept from the start and non-blocking; `*address`
 * (of `*size` bytes) is its peer's. -1 (errno set) when there is none or it cannot. */
int sp_descriptor_accept(int listener, struct sockaddr *address, socklen_t *size);

/* A copy of `fd`, kept from the start. -1 (errno set) when it cannot. */
int sp_descriptor_copy(int fd);

/* In a forked child: close()s every remembered descriptor that still is the file it was, and does
 * nothing else to them. */
void sp_descriptors_close_all(void);

/* Opens a socket that is kept from the start. -1 (errno set) when it cannot. */
int sp_descriptor_socket(int family, int type, int protocol);

/* A pipe of the kernel's, its ends non-blocking and kept from the start. False (errno set) when it
 * cannot. */
bool sp_descriptor_pipe(int ends[2]);

/* Once: from now on each forked child does so at once. False when memory is short. */
bool sp_descriptors_follow_forks(void);

/* Whether the call that has just failed may succeed later: errno says so. */
bool sp_descriptor_would_block(void);

/* Any thread: puts `fd` into non-blocking mode. */
bool sp_descriptor_set_nonblocking(int fd);

#endif

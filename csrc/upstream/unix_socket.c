#include "upstream/unix_socket.h"

#include "core/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum sp_error
sp_unix_socket_connect(const char *path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path) + 1;

    if (size > sizeof(address.sun_path)) {
        return SP_E_NAME;
    }
    memcpy(address.sun_path, path, size);
    *fd = sp_descriptor_socket(AF_UNIX, SOCK_STREAM, 0);
    if (*fd < 0) {
        return SP_E_TOO_MANY;
    }
    if (sp_descriptor_set_nonblocking(*fd) &&
        connect(*fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return SP_OK;
    }
    /* Linux alone has it; elsewhere a listener without room refuses. */
    bool is_full = errno == EAGAIN;
    sp_descriptor_close(*fd);
    return is_full ? SP_E_AGAIN : SP_E_CONNECT;
}

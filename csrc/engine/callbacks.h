/* What libcurl calls during a transfer; `context` is the struct sp_transfer. */
#ifndef SP_ENGINE_CALLBACKS_H
#define SP_ENGINE_CALLBACKS_H

#include <curl/curl.h>

/* A line of a head (or a trailer), its line end included. */
size_t sp_callback_line(char *data, size_t size, size_t count, void *context);

/* Bytes of the answer's body, at most CURL_MAX_WRITE_SIZE. */
size_t sp_callback_receive(char *data, size_t size, size_t count, void *context);

/* Room for bytes of the request's body. */
size_t sp_callback_send(char *data, size_t size, size_t count, void *context);

/* Before each sending of the request, libcurl's own repetitions included. */
int sp_callback_before_send(void *context, char *remote_ip, char *local_ip, int remote_port,
                            int local_port);

/* libcurl's trace, of TLS alone. */
int sp_callback_trace(CURL *easy, curl_infotype type, char *data, size_t size, void *context);

curl_socket_t sp_callback_open(void *context, curlsocktype purpose, struct curl_sockaddr *address);

/* `context` is the struct sp_sockets: connections outlive transfers. */
int sp_callback_close(void *context, curl_socket_t fd);

#endif

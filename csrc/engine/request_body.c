#include "engine/request_body.h"

#define SP_CRLF SP_SPAN("\r\n")

size_t
sp_request_body_room(const struct sp_exchange *exchange)
{
    size_t room = sp_pipe_room(&exchange->request);

    return room > SP_FRAMING_CEILING ? room - SP_FRAMING_CEILING : 0;
}

static bool
write_chunk(struct sp_exchange *exchange, struct sp_span bytes)
{
    char room[SP_CHUNK_SIZE_ROOM] = {0};
    struct sp_span chunk[] = {sp_chunk_size_line(bytes.len, room), bytes, SP_CRLF};

    return sp_pipe_write_all(&exchange->request, chunk, 3);
}

bool
sp_request_body_write(struct sp_exchange *exchange, struct sp_span bytes)
{
    if (bytes.len == 0) {
        return true; /* as a chunk it would be the last one */
    }
    if (exchange->body_length == SP_BODY_CHUNKED) {
        return write_chunk(exchange, bytes);
    }
    if (!sp_pipe_write(&exchange->request, bytes)) {
        return false;
    }
    exchange->request_left -= (long long)bytes.len;
    return true;
}

bool
sp_request_body_end(struct sp_exchange *exchange, struct sp_span trailers)
{
    struct sp_span last[] = {SP_SPAN("0\r\n"), trailers, SP_CRLF};

    if (exchange->body_length == SP_BODY_CHUNKED && !exchange->request.ended &&
        !sp_pipe_write_all(&exchange->request, last, 3)) {
        return false;
    }
    exchange->request.ended = true;
    return true;
}

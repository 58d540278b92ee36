/* Reads the request on stdin as the engine does. Its exit status says how that ends: 0, and the
 * reading is on stdout, a line for each thing and the body last; 1, it is refused; 2, there must
 * be more. */
#undef NDEBUG
#include "wire/chunked.h"
#include "wire/incoming.h"

#include <assert.h>
#include <stdio.h>

enum end {
    SP_READ,
    SP_REFUSED,
    SP_UNFINISHED,
};

static struct sp_incoming incoming;

static void
print(struct sp_span bytes, const char *end)
{
    assert(fwrite(bytes.data, 1, bytes.len, stdout) == bytes.len);
    (void)fputs(end, stdout);
}

static void
print_head(size_t length)
{
    print(incoming.method, "\n");
    print(incoming.target, "\n");
    (void)printf("%zu\n%zu\n", length, incoming.count);
    for (size_t i = 0; i < incoming.count; i++) {
        print(incoming.fields[i].name, ":");
        print(incoming.fields[i].value, "\n");
    }
}

static enum end
read_chunks(struct sp_span *rest, struct sp_buffer *body, struct sp_buffer *trailers)
{
    struct sp_chunked chunked = {0};
    struct sp_span data = {NULL, 0};
    enum sp_chunked_step step = SP_CHUNKED_DATA;

    sp_chunked_init(&chunked, SP_SPAN(""));
    while (step == SP_CHUNKED_DATA) {
        step = sp_chunked_next(&chunked, rest, &data);
        if (step == SP_CHUNKED_DATA) {
            assert(sp_buffer_append(body, data));
        }
    }
    assert(sp_buffer_append(trailers, sp_buffer_peek(&chunked.trailers)));
    sp_chunked_clear(&chunked);
    if (step == SP_CHUNKED_DONE) {
        return SP_READ;
    }
    return step == SP_CHUNKED_MORE ? SP_UNFINISHED : SP_REFUSED;
}

static enum end
read_body(struct sp_span *rest, struct sp_buffer *body, struct sp_buffer *trailers)
{
    if (incoming.chunked) {
        return read_chunks(rest, body, trailers);
    }
    size_t length = incoming.content_length > 0 ? (size_t)incoming.content_length : 0;
    if (length > rest->len) {
        return SP_UNFINISHED;
    }
    assert(sp_buffer_append(body, (struct sp_span){rest->data, length}));
    *rest = (struct sp_span){rest->data + length, rest->len - length};
    return SP_READ;
}

static enum end
read_request(struct sp_span bytes, struct sp_buffer *body, struct sp_buffer *trailers)
{
    size_t scanned = 0;
    enum sp_incoming_step step = sp_incoming_parse(&incoming, bytes, &scanned);

    if (step != SP_INCOMING_COMPLETE) {
        return step == SP_INCOMING_MORE ? SP_UNFINISHED : SP_REFUSED;
    }
    struct sp_span rest = {bytes.data + incoming.length, bytes.len - incoming.length};
    enum end end = read_body(&rest, body, trailers);
    if (end == SP_READ) {
        print_head(bytes.len - rest.len);
        print(sp_buffer_peek(trailers), "\n");
        print(sp_buffer_peek(body), "");
    }
    return end;
}

int
main(void)
{
    static char bytes[256 * 1024];
    struct sp_buffer body;
    struct sp_buffer trailers;

    sp_buffer_init(&body, sizeof(bytes));
    sp_buffer_init(&trailers, sizeof(bytes));
    size_t len = fread(bytes, 1, sizeof(bytes), stdin);
    enum end end = read_request((struct sp_span){bytes, len}, &body, &trailers);
    sp_buffer_clear(&body);
    sp_buffer_clear(&trailers);
    return (int)end;
}

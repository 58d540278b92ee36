/* The head that the client sees: status line and fields as they came, but for what stays on its
 * hop, and for places, which are brought back to the browser's origin. */
#undef NDEBUG
#include "bytes.h"
#include "wire/returning.h"

#include <assert.h>
#include <stdio.h>

static struct sp_own_addresses *own_addresses;

static void
read_head(struct sp_response_head *head, const char *bytes)
{
    struct sp_span rest = span(bytes);

    sp_response_head_init(head);
    head->offer = span("Upgrade: websocket");
    enum sp_head_step step = sp_response_head_read(head, &rest);
    assert((step == SP_HEAD_COMPLETE || step == SP_HEAD_INTERIM) && rest.len == 0);
}

static bool
append_head(struct sp_buffer *out, const struct sp_response_head *head)
{
    const struct sp_returning returning = {
        .head = head,
        .own_addresses = own_addresses,
        .origin = span("http://site:8000"),
        .alias = span("localhost:8000"),
    };

    return sp_returning_append(out, &returning);
}

static void
returns(const char *bytes, const char *expected)
{
    struct sp_response_head head;
    struct sp_buffer out;

    read_head(&head, bytes);
    sp_buffer_init(&out, 4096);
    assert(sp_buffer_append(&out, span("before")));
    assert(append_head(&out, &head));
    struct sp_span returned = sp_buffer_peek(&out);
    assert(is((struct sp_span){returned.data, 6}, "before"));
    assert(is((struct sp_span){returned.data + 6, returned.len - 6}, expected));
    sp_buffer_clear(&out);
    sp_response_head_clear(&head);
}

static void
test_fields_cross_in_one_form(void)
{
    returns("HTTP/1.1 200 OK\r\nDate: d\r\nX-A:1\r\nX-B: \t 2\t \r\nX-C:\nX-A: 1\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: d\r\nX-A: 1\r\nX-B: 2\r\nX-C: \r\nX-A: 1\r\n");
    returns("HTTP/1.0 404\r\n\r\n", "HTTP/1.1 404 \r\n");
    returns("HTTP/1.1 999 Not  Found \r\nB: \xe9\x01\r\n\r\n",
            "HTTP/1.1 999 Not  Found \r\nB: \xe9\x01\r\n");
}

/* X-Ane has the length and the outer letters of a nominated one. */
static void
test_fields_of_one_hop_stay(void)
{
    returns("HTTP/1.1 200 OK\r\nX-Ane: 1\r\nX-One: 1\r\nKeep-Alive: timeout=5\r\nETag: e\r\n"
            "Connection: close, x-one\r\nTransfer-Encoding: chunked\r\nX-Two: 2\r\n"
            "Connection: X-Two,,Cookie\r\nCookie: c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX-Ane: 1\r\nETag: e\r\nCookie: c\r\n");
    returns("HTTP/1.1 200 OK\r\nConnection: close\r\nUpgrade: h2c\r\nClose: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n");
    returns("HTTP/1.1 101 S\r\nConnection: Upgrade, X-One\r\nupgrade: websocket\r\nX-One: 1\r\n"
            "Sec-WebSocket-Accept: a\r\n\r\n",
            "HTTP/1.1 101 S\r\nupgrade: websocket\r\nSec-WebSocket-Accept: a\r\n");
}

static void
test_length_crosses_where_a_body_can_be(void)
{
    returns("HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 304 N\r\nContent-Length: 5\r\n");
    returns("HTTP/1.1 204 N\r\nContent-Length: 0\r\nA: b\r\n\r\n", "HTTP/1.1 204 N\r\nA: b\r\n");
    returns("HTTP/1.1 103 E\r\nContent-Length: 0\r\nA: b\r\n\r\n", "HTTP/1.1 103 E\r\nA: b\r\n");
}

static void
test_places_come_back_to_the_browsers_origin(void)
{
    returns("HTTP/1.1 302 F\r\nA: http://front:3000/a\r\nlocation: http://front:3000/x\r\n"
            "Link: <http://front:3000/y>; rel=z\r\nB: b\r\n\r\n",
            "HTTP/1.1 302 F\r\nA: http://front:3000/a\r\nlocation: /x\r\n"
            "Link: </y>; rel=z\r\nB: b\r\n");
    returns("HTTP/1.1 200 F\r\nContent-Location: /x\r\nRefresh: 5; url=http://front:3000/\r\n\r\n",
            "HTTP/1.1 200 F\r\nContent-Location: /x\r\nRefresh: 5; url=/\r\n");
    returns("HTTP/1.1 200 F\r\nConnection: Location\r\nLocation: http://front:3000/x\r\n\r\n",
            "HTTP/1.1 200 F\r\n");
}

static void
fails_below(const char *bytes, size_t len)
{
    struct sp_response_head head;

    read_head(&head, bytes);
    for (size_t ceiling = 0; ceiling <= len; ceiling++) {
        struct sp_buffer out;
        sp_buffer_init(&out, ceiling);
        assert(append_head(&out, &head) == (ceiling == len));
        sp_buffer_clear(&out);
    }
    sp_response_head_clear(&head);
}

static void
test_head_without_room_is_refused(void)
{
    fails_below("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", sizeof("HTTP/1.1 200 OK\r\nA: b\r\n") - 1);
    fails_below("HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",
                sizeof("HTTP/1.1 302 F\r\nLocation: /x\r\n") - 1);
}

int
main(void)
{
    const struct sp_span names[] = {span("front")};
    const struct sp_own_addresses_options options = {
        .scheme = span("http"), .names = names, .name_count = 1, .port = 3000};

    assert(sp_own_addresses_new(&options, &own_addresses));
    test_fields_cross_in_one_form();
    test_fields_of_one_hop_stay();
    test_length_crosses_where_a_body_can_be();
    test_places_come_back_to_the_browsers_origin();
    test_head_without_room_is_refused();
    sp_own_addresses_give_back(own_addresses);
    (void)puts("returning: ok");
    return 0;
}

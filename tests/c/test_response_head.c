/* The answer's head: what is taken, what can be read two ways, what stays on its hop. */
#undef NDEBUG
#include "bytes.h"
#include "wire/hop_by_hop.h"
#include "wire/response_head.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Gives the lines one by one, up to the one that is refused; the last step. */
static enum sp_head_step
add_all(struct sp_response_head *head, struct sp_span bytes)
{
    enum sp_head_step step = SP_HEAD_MORE;

    while (bytes.len > 0 && step != SP_HEAD_REFUSED) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.data) + 1 : bytes.len;
        step = sp_response_head_add(head, (struct sp_span){bytes.data, len});
        bytes = (struct sp_span){bytes.data + len, bytes.len - len};
    }
    return step;
}

static enum sp_head_step
read_head(const char *bytes)
{
    struct sp_response_head head;

    sp_response_head_init(&head);
    enum sp_head_step step = add_all(&head, span(bytes));
    assert(head.complete == (step == SP_HEAD_COMPLETE));
    sp_response_head_clear(&head);
    return step;
}

static enum sp_head_step
read_fields(const char *fields)
{
    char bytes[1024];

    (void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\n%s\r\n\r\n", fields);
    return read_head(bytes);
}

static void
test_plain_head_is_taken(void)
{
    struct sp_response_head head;
    struct sp_field field;

    sp_response_head_init(&head);
    assert(add_all(&head, span("HTTP/1.1 404 Not  Found \r\nSet-Cookie: a\r\nContent-Length: 12\r\n"
                               "set-cookie:b\r\nX: \r\n\r\n")) == SP_HEAD_COMPLETE);
    assert(head.status == 404 && is(sp_buffer_peek(&head.reason), "Not  Found "));
    assert(head.content_length == 12 && !head.chunked && !head.http_1_0);
    struct sp_span rest = sp_buffer_peek(&head.lines);
    assert(sp_response_head_next(&head, &rest, &field));
    assert(is(field.name, "Set-Cookie") && is(field.value, "a"));
    assert(sp_response_head_next(&head, &rest, &field) && is(field.name, "Content-Length"));
    assert(sp_response_head_next(&head, &rest, &field));
    assert(is(field.name, "set-cookie") && is(field.value, "b"));
    assert(sp_response_head_next(&head, &rest, &field));
    assert(is(field.name, "X") && field.value.len == 0);
    assert(!sp_response_head_next(&head, &rest, &field));
    sp_response_head_clear(&head);
    sp_response_head_clear(&head);
}

static void
test_status_lines(void)
{
    static const char *const good[] = {
        "HTTP/1.1 200 OK", "HTTP/1.1 200 ",  "HTTP/1.1 200",
        "HTTP/1.0 200 OK", "HTTP/1.1 599 x", "HTTP/1.1 299 x",
        "HTTP/1.1 600 x",  "HTTP/1.1 999 x", "HTTP/1.1 200 \xed\x95\x9c"};
    static const char *const bad[] = {
        "HTTP/1.1",          "HTTP/1.1 ",       "HTTP/1.1 20",      "HTTP/1.1 2000",
        "HTTP/1.1 200OK",    "HTTP/1.1  200",   "HTTP/1.1 099 x",   "HTTP/1.1 1000 x",
        "HTTP/1.1 99 x",     "HTTP/1.1 +20 x",  "HTTP/1.1 -20 x",   "HTTP/1.1 2 0 x",
        "HTTP/1.2 200 OK",   "HTTP/2 200",      "HTTP/2.0 200 OK",  "HTTP/0.9 200 OK",
        "http/1.1 200 OK",   "HTTP/1.10 200 x", "HTTP/01.1 200 x",  "ICY 200 OK",
        "HTTP/1.1\t200 OK",  " HTTP/1.1 200",   "HTTP/1.1 200\tOK", "HTTP/1.1 200 a\rb",
        "Content-Length: 3", "HTTP/1.1 20x",    "HTTP/1.1 000",     "SIP/2.0 200 OK"};
    char bytes[64];

    for (size_t i = 0; i < COUNT(good); i++) {
        (void)snprintf(bytes, sizeof(bytes), "%s\r\n\r\n", good[i]);
        assert(read_head(bytes) == SP_HEAD_COMPLETE);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        (void)snprintf(bytes, sizeof(bytes), "%s\r\n\r\n", bad[i]);
        assert(read_head(bytes) == SP_HEAD_REFUSED);
    }
}

static void
test_blank_line_before_the_head_is_refused(void)
{
    assert(read_head("\r\n") == SP_HEAD_REFUSED);
    assert(read_head("\r\nHTTP/1.1 200 OK\r\n\r\n") == SP_HEAD_REFUSED);
}

/* A head cut at any byte of its text is never a whole one. */
static void
test_truncated_head_is_never_complete(void)
{
    static const char whole[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";

    for (size_t len = 0; len < sizeof(whole) - 3; len++) {
        struct sp_response_head head;
        sp_response_head_init(&head);
        assert(add_all(&head, (struct sp_span){whole, len}) != SP_HEAD_COMPLETE);
        assert(!head.complete);
        sp_response_head_clear(&head);
    }
}

static void
test_lengths_that_can_be_read_two_ways_are_refused(void)
{
    static const char *const bad[] = {
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "content-length: 5\r\nCONTENT-LENGTH: 5",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 5, 5",
        "Content-Length: 5, 6",
        "Content-Length: ",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: 5;",
        "Content-Length: 1e3",
        "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551621",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: \x0b"
        "chunked",
        "Transfer-Encoding: chunked;x",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: ",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        assert(read_fields(bad[i]) == SP_HEAD_REFUSED);
    }
    assert(read_fields("Content-Length: 9223372036854775807") == SP_HEAD_COMPLETE);
    assert(read_fields("Content-Length:\t5 \t") == SP_HEAD_COMPLETE);
    assert(read_fields("transfer-encoding: CHUNKED") == SP_HEAD_COMPLETE);
}

static void
test_http_1_0_knows_no_chunks(void)
{
    assert(read_head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == SP_HEAD_REFUSED);
    assert(read_head("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n") == SP_HEAD_COMPLETE);
}

static void
test_lines_that_are_no_fields_are_refused(void)
{
    static const char *const bad[] = {
        "X: a\r\n folded", "X: a\r\n\tfolded: b", "no colon", ": no name", "X : y", "X: a\rb",
        "X: y\r",          "HTTP/1.1 200 OK",     "X\x80: y", "X: a\r\n ", "\tX: a"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        assert(read_fields(bad[i]) == SP_HEAD_REFUSED);
    }
}

static void
test_every_byte_in_a_field(void)
{
    for (int c = 0; c < 256; c++) {
        char name[] = {'a', (char)(unsigned char)c, 'b', ':', ' ', 'v', '\r', '\n'};
        char value[] = {'a', ':', ' ', 'v', (char)(unsigned char)c, 'v', '\r', '\n'};
        struct sp_response_head head;
        sp_response_head_init(&head);
        assert(sp_response_head_add(&head, span("HTTP/1.1 200\r\n")) == SP_HEAD_MORE);
        bool bad_value = c == '\0' || c == '\r' || c == '\n';
        assert((sp_response_head_add(&head, (struct sp_span){value, sizeof(value)}) ==
                SP_HEAD_REFUSED) == bad_value);
        bool good_name = sp_field_name_is_valid((struct sp_span){name, 3}) || c == ':';
        assert((sp_response_head_add(&head, (struct sp_span){name, sizeof(name)}) ==
                SP_HEAD_MORE) == good_name);
        sp_response_head_clear(&head);
    }
}

static void
test_interim_answers_begin_and_end_inside(void)
{
    struct sp_response_head head;
    struct sp_field field;

    sp_response_head_init(&head);
    assert(add_all(&head, span("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                               "Link: </a>\r\nConnection: X-Final\r\nKeep-Alive: timeout=1\r\n\r\n"
                               "HTTP/1.0 102 P\r\nContent-Length: 3\r\n\r\n")) == SP_HEAD_INTERIM);
    assert(!head.complete && head.status == 102);
    assert(add_all(&head, span("HTTP/1.1 200 OK\r\nX-Final: 1\r\nContent-Length: 7\r\n\r\n")) ==
           SP_HEAD_COMPLETE);
    assert(head.status == 200 && head.content_length == 7 && !head.http_1_0);
    assert(head.keep_alive == SP_LENGTH_UNKNOWN);
    struct sp_span rest = sp_buffer_peek(&head.lines);
    assert(sp_response_head_next(&head, &rest, &field) && is(field.name, "X-Final"));
    assert(sp_response_head_next(&head, &rest, &field) && is(field.name, "Content-Length"));
    assert(!sp_response_head_next(&head, &rest, &field));
    sp_response_head_clear(&head);
}

static void
test_interim_answers_are_as_strict(void)
{
    assert(read_head("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n") == SP_HEAD_REFUSED);
    assert(read_head("HTTP/1.1 100\r\nbad\r\n\r\n") == SP_HEAD_REFUSED);
    assert(read_head("HTTP/1.1 103\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") ==
           SP_HEAD_REFUSED);
    assert(read_head("HTTP/1.1 100 Continue\r\n\r\n\r\n") == SP_HEAD_REFUSED);
    assert(read_head("HTTP/1.1 100 Continue\r\n\r\n") == SP_HEAD_INTERIM);
}

/* Trailers come after the final blank line, and can change nothing any more. */
static void
test_trailers_change_no_head(void)
{
    struct sp_response_head head;
    struct sp_field field;

    sp_response_head_init(&head);
    assert(add_all(&head, span("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) ==
           SP_HEAD_COMPLETE);
    size_t len = head.lines.len;
    assert(add_all(&head, span("Content-Length: 5\r\nSet-Cookie: evil\r\nConnection: x\r\n"
                               "Digest: 1\r\n\r\n")) == SP_HEAD_MORE);
    assert(head.lines.len == len && head.nominated.len == 0);
    assert(head.content_length == SP_LENGTH_UNKNOWN && head.complete && head.status == 200);
    struct sp_span rest = sp_buffer_peek(&head.trailers);
    assert(sp_response_head_next_trailer(&rest, &field) && is(field.name, "Digest"));
    assert(!sp_response_head_next_trailer(&rest, &field));
    assert(add_all(&head, span("no field\r\n")) == SP_HEAD_REFUSED);
    sp_response_head_clear(&head);
}

static void
test_hop_by_hop_fields_are_passed_over(void)
{
    struct sp_response_head head;
    struct sp_field field;

    sp_response_head_init(&head);
    assert(
        add_all(&head, span("HTTP/1.1 200 OK\r\nX-Gone: 1\r\nConnection: close, x-gone\r\n"
                            "Transfer-Encoding: chunked\r\nX-Also: 2\r\nKeep-Alive: timeout=5\r\n"
                            "Connection: X-Also\r\nDate: d\r\nUpgrade: h2c\r\n\r\n")) ==
        SP_HEAD_COMPLETE);
    struct sp_span rest = sp_buffer_peek(&head.lines);
    assert(sp_response_head_next(&head, &rest, &field) && is(field.name, "Date"));
    assert(!sp_response_head_next(&head, &rest, &field));
    sp_response_head_clear(&head);
}

static long long
keep_alive_of(const char *value)
{
    char bytes[256];
    struct sp_response_head head;

    (void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 200\r\nKeep-Alive: %s\r\n\r\n", value);
    sp_response_head_init(&head);
    assert(add_all(&head, span(bytes)) == SP_HEAD_COMPLETE);
    long long seconds = head.keep_alive;
    sp_response_head_clear(&head);
    return seconds;
}

static void
test_keep_alive_is_only_advice(void)
{
    assert(keep_alive_of("timeout=5, max=100") == 5);
    assert(keep_alive_of("max=100,Timeout = 7") == 7);
    assert(keep_alive_of("timeout=0") == 0);
    assert(keep_alive_of("timeout=2147483647") == INT_MAX);
    assert(keep_alive_of("timeout=2147483648") == SP_LENGTH_UNKNOWN);
    assert(keep_alive_of("timeout=") == SP_LENGTH_UNKNOWN);
    assert(keep_alive_of("timeout") == SP_LENGTH_UNKNOWN);
    assert(keep_alive_of("timeout=-1") == SP_LENGTH_UNKNOWN);
    assert(keep_alive_of("xtimeout=5,,=,") == SP_LENGTH_UNKNOWN);
    assert(keep_alive_of("") == SP_LENGTH_UNKNOWN);
}

/* How many lines like this one a head takes. */
static size_t
count_taken(struct sp_span line)
{
    struct sp_response_head head;
    size_t count = 0;

    sp_response_head_init(&head);
    assert(sp_response_head_add(&head, span("HTTP/1.1 200\r\n")) == SP_HEAD_MORE);
    while (sp_response_head_add(&head, line) == SP_HEAD_MORE) {
        count++;
        assert(head.lines.len <= SP_RESPONSE_HEAD_CEILING && count <= SP_RESPONSE_HEAD_CEILING);
    }
    sp_response_head_clear(&head);
    return count;
}

static void
test_head_stops_at_its_ceilings(void)
{
    char line[1026];

    memset(line, 'x', sizeof(line));
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    memcpy(line, "Cookie: ", 8);
    assert(count_taken((struct sp_span){line, sizeof(line)}) == SP_RESPONSE_HEAD_CEILING / 1025);
    memcpy(line, "Connection: ", 12);
    assert(count_taken((struct sp_span){line, sizeof(line)}) == SP_NOMINATED_CEILING / 1013);
    assert(count_taken(span("a:\r\n")) == SP_MAX_FIELDS);
}

static void
test_endless_interim_answers_need_no_memory(void)
{
    struct sp_response_head head;

    sp_response_head_init(&head);
    for (int i = 0; i < 20 * SP_MAX_FIELDS; i++) {
        assert(add_all(&head, span("HTTP/1.1 103 x\r\nConnection: a\r\nLink: </b>\r\n\r\n")) ==
               SP_HEAD_INTERIM);
    }
    assert(head.lines.capacity <= 1024 && head.nominated.capacity <= 1024);
    sp_response_head_clear(&head);
}

static void
test_bare_line_feeds_end_lines_too(void)
{
    assert(read_head("HTTP/1.1 200 OK\nContent-Length: 1\n\n") == SP_HEAD_COMPLETE);
    assert(read_head("HTTP/1.1 200 OK\r\n\r\r\n") == SP_HEAD_REFUSED);
}

int
main(void)
{
    test_plain_head_is_taken();
    test_status_lines();
    test_blank_line_before_the_head_is_refused();
    test_truncated_head_is_never_complete();
    test_lengths_that_can_be_read_two_ways_are_refused();
    test_http_1_0_knows_no_chunks();
    test_lines_that_are_no_fields_are_refused();
    test_every_byte_in_a_field();
    test_interim_answers_begin_and_end_inside();
    test_interim_answers_are_as_strict();
    test_trailers_change_no_head();
    test_hop_by_hop_fields_are_passed_over();
    test_keep_alive_is_only_advice();
    test_head_stops_at_its_ceilings();
    test_endless_interim_answers_need_no_memory();
    test_bare_line_feeds_end_lines_too();
    (void)puts("response_head: ok");
    return 0;
}

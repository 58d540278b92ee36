/* Bodies in chunks: what is taken, what can be read two ways, and every way to cut them. */
#undef NDEBUG
#include "bytes.h"
#include "wire/chunked.h"

#include <assert.h>
#include <stdio.h>

static struct sp_chunked chunked;
static struct sp_buffer body;

static enum sp_chunked_step
take(struct sp_span *bytes)
{
    struct sp_span data;
    enum sp_chunked_step step = SP_CHUNKED_DATA;

    while (step == SP_CHUNKED_DATA) {
        step = sp_chunked_next(&chunked, bytes, &data);
        if (step == SP_CHUNKED_DATA) {
            assert(data.len > 0 && sp_buffer_append(&body, data));
        }
    }
    return step;
}

static void
begin(void)
{
    sp_chunked_init(&chunked, SP_SPAN(""));
    body.len = 0;
}

static enum sp_chunked_step
decode(const char *text)
{
    struct sp_span bytes = span(text);

    begin();
    return take(&bytes);
}

static void
test_body_is_decoded(void)
{
    struct sp_span bytes = span("5\r\nhello\r\n00c;x=y\r\n, 0\r\n\r\nworld\r\n0\r\n\r\nGET /");

    begin();
    assert(take(&bytes) == SP_CHUNKED_DONE);
    assert(is(sp_buffer_peek(&body), "hello, 0\r\n\r\nworld"));
    assert(is(bytes, "GET /") && chunked.trailers.len == 0);
    /* It stays done, and takes no more. */
    assert(take(&bytes) == SP_CHUNKED_DONE && is(bytes, "GET /"));
}

static void
test_data_is_a_part_of_the_bytes(void)
{
    struct sp_span bytes = span("a\r\n01234");
    const char *start = bytes.data;
    struct sp_span data;

    begin();
    assert(sp_chunked_next(&chunked, &bytes, &data) == SP_CHUNKED_DATA);
    assert(data.data == start + 3 && data.len == 5 && bytes.len == 0);
    assert(sp_chunked_next(&chunked, &bytes, &data) == SP_CHUNKED_MORE);
    bytes = span("56789\r\n0\r\n\r\n");
    assert(sp_chunked_next(&chunked, &bytes, &data) == SP_CHUNKED_DATA && is(data, "56789"));
    assert(sp_chunked_next(&chunked, &bytes, &data) == SP_CHUNKED_DONE);
}

static void
test_sizes(void)
{
    static const char *const more[] = {"",
                                       "0",
                                       "5",
                                       "fF",
                                       "0000000005",
                                       "5\r",
                                       "5\r\nabc",
                                       "5;a=b\r\n",
                                       "5;\r\n",
                                       "5;\"x\";;=\r\n",
                                       "7fffffffffffffff\r\nabc",
                                       "000007fffffffffffffff\r\nabc"};
    static const char *const broken[] = {"\r",
                                         "\n",
                                         ";",
                                         " 5",
                                         "5 ",
                                         "5\t\r\n",
                                         "+5",
                                         "-5",
                                         "0x5",
                                         "5h",
                                         "g",
                                         "5_0",
                                         "5,",
                                         "\xd9\xa5",
                                         "5\n",
                                         "5\r\r",
                                         "5\rX",
                                         "5 ;a",
                                         "5;a b",
                                         "5;a\tb",
                                         "5;\n",
                                         "5;a\x01",
                                         "5;a\x7f",
                                         "5;a\xff",
                                         "5;a\rb",
                                         "5\r\nhelloX",
                                         "5\r\nhello\n",
                                         "5\r\nhello\rX",
                                         "5\r\nhello\r\n\r\n",
                                         "5\r\nhello0\r\n",
                                         "4\r\nhello\r\n",
                                         "8000000000000000",
                                         "ffffffffffffffff",
                                         "10000000000000005"};

    for (size_t i = 0; i < COUNT(more); i++) {
        assert(decode(more[i]) == SP_CHUNKED_MORE);
    }
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert(decode(broken[i]) == SP_CHUNKED_BROKEN);
        struct sp_span bytes = span("0\r\n\r\n");
        assert(take(&bytes) == SP_CHUNKED_BROKEN && bytes.len == 5);
    }
    struct sp_span nul = {"5\0", 2};
    begin();
    assert(take(&nul) == SP_CHUNKED_BROKEN);
}

static void
test_trailers(void)
{
    static const char *const broken[] = {
        "\n",        "\rX",          "X\r\n",          "X y: z\r\n",
        "X : y\r\n", " X: y\r\n",    "X: y\n",         "X: y\r\r\n",
        ": y\r\n",   "X: y\rZ",      "X: \x01\r\n",    "X: \x7f\r\n",
        "Host: a\n", "Host : a\r\n", "X: y\r\n z\r\n", "X: y\r\n\tz\r\n",
    };
    char text[128];

    assert(decode("0\r\nX:  y \r\nEmpty:\r\nX: z\r\n\r\n") == SP_CHUNKED_DONE);
    assert(is(sp_buffer_peek(&chunked.trailers), "X:  y \r\nEmpty:\r\nX: z\r\n"));
    for (size_t i = 0; i < COUNT(broken); i++) {
        (void)snprintf(text, sizeof(text), "0\r\n%s", broken[i]);
        assert(decode(text) == SP_CHUNKED_BROKEN);
    }
    assert(decode("0\r\n\r\n") == SP_CHUNKED_DONE && chunked.trailers.len == 0);
}

/* RFC 9110, 7.6.1. */
static void
test_trailers_that_connection_names_are_dropped(void)
{
    struct sp_span bytes = span("0\r\nX-Own: 1\r\nx_own: 2\r\nX-Sum: 3\r\nHOP: 4\r\n\r\n");

    begin();
    sp_chunked_init(&chunked, span("close,hop , X-OWN"));
    assert(take(&bytes) == SP_CHUNKED_DONE);
    assert(is(sp_buffer_peek(&chunked.trailers), "X-Sum: 3\r\n"));
}

/* RFC 9110, 6.5.1. */
static void
test_trailers_that_mean_too_much_are_dropped(void)
{
    static const char *const dropped[] = {"content-length",
                                          "Transfer-Encoding",
                                          "Host",
                                          "Trailer",
                                          "Connection",
                                          "Upgrade",
                                          "TE",
                                          "Authorization",
                                          "Cookie",
                                          "Set-Cookie",
                                          "Content-Type",
                                          "CONTENT-ENCODING",
                                          "Content-Range",
                                          "Forwarded",
                                          "Expect",
                                          "X-Forwarded-For",
                                          "If-Match",
                                          "Sec-Fetch-Site",
                                          "Origin",
                                          "Cache-Control",
                                          "X-Forwarded-Host",
                                          "Keep-Alive",
                                          "Range",
                                          "Proxy-Authorization",
                                          "Max-Forwards",
                                          "Content-Location",
                                          "HTTP2-Settings"};
    static const char *const kept[] = {
        "Digest", "Content-Digest", "ETag", "Server-Timing", "X-Host", "Hos", "Grpc-Status"};
    char text[128];

    for (size_t i = 0; i < COUNT(dropped); i++) {
        (void)snprintf(text, sizeof(text), "0\r\nA: 1\r\n%s: x\r\nB: 2\r\n\r\n", dropped[i]);
        assert(decode(text) == SP_CHUNKED_DONE);
        assert(is(sp_buffer_peek(&chunked.trailers), "A: 1\r\nB: 2\r\n"));
    }
    for (size_t i = 0; i < COUNT(kept); i++) {
        (void)snprintf(text, sizeof(text), "0\r\n%s: x\r\n\r\n", kept[i]);
        assert(decode(text) == SP_CHUNKED_DONE);
        (void)snprintf(text, sizeof(text), "%s: x\r\n", kept[i]);
        assert(is(sp_buffer_peek(&chunked.trailers), text));
    }
}

/* `start`, bytes to fill, and `end`. */
static enum sp_chunked_step
decode_filled(const char *start, size_t filled, const char *end)
{
    static char text[2 * SP_CHUNK_TRAILER_CEILING];

    (void)snprintf(text, sizeof(text), "%s%0*d%s", start, (int)filled, 0, end);
    return decode(text);
}

static void
test_limits(void)
{
    size_t line = SP_CHUNK_LINE_CEILING;
    size_t trailer = SP_CHUNK_TRAILER_CEILING - strlen("X:\r\n\r\n");

    assert(decode_filled("0;", line - 4, "\r\n\r\n") == SP_CHUNKED_DONE);
    assert(decode_filled("0;", line - 3, "\r\n\r\n") == SP_CHUNKED_BROKEN);
    assert(decode_filled("", line - 2, "\r\n\r\n") == SP_CHUNKED_DONE);
    assert(decode_filled("", line - 1, "\r\n\r\n") == SP_CHUNKED_BROKEN);
    assert(decode_filled("0\r\nX:", trailer, "\r\n\r\n") == SP_CHUNKED_DONE);
    assert(decode_filled("0\r\nX:", trailer + 1, "\r\n\r\n") == SP_CHUNKED_BROKEN);
    /* Those that are dropped count, too. */
    assert(decode_filled("0\r\nHost:\r\nX:", trailer, "\r\n\r\n") == SP_CHUNKED_BROKEN);
    /* Each chunk has its own line. */
    assert(decode_filled("1;", line - 4, "\r\nx\r\n1;abcdefgh\r\nx") == SP_CHUNKED_MORE);
}

static void
test_every_cut_in_two_reads_the_same(void)
{
    static const char text[] =
        "5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\nHost: a\r\nZ:\r\n\r\nnext";
    size_t whole = strlen(text) - strlen("next");

    for (size_t cut = 0; cut <= whole; cut++) {
        struct sp_span first = {text, cut};
        struct sp_span second = {text + cut, strlen(text) - cut};
        begin();
        assert(take(&first) == (cut < whole ? SP_CHUNKED_MORE : SP_CHUNKED_DONE));
        assert(first.len == 0);
        assert(take(&second) == SP_CHUNKED_DONE && is(second, "next"));
        assert(is(sp_buffer_peek(&body), "hello0123456789"));
        assert(is(sp_buffer_peek(&chunked.trailers), "X: y\r\nZ:\r\n"));
    }
}

static size_t
encode(struct sp_span plain, char *bytes, uint32_t *random)
{
    size_t at = 0;

    while (plain.len > 0) {
        size_t len = next_random(random) % 40 + 1;
        len = len < plain.len ? len : plain.len;
        at += (size_t)sprintf(bytes + at, len % 2 == 0 ? "%zx\r\n" : "0%zX;e\r\n", len);
        memcpy(bytes + at, plain.data, len);
        memcpy(bytes + at + len, "\r\n", 2);
        at += len + 2;
        plain = (struct sp_span){plain.data + len, plain.len - len};
    }
    memcpy(bytes + at, "0\r\n\r\n", 5);
    return at + 5;
}

static void
test_random_bodies_in_random_pieces(void)
{
    uint32_t random = 1;
    char plain[500];
    char bytes[sizeof(plain) * 12];

    for (size_t round = 0; round < 500; round++) {
        struct sp_span text = {plain, next_random(&random) % sizeof(plain)};
        for (size_t i = 0; i < text.len; i++) {
            plain[i] = (char)(next_random(&random) % 256);
        }
        struct sp_span rest = {bytes, encode(text, bytes, &random)};
        begin();
        while (rest.len > 0) {
            size_t len = next_random(&random) % 30 + 1;
            len = len < rest.len ? len : rest.len;
            struct sp_span piece = {rest.data, len};
            bool is_last = len == rest.len;
            assert(take(&piece) == (is_last ? SP_CHUNKED_DONE : SP_CHUNKED_MORE) && piece.len == 0);
            rest = (struct sp_span){rest.data + len, rest.len - len};
        }
        assert(sp_span_equal(sp_buffer_peek(&body), text));
    }
}

static void
test_size_lines(void)
{
    char room[SP_CHUNK_SIZE_ROOM];

    assert(sp_span_equal(sp_chunk_size_line(0, room), SP_SPAN("0\r\n")));
    assert(sp_span_equal(sp_chunk_size_line(255, room), SP_SPAN("ff\r\n")));
    assert(sp_span_equal(sp_chunk_size_line(SIZE_MAX, room), SP_SPAN("ffffffffffffffff\r\n")));
}

int
main(void)
{
    sp_buffer_init(&body, (size_t)1024 * 1024);
    test_body_is_decoded();
    test_data_is_a_part_of_the_bytes();
    test_sizes();
    test_trailers();
    test_trailers_that_connection_names_are_dropped();
    test_trailers_that_mean_too_much_are_dropped();
    test_limits();
    test_size_lines();
    test_every_cut_in_two_reads_the_same();
    test_random_bodies_in_random_pieces();
    sp_chunked_clear(&chunked);
    sp_chunked_clear(&chunked);
    sp_buffer_clear(&body);
    (void)puts("chunked: ok");
    return 0;
}

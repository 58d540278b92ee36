/* The first line of a request, and what a host may hold. */
#undef NDEBUG
#include "bytes.h"
#include "wire/request_line.h"

#include <assert.h>
#include <stdio.h>

struct verdict {
    const char *text;
    int status;
};

/* With 0 for what is taken. */
static const struct verdict request_lines[] = {
    {"GET / HTTP/1.1", 0},
    {"get / HTTP/1.1", 0},
    {"M-SEARCH!#$%&'*+-.^_`|~09 / HTTP/1.1", 0},
    {"GET //a//b/../c?d#e HTTP/1.1", 0},
    {"GET /\xc3\xa4|\"<>\\^`{} HTTP/1.1", 0},
    {"OPTIONS * HTTP/1.1", 0},
    {"GET http://a.b:80/c HTTP/1.1", 0},
    {"GET HTTP://a.b?c HTTP/1.1", 0},
    {"GET http://[::1]:80 HTTP/1.0", 0},
    {"CONNECT a.b:443 HTTP/1.1", 0},
    {"CONNECT [::1]:443 HTTP/1.1", 0},
    {"GET / HTTP/2.0", 505},
    {"PRI * HTTP/2.0", 505},
    {"GET / HTTP/1.2", 505},
    {"GET / HTTP/0.9", 505},
    {"GET / HTTP/3.0", 505},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", 501},
    {"GET /", 400},
    {"GET  / HTTP/1.1", 400},
    {"GET /  HTTP/1.1", 400},
    {"GET / HTTP/1.1 ", 400},
    {" GET / HTTP/1.1", 400},
    {"GET\t/ HTTP/1.1", 400},
    {"GET /\tHTTP/1.1", 400},
    {"GET /a b HTTP/1.1", 400},
    {"GET / http/1.1", 400},
    {"GET / HTTP/1.10", 400},
    {"GET / HTTP/01.1", 400},
    {"GET / HTTP/1,1", 400},
    {"GET / HTTP/1", 400},
    {"GET / HTTP/", 400},
    {"GET / ", 400},
    {"GET  HTTP/1.1", 400},
    {"GET", 400},
    {"GET HTTP/1.1", 400},
    {"G@T / HTTP/1.1", 400},
    {"G\xc3\xa4T / HTTP/1.1", 400},
    {"GET:/ HTTP/1.1", 400},
    {"GET /\x7f HTTP/1.1", 400},
    {"GET /\x01 HTTP/1.1", 400},
    {"GET /\rHTTP/1.1", 400},
    {"GET / HTTP/1.1\r", 400},
    {"GET * HTTP/1.1", 400},
    {"OPTIONS ** HTTP/1.1", 400},
    {"GET a HTTP/1.1", 400},
    {"GET ?a HTTP/1.1", 400},
    {"GET a.b:443 HTTP/1.1", 400},
    {"GET ftp://a/ HTTP/1.1", 400},
    {"GET https://a/ HTTP/1.1", 400},
    {"GET http://a#b HTTP/1.1", 400},
    {"GET http:/a HTTP/1.1", 400},
    {"GET http:// HTTP/1.1", 400},
    {"GET http:///a HTTP/1.1", 400},
    {"GET http://a@b/ HTTP/1.1", 400},
    {"GET http://a,b/ HTTP/1.1", 400},
    {"GET http://a\\b/ HTTP/1.1", 400},
    {"GET http://a/\x7f HTTP/1.1", 400},
    {"CONNECT / HTTP/1.1", 400},
    {"CONNECT a.b HTTP/1.1", 400},
    {"CONNECT a.b: HTTP/1.1", 400},
    {"CONNECT :443 HTTP/1.1", 400},
    {"CONNECT a.b:99999 HTTP/1.1", 400},
    {"CONNECT a/b:443 HTTP/1.1", 400},
    {"CONNECT http://a.b:443 HTTP/1.1", 400},
};

/* The status of the refusal, or 0. */
static int
read_line(struct sp_span line, struct sp_request_line *parsed)
{
    char bytes[256];

    (void)snprintf(bytes, sizeof(bytes), "%.*s\r\n", (int)line.len, line.data);
    const struct sp_refusal *refusal = sp_request_line_foresee(span(bytes));
    if (refusal == NULL) {
        refusal = sp_request_line_parse(line, parsed);
    }
    return refusal == NULL ? 0 : refusal->status;
}

static void
test_request_lines(void)
{
    struct sp_request_line parsed;

    for (size_t i = 0; i < COUNT(request_lines); i++) {
        assert(read_line(span(request_lines[i].text), &parsed) == request_lines[i].status);
    }
}

static void
test_line_is_cut_at_its_spaces(void)
{
    struct sp_request_line parsed;

    assert(read_line(span("PATCH /a?b=c HTTP/1.0"), &parsed) == 0);
    assert(is(parsed.method, "PATCH") && is(parsed.target, "/a?b=c") && parsed.http_1_0);
    assert(read_line(span("OPTIONS * HTTP/1.1"), &parsed) == 0);
    assert(is(parsed.method, "OPTIONS") && is(parsed.target, "*") && !parsed.http_1_0);
}

/* RFC 3986, 3.2.2, with a port and the brackets of an address, but without the comma. */
static void
test_every_byte_in_a_host(void)
{
    static const char allowed[] = "-._~%!$&'()*+;=[]:0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    for (int c = 0; c < 256; c++) {
        char byte = (char)(unsigned char)c;
        char host[] = {'a', byte, 'b'};
        bool expected = c != 0 && strchr(allowed, byte) != NULL;
        assert(sp_host_is_valid((struct sp_span){host, sizeof(host)}) == expected);
    }
    assert(sp_host_is_valid(span("")));
}

int
main(void)
{
    test_request_lines();
    test_line_is_cut_at_its_spaces();
    test_every_byte_in_a_host();
    (void)puts("request_line: ok");
    return 0;
}

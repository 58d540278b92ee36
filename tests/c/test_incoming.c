/* The head of a request: what is taken, what can be read two ways, and when that is known. */
#undef NDEBUG
#include "bytes.h"
#include "wire/incoming.h"

#include <assert.h>
#include <stdio.h>

static struct sp_incoming incoming;

struct verdict {
    const char *text;
    int status;
};

static enum sp_incoming_step
read_bytes(struct sp_span bytes)
{
    size_t scanned = 0;

    return sp_incoming_parse(&incoming, bytes, &scanned);
}

static enum sp_incoming_step
read_head(const char *text)
{
    return read_bytes(span(text));
}

static enum sp_incoming_step
read_fields(const char *fields)
{
    static char text[4096]; /* the spans of `incoming` are parts of it */

    (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields);
    return read_head(text);
}

static bool
is_refused(enum sp_incoming_step step, int status)
{
    return step == SP_INCOMING_REFUSED && incoming.status == status &&
           strlen(incoming.reason) > 0 && incoming.reason[strlen(incoming.reason) - 1] == '.';
}

static void
test_plain_head_is_taken(void)
{
    static const char text[] =
        "\r\nPOST /a?b=%20 HTTP/1.1\r\nHost:  a.b:8000 \r\nX-Y:\tz, \"q\" \r\n"
        "cookie: c=d\r\nX-y:\r\nContent-Length: 5\r\n\r\nhelloGET";

    assert(read_head(text) == SP_INCOMING_COMPLETE);
    assert(incoming.length == sizeof(text) - 1 - strlen("helloGET"));
    assert(is(incoming.method, "POST") && is(incoming.target, "/a?b=%20"));
    assert(incoming.has_host && is(incoming.host, "a.b:8000"));
    assert(incoming.content_length == 5 && !incoming.chunked && !incoming.http_1_0);
    assert(incoming.keep_alive && !incoming.expects_continue &&
           incoming.upgrade == SP_UPGRADE_NONE);
    assert(incoming.count == 5);
    assert(is(incoming.fields[1].name, "X-Y") && is(incoming.fields[1].value, "z, \"q\""));
    assert(is(incoming.fields[2].name, "cookie") && is(incoming.fields[2].value, "c=d"));
    assert(is(incoming.fields[3].name, "X-y") && incoming.fields[3].value.len == 0);
}

/* The struct of a request before does not show in the next one. */
static void
test_struct_is_used_again(void)
{
    assert(read_head("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                     "Expect: 100-continue\r\nConnection: close\r\n\r\n") == SP_INCOMING_COMPLETE);
    assert(incoming.chunked && incoming.expects_continue && !incoming.keep_alive);
    assert(read_head("GET / HTTP/1.0\r\n\r\n") == SP_INCOMING_COMPLETE);
    assert(!incoming.has_host && incoming.host.len == 0 && incoming.http_1_0);
    assert(!incoming.chunked && incoming.content_length == SP_LENGTH_UNKNOWN);
    assert(!incoming.expects_continue && !incoming.keep_alive && incoming.count == 0);
}

/* With 0 for what is taken. */
static const struct verdict field_lines[] = {
    {"X: y", 0},
    {"X:", 0},
    {"X: \t ", 0},
    {"X:y:z", 0},
    {"X: a\tb", 0},
    {"X: \xc3\xa4\xff", 0},
    {"X: y\r\nx: z", 0},
    {"!#$%&'*+-.^_`|~09azAZ: y", 0},
    {"Content-Length: 0", 0},
    {"content-length:\t007 ", 0},
    {"Content-Length: 9223372036854775807", 0},
    {"TRANSFER-ENCODING: Chunked", 0},
    {"Expect: 200-ok", 0},
    {"Content-Length : 5", 400},
    {"Content-Length\t: 5", 400},
    {"Content-Length\v: 5", 400},
    {" X: y", 400},
    {"\tX: y", 400},
    {"X: y\r\n z", 400},
    {"X: y\r\n\tz", 400},
    {"X: y\r\n \r\nZ: y", 400},
    {": y", 400},
    {"X", 400},
    {"X y: z", 400},
    {"X(: z", 400},
    {"\xc3\xa4: z", 400},
    {"X: a\rb", 400},
    {"X: a\r", 400},
    {"X\r: a", 400},
    {"X: a\nY: b", 400},
    {"X: a\x01", 400},
    {"X: a\x1f"
     "b",
     400},
    {"X: a\x7f", 400},
    {"X: 01234567890123\x7f"
     "567890",
     400},
    {"X: 01234567\t90123\x1f"
     "567890",
     400},
    {"Host: a", 400},
    {"hOST: b", 400},
    {"Content-Length:", 400},
    {"Content-Length: +5", 400},
    {"Content-Length: -5", 400},
    {"Content-Length: 5 5", 400},
    {"Content-Length: 5, 5", 400},
    {"Content-Length: 5,", 400},
    {"Content-Length: 0x5", 400},
    {"Content-Length: 5_0", 400},
    {"Content-Length: 5.0", 400},
    {"Content-Length: 1e1", 400},
    {"Content-Length: \"5\"", 400},
    {"Content-Length: \xd9\xa5", 400},
    {"Content-Length: 9223372036854775808", 400},
    {"Content-Length: 18446744073709551621", 400},
    {"Content-Length: 5\r\nContent-Length: 5", 400},
    {"Content-Length: 5\r\ncontent-length: 6", 400},
    {"Content-Length: 5\r\nTransfer-Encoding: chunked", 400},
    {"Transfer-Encoding: chunked\r\nContent-Length: 5", 400},
    {"Transfer-Encoding: chunked\r\nContent-Length: 0", 400},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400},
    {"Transfer-Encoding: identity", 501},
    {"Transfer-Encoding: gzip, chunked", 501},
    {"Transfer-Encoding: chunked, chunked", 501},
    {"Transfer-Encoding: chunked,", 501},
    {"Transfer-Encoding: chunked;a=b", 501},
    {"Transfer-Encoding: xchunked", 501},
    {"Transfer-Encoding: \"chunked\"", 501},
    {"Transfer-Encoding:", 501},
    {"Transfer-Encoding: chunked\v", 400},
};

static void
test_field_lines(void)
{
    for (size_t i = 0; i < COUNT(field_lines); i++) {
        enum sp_incoming_step step = read_fields(field_lines[i].text);
        assert(field_lines[i].status == 0 ? step == SP_INCOMING_COMPLETE
                                          : is_refused(step, field_lines[i].status));
    }
}

/* Wherever it stands: a byte that ends a line or a text for somebody. */
static void
test_nul_is_refused_everywhere(void)
{
    static const char text[] = "\r\nGET /a HTTP/1.1\r\nHost: a\r\nX: 12345678901234567890\r\n\r\n";
    char broken[sizeof(text)];

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        memcpy(broken, text, sizeof(text));
        broken[i] = '\0';
        enum sp_incoming_step step = read_bytes((struct sp_span){broken, sizeof(text) - 1});
        bool end_is_gone = i >= sizeof(text) - 5 && step == SP_INCOMING_MORE;
        assert(is_refused(step, 400) || end_is_gone);
    }
}

static void
test_hosts(void)
{
    static const struct verdict hosts[] = {
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nhost: [fe80::1%25a]:80\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: a_b-c.~!$&'()*+;=\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: <a>\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400},
    };

    for (size_t i = 0; i < COUNT(hosts); i++) {
        enum sp_incoming_step step = read_head(hosts[i].text);
        assert(hosts[i].status == 0 ? step == SP_INCOMING_COMPLETE
                                    : is_refused(step, hosts[i].status));
    }
}

static void
test_coding_in_http_1_0_is_refused(void)
{
    assert(is_refused(read_head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400));
    assert(is_refused(read_head("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n"), 400));
}

/* Some read what follows as the tunnel's bytes. */
static void
test_connect_with_a_body_is_refused(void)
{
    static const char start[] = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n";
    static const struct verdict lines[] = {{"X: y", 0},
                                           {"Content-Length: 0", 0},
                                           {"Content-Length: 1", 400},
                                           {"Transfer-Encoding: chunked", 400}};
    char text[128];

    for (size_t i = 0; i < COUNT(lines); i++) {
        (void)snprintf(text, sizeof(text), "%s%s\r\n\r\n", start, lines[i].text);
        enum sp_incoming_step step = read_head(text);
        assert(lines[i].status == 0 ? step == SP_INCOMING_COMPLETE
                                    : is_refused(step, lines[i].status));
    }
}

static bool
keeps_alive(const char *version, const char *connection)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "GET / %s\r\nHost: a\r\n%s\r\n\r\n", version, connection);
    assert(read_head(text) == SP_INCOMING_COMPLETE);
    return incoming.keep_alive;
}

static void
test_version_and_connection_decide_what_is_kept(void)
{
    assert(keeps_alive("HTTP/1.1", "X: y"));
    assert(keeps_alive("HTTP/1.1", "Connection: x, ,Upgrade"));
    assert(keeps_alive("HTTP/1.1", "Connection: closed"));
    assert(!keeps_alive("HTTP/1.1", "Connection: close"));
    assert(!keeps_alive("HTTP/1.1", "Connection: keep-alive\r\nconnection: x,\tCLOSE "));
    assert(!keeps_alive("HTTP/1.0", "X: y"));
    assert(keeps_alive("HTTP/1.0", "Connection: Keep-Alive"));
    assert(!keeps_alive("HTTP/1.0", "Connection: keep-alive, close"));
}

static bool
asks_to_wait(const char *fields)
{
    assert(read_fields(fields) == SP_INCOMING_COMPLETE);
    return incoming.expects_continue;
}

static void
test_client_waits_only_with_a_body(void)
{
    assert(asks_to_wait("Expect: 100-Continue\r\nContent-Length: 1"));
    assert(asks_to_wait("Transfer-Encoding: chunked\r\nExpect: 100-continue"));
    assert(!asks_to_wait("Expect: 100-continue\r\nContent-Length: 0"));
    assert(!asks_to_wait("Expect: 100-continue"));
    assert(!asks_to_wait("Expect: 100-continued\r\nContent-Length: 1"));
    assert(read_head("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n") ==
           SP_INCOMING_COMPLETE);
    assert(!incoming.expects_continue);
}

static enum sp_upgrade
upgrade_of(const char *fields)
{
    assert(read_fields(fields) == SP_INCOMING_COMPLETE);
    return incoming.upgrade;
}

/* Wherever the fields stand; test_upgrade has what they may say. */
static void
test_upgrades(void)
{
    assert(upgrade_of("Connection: keep-alive, UPGRADE\r\nUpgrade: websocket") ==
           SP_UPGRADE_WEBSOCKET);
    assert(upgrade_of("Upgrade: a/1, b\r\nConnection: x\r\nConnection: upgrade") ==
           SP_UPGRADE_OFFERED);
    assert(upgrade_of("Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 0") ==
           SP_UPGRADE_OFFERED);
    assert(upgrade_of("Connection: upgrade\r\nUpgrade: h2c/1\r\nUpgrade: websocket") ==
           SP_UPGRADE_WEBSOCKET);
    assert(upgrade_of("Connection: upgrade\r\nUpgrade: TLS/1.2") == SP_UPGRADE_NONE);
    assert(upgrade_of("Connection: upgrade") == SP_UPGRADE_NONE);
    assert(upgrade_of("Upgrade: websocket") == SP_UPGRADE_NONE);
    assert(upgrade_of("Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 1") == SP_UPGRADE_NONE);
    assert(upgrade_of("Connection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked") ==
           SP_UPGRADE_NONE);
    assert(read_head("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n") ==
           SP_INCOMING_COMPLETE);
    assert(incoming.upgrade == SP_UPGRADE_NONE);
}

static void
test_only_one_empty_line_is_forgiven(void)
{
    assert(read_head("\r") == SP_INCOMING_MORE);
    assert(read_head("\r\n") == SP_INCOMING_MORE);
    assert(read_head("\r\nGET / HTTP/1.0\r\n\r\n") == SP_INCOMING_COMPLETE);
    assert(incoming.length == 20);
    assert(is_refused(read_head("\r\n\r"), 400));
    assert(is_refused(read_head("\rG"), 400));
    assert(is_refused(read_head("\n"), 400));
}

/* No method can begin so, whatever follows. */
static void
test_first_bytes_are_refused_at_once(void)
{
    assert(read_head("") == SP_INCOMING_MORE);
    assert(read_head("G") == SP_INCOMING_MORE);
    assert(is_refused(read_head("\x16"), 400) && strstr(incoming.reason, "HTTPS") != NULL);
    assert(is_refused(read_head("\x16\x03\x01"), 400) && strstr(incoming.reason, "HTTPS") != NULL);
    assert(is_refused(read_head("\xff"), 400) && is_refused(read_head(" "), 400));
    assert(is_refused(read_head("GET\r"), 400) && is_refused(read_head("{\"a\": 1}"), 400));
    assert(is_refused(read_head("GET / HTTP/1.1\n"), 400));
    assert(is_refused(read_head("GET / HTTP/1.1\r\nHost: a\n"), 400));
    assert(is_refused(read_head("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 501));
}

int
main(void)
{
    test_plain_head_is_taken();
    test_struct_is_used_again();
    test_field_lines();
    test_nul_is_refused_everywhere();
    test_hosts();
    test_coding_in_http_1_0_is_refused();
    test_connect_with_a_body_is_refused();
    test_version_and_connection_decide_what_is_kept();
    test_client_waits_only_with_a_body();
    test_upgrades();
    test_only_one_empty_line_is_forgiven();
    test_first_bytes_are_refused_at_once();
    (void)puts("incoming: ok");
    return 0;
}

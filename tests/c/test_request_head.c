/* The request's head as it goes upstream: nothing that ends a line early, nothing of another
 * hop, everything else in its order. */
#undef NDEBUG
#include "bytes.h"
#include "wire/request_head.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct sp_span none = {NULL, 0};

static struct sp_field
field(const char *name, const char *value)
{
    return (struct sp_field){span(name), span(value)};
}

static void
builds(const struct sp_field *fields, size_t count, const char *expected)
{
    struct sp_buffer block;

    sp_buffer_init(&block, SP_REQUEST_HEAD_CEILING);
    assert(sp_request_head_build(&block, fields, count, none) == SP_REQUEST_FIT);
    assert(is(sp_buffer_peek(&block), expected));
    sp_buffer_clear(&block);
}

static bool
builds_at_all(struct sp_field only, size_t ceiling)
{
    struct sp_buffer block;

    sp_buffer_init(&block, ceiling);
    bool built = sp_request_head_build(&block, &only, 1, none) == SP_REQUEST_FIT;
    sp_buffer_clear(&block);
    return built;
}

static void
builds_marked(const struct sp_field *fields, size_t count, const char *expected)
{
    struct sp_buffer block;

    sp_buffer_init(&block, SP_REQUEST_HEAD_CEILING);
    assert(sp_request_head_build(&block, fields, count, span("samesite-1")) == SP_REQUEST_FIT);
    assert(is(sp_buffer_peek(&block), expected));
    sp_buffer_clear(&block);
}

static void
test_order_duplicates_and_empty_values_are_kept(void)
{
    struct sp_field fields[] = {field("Host", "x"), field("B", "2"), field("a", ""),
                                field("B", "1"), field("Cookie", "c=\xe9; d")};

    builds(fields, COUNT(fields), "Host: x\r\nB: 2\r\na: \r\nB: 1\r\nCookie: c=\xe9; d");
    builds(NULL, 0, "");
}

static void
test_what_ends_here_is_left_out(void)
{
    struct sp_field fields[] = {
        field("content-length", "5"),    field("Transfer-Encoding", "chunked"),
        field("EXPECT", "100-continue"), field("x-Middleware-Subrequest", "middleware"),
        field("TE", "trailers"),         field("X", "y"),
        field("Keep-Alive", "5"),        field("Upgrade", "h2c"),
        field("Trailer", "x"),           field("Proxy-Authorization", "secret"),
    };

    builds(fields, COUNT(fields), "X: y");
}

/* Each is read as another by those who take `_` for `-`. */
static void
test_names_that_pass_for_others_are_left_out(void)
{
    static const char *const dropped[] = {
        "X_Forwarded_For",     "x-forwarded_proto",       "X_Forwarded-Anything",
        "X-Real_IP",           "X-Middleware_Subrequest", "CDN_Loop",
        "Content_Length",      "TRANSFER_ENCODING",       "Keep_Alive",
        "Proxy_Authorization", "HTTP2_Settings",          "Sec_WebSocket_Key",
        "X_Nominated",
    };
    static const char *const kept[] = {"X_Y",        "User_Agent",  "Content_Type",
                                       "_",          "X_Forwarded", "Accept_Encoding",
                                       "X__Real_IP", "Upgrade_"};
    struct sp_field nominating = field("Connection", "x-nominated");

    for (size_t i = 0; i < COUNT(dropped); i++) {
        struct sp_field fields[] = {nominating, field(dropped[i], "1")};
        builds(fields, 2, "");
    }
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct sp_field fields[] = {nominating, field(kept[i], "1")};
        char line[64];
        (void)snprintf(line, sizeof(line), "%s: 1", kept[i]);
        builds(fields, 2, line);
    }
}

/* Of an upgrade's protocols those that may be offered, and nothing more. */
static void
test_what_is_offered_crosses(void)
{
    struct sp_field fields[] = {
        field("Upgrade", "TLS/1.2, foo/1 ,h2c,bar"),
        field("Host", "x"),
        field("Connection", "Upgrade, HTTP2-Settings, X-Nominated"),
        field("HTTP2-Settings", "AA"),
        field("upgrade", "h2c"),
        field("UPGRADE", "websocket"),
        field("X-Nominated", "1"),
    };
    struct sp_buffer block;

    sp_buffer_init(&block, SP_REQUEST_HEAD_CEILING);
    assert(sp_request_head_build_upgrade(&block, fields, COUNT(fields), none) == SP_REQUEST_FIT);
    assert(is(sp_buffer_peek(&block), "Upgrade: foo/1, bar\r\nHost: x\r\nUPGRADE: "
                                      "websocket\r\nConnection: Upgrade"));
    sp_buffer_clear(&block);
    builds(fields, COUNT(fields), "Host: x");
}

/* Also by a Connection field that comes last, or twice. */
static void
test_nominated_fields_are_left_out_wherever_nominated(void)
{
    struct sp_field fields[] = {field("X-One", "1"),  field("Connection", "x-two"),
                                field("X-Two", "2"),  field("Host", "h"),
                                field("X-Last", "l"), field("connection", "close, X-One, Host")};

    builds(fields, COUNT(fields), "Host: h\r\nX-Last: l");
}

/* A list that two Connection fields cut in the middle nominates the parts, not
 * the whole. */
static void
test_two_connection_fields_do_not_join_names(void)
{
    struct sp_field fields[] = {field("Connection", "X-"), field("Connection", "One"),
                                field("X-One", "1")};

    builds(fields, COUNT(fields), "X-One: 1");
}

/* The last that is not empty has it, and nobody nominates it away. */
static void
test_token_of_a_loop_comes_last_in_its_list(void)
{
    const char *shared = "a; x=1";
    struct sp_field lines[] = {field("Host", "h"),
                               field("cdn-loop", "first"),
                               field("B", shared),
                               field("CDN-Loop", shared),
                               field("CDN_Loop", shared),
                               field("CDN-LOOP", ""),
                               field("Connection", "CDN-Loop")};

    builds_marked(lines, COUNT(lines),
                  "Host: h\r\ncdn-loop: first\r\nB: a; x=1\r\nCDN-Loop: a; x=1, samesite-1\r\n"
                  "CDN-LOOP: ");
    builds_marked(NULL, 0, "CDN-Loop: samesite-1");
    builds_marked(lines, 1, "Host: h\r\nCDN-Loop: samesite-1");
}

static void
test_every_byte_that_could_end_a_line_is_refused(void)
{
    for (int c = 0; c < 256; c++) {
        char bytes[] = {'a', (char)(unsigned char)c, 'b'};
        struct sp_span odd = {bytes, sizeof(bytes)};
        bool in_value = c != '\r' && c != '\n' && c != '\0';
        assert(builds_at_all((struct sp_field){span("a"), odd}, 100) == in_value);
        assert(builds_at_all((struct sp_field){odd, span("v")}, 100) ==
               sp_field_name_is_valid(odd));
    }
    assert(!builds_at_all(field("", "v"), 100));
}

/* What is not sent is looked at all the same. */
static void
test_bad_value_in_a_dropped_field_is_refused(void)
{
    assert(!builds_at_all(field("Connection", "close\r\nX: y"), 100));
    assert(!builds_at_all(field("Expect", "\n"), 100));
}

static void
test_ceiling_is_kept(void)
{
    assert(builds_at_all(field("Name", "value"), sizeof("Name: value") - 1));
    assert(!builds_at_all(field("Name", "value"), sizeof("Name: value") - 2));

    char *value = malloc(SP_REQUEST_HEAD_CEILING + 1);
    assert(value != NULL);
    memset(value, 'x', SP_REQUEST_HEAD_CEILING + 1);
    struct sp_span huge = {value, SP_REQUEST_HEAD_CEILING + 1};
    assert(!builds_at_all((struct sp_field){span("a"), huge}, SP_REQUEST_HEAD_CEILING));
    assert(!builds_at_all((struct sp_field){span("Connection"), huge}, SP_REQUEST_HEAD_CEILING));
    free(value);
}

static enum sp_request_verdict
verdict_on(const char *name, size_t value_length, size_t target_length)
{
    static char bytes[SP_REQUEST_HEAD_CEILING];
    struct sp_field only = {span(name), {bytes, value_length}};
    struct sp_buffer block;

    memset(bytes, 'x', sizeof(bytes));
    sp_request_head_init(&block, span("GET"), (struct sp_span){bytes, target_length});
    enum sp_request_verdict verdict = sp_request_head_build(&block, &only, 1, none);
    sp_buffer_clear(&block);
    return verdict;
}

/* The whole head counts: its line, its fields, and what stands between them. */
static void
test_a_long_head_is_told_from_a_bad_one(void)
{
    size_t most = SP_REQUEST_HEAD_CEILING - (sizeof("GET  HTTP/1.1\r\na: \r\n\r\n") - 1);

    assert(verdict_on("a", most - 1, 1) == SP_REQUEST_FIT);
    assert(verdict_on("a", most - 500, 501) == SP_REQUEST_TOO_LONG);
    assert(verdict_on("a", 0, SP_REQUEST_HEAD_CEILING) == SP_REQUEST_TOO_LONG);
    assert(verdict_on("Connection", SP_REQUEST_HEAD_CEILING, 1) == SP_REQUEST_TOO_LONG);
    assert(verdict_on("a b", 1, 1) == SP_REQUEST_INVALID);
}

static void
test_methods_are_tokens(void)
{
    assert(sp_method_is_valid(span("GET")));
    assert(sp_method_is_valid(span("M-SEARCH")));
    assert(!sp_method_is_valid(span("")));
    assert(!sp_method_is_valid(span("GET ")));
    assert(!sp_method_is_valid(span("GET / HTTP/1.1\r\nX:")));
    assert(!sp_method_is_valid((struct sp_span){"G\0", 2}));
}

static void
test_targets_cross_but_for_what_ends_the_line(void)
{
    static const char *const good[] = {"/",     "//evil/x",      "/../a/./b", "/a?b=c#d",
                                       "/%2f%", "/\xed\x95\x9c", "*",         "/\\|^`{}\"<>"};
    static const char *const bad[] = {"",    "**", "* ", "a",   "?x",   "http://h/", "/a b",
                                      "/\r", "\t", " /", "/\n", "h:80", "*/x"};

    for (size_t i = 0; i < COUNT(good); i++) {
        assert(sp_target_is_valid(span(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert(!sp_target_is_valid(span(bad[i])));
    }
    for (int c = 0; c < 256; c++) {
        char target[] = {'/', (char)(unsigned char)c};
        assert(sp_target_is_valid((struct sp_span){target, 2}) == (c > ' ' && c != 0x7F));
    }
}

static enum sp_request_verdict
verdict_on_many(size_t count, struct sp_field last, struct sp_span token)
{
    static struct sp_field fields[SP_REQUEST_GIVEN_MOST + 1];
    struct sp_buffer block;

    for (size_t i = 0; i + 1 < count; i++) {
        fields[i] = field("a", "");
    }
    fields[count - 1] = last;
    sp_buffer_init(&block, SP_REQUEST_HEAD_CEILING);
    enum sp_request_verdict verdict = sp_request_head_build(&block, fields, count, token);
    sp_buffer_clear(&block);
    return verdict;
}

static void
test_fields_that_are_sent_are_counted(void)
{
    struct sp_field sent = field("a", "");
    struct sp_field dropped = field("Keep-Alive", "1");
    struct sp_field ours = field("X-Forwarded-Host", "a");

    assert(verdict_on_many(SP_MAX_FIELDS, sent, none) == SP_REQUEST_FIT);
    assert(verdict_on_many(SP_MAX_FIELDS + 1, sent, none) == SP_REQUEST_TOO_LONG);
    assert(verdict_on_many(SP_MAX_FIELDS + 1, dropped, none) == SP_REQUEST_FIT);
    assert(verdict_on_many(SP_MAX_FIELDS + 1, ours, span("samesite-1")) == SP_REQUEST_FIT);
    assert(verdict_on_many(SP_REQUEST_GIVEN_MOST + 1, dropped, none) == SP_REQUEST_TOO_LONG);
}

int
main(void)
{
    test_order_duplicates_and_empty_values_are_kept();
    test_what_ends_here_is_left_out();
    test_what_is_offered_crosses();
    test_names_that_pass_for_others_are_left_out();
    test_nominated_fields_are_left_out_wherever_nominated();
    test_two_connection_fields_do_not_join_names();
    test_token_of_a_loop_comes_last_in_its_list();
    test_every_byte_that_could_end_a_line_is_refused();
    test_bad_value_in_a_dropped_field_is_refused();
    test_ceiling_is_kept();
    test_fields_that_are_sent_are_counted();
    test_a_long_head_is_told_from_a_bad_one();
    test_methods_are_tokens();
    test_targets_cross_but_for_what_ends_the_line();
    (void)puts("request_head: ok");
    return 0;
}

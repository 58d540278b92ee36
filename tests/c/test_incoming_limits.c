/* The head of a request as it drips in, and when it is too much. */
#undef NDEBUG
#include "bytes.h"
#include "wire/incoming.h"

#include <assert.h>
#include <stdio.h>

static struct sp_incoming incoming;

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

static bool
is_refused(enum sp_incoming_step step, int status)
{
    return step == SP_INCOMING_REFUSED && incoming.status == status;
}

/* Gives one byte more each time, as a slow client does; the number of bytes that decided. */
static size_t
drip(struct sp_span bytes, enum sp_incoming_step *step)
{
    size_t scanned = 0;

    for (size_t len = 0; len <= bytes.len; len++) {
        *step = sp_incoming_parse(&incoming, (struct sp_span){bytes.data, len}, &scanned);
        if (*step != SP_INCOMING_MORE) {
            return len;
        }
    }
    return bytes.len;
}

static void
test_dripped_head_is_the_same(void)
{
    static const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nnext";
    enum sp_incoming_step step = SP_INCOMING_MORE;

    assert(drip(span(text), &step) == sizeof(text) - 1 - 4 && step == SP_INCOMING_COMPLETE);
    assert(incoming.length == sizeof(text) - 1 - 4 && incoming.count == 2);
}

/* `start`, bytes without end, and perhaps `end`. */
static struct sp_span
long_head(char *text, const char *start, size_t filled, const char *end)
{
    size_t len = strlen(start);

    memcpy(text, start, len);
    memset(text + len, 'x', filled);
    memcpy(text + len + filled, end, strlen(end));
    return (struct sp_span){text, len + filled + strlen(end)};
}

static void
test_limit_of_a_target(void)
{
    static char text[2 * SP_INCOMING_CEILING];
    const char *end = " HTTP/1.0\r\n\r\n";
    enum sp_incoming_step step = SP_INCOMING_MORE;

    assert(read_bytes(long_head(text, "GET /", SP_INCOMING_TARGET_CEILING - 1, end)) ==
           SP_INCOMING_COMPLETE);
    assert(incoming.target.len == SP_INCOMING_TARGET_CEILING);
    assert(is_refused(read_bytes(long_head(text, "GET /", SP_INCOMING_TARGET_CEILING, end)), 414));
    assert(read_bytes(long_head(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /",
                                SP_INCOMING_TARGET_CEILING - 1, end)) == SP_INCOMING_COMPLETE);
    /* Long before a head would be too long. */
    struct sp_span endless = long_head(text, "GET /", SP_INCOMING_CEILING, "");
    assert(drip(endless, &step) < SP_INCOMING_TARGET_CEILING + 64 && is_refused(step, 414));
    assert(is_refused(read_bytes(endless), 414));
}

static void
test_limit_of_a_head(void)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    static char text[2 * SP_INCOMING_CEILING];
    size_t most = SP_INCOMING_CEILING - strlen(start) - 4;
    enum sp_incoming_step step = SP_INCOMING_MORE;

    assert(read_bytes(long_head(text, start, most, "\r\n\r\n")) == SP_INCOMING_COMPLETE);
    assert(incoming.length == SP_INCOMING_CEILING);
    assert(is_refused(read_bytes(long_head(text, start, most + 1, "\r\n\r\n")), 431));
    assert(is_refused(read_bytes(long_head(text, start, most + 4, "\n")), 431));
    struct sp_span endless = long_head(text, start, SP_INCOMING_CEILING, "");
    assert(drip(endless, &step) == SP_INCOMING_CEILING && is_refused(step, 431));
}

static void
test_limit_of_fields(void)
{
    static char text[SP_INCOMING_CEILING];
    size_t len = strlen(strcpy(text, "GET / HTTP/1.0\r\n"));

    for (size_t i = 0; i < SP_MAX_FIELDS; i++) {
        len += strlen(strcpy(text + len, "a:\r\n"));
    }
    (void)strcpy(text + len, "\r\n");
    assert(read_head(text) == SP_INCOMING_COMPLETE && incoming.count == SP_MAX_FIELDS);
    (void)strcpy(text + len, "a:\r\n\r\n");
    assert(is_refused(read_head(text), 431));
}

int
main(void)
{
    test_dripped_head_is_the_same();
    test_limit_of_a_target();
    test_limit_of_a_head();
    test_limit_of_fields();
    (void)puts("incoming limits: ok");
    return 0;
}

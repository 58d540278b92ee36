/* A head whose target is a whole address, and the same in origin form. */
#undef NDEBUG
#include "bytes.h"
#include "wire/absolute_form.h"

#include <assert.h>
#include <stdio.h>

struct pair {
    const char *absolute;
    const char *origin; /* NULL: it is no address */
};

static const struct pair pairs[] = {
    {"GET http://a/b?c HTTP/1.1\r\nHost: z\r\n\r\n", "GET /b?c HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"GET HTTP://a:1?c HTTP/1.1\r\nX: y\r\nhost:\t\r\nA:b\r\n\r\n",
     "GET /?c HTTP/1.1\r\nX: y\r\nhost:\ta:1\r\nA:b\r\n\r\n"},
    {"GET http://[::1] HTTP/1.1\r\nHost:z \r\n\r\n", "GET / HTTP/1.1\r\nHost:[::1] \r\n\r\n"},
    {"OPTIONS http://a HTTP/1.1\r\nHost: z\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"OPTIONS http://a?b HTTP/1.1\r\nHost: z\r\n\r\n", "OPTIONS /?b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"GET http://a HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n"},
    {"GET http://a//b HTTP/1.0\r\nX: y\r\n\r\n", "GET //b HTTP/1.0\r\nHost: a\r\nX: y\r\n\r\n"},
    {"GET /http://a HTTP/1.1\r\nHost: z\r\n\r\n", NULL},
    {"OPTIONS * HTTP/1.1\r\nHost: z\r\n\r\n", NULL},
    {"CONNECT a:80 HTTP/1.1\r\nHost: z\r\n\r\n", NULL},
};

static struct sp_incoming incoming;

static void
check(const struct pair *pair)
{
    struct sp_buffer head;
    size_t scanned = 0;

    sp_buffer_init(&head, SP_INCOMING_CEILING);
    assert(sp_incoming_parse(&incoming, span(pair->absolute), &scanned) == SP_INCOMING_COMPLETE);
    assert(sp_absolute_form_is(&incoming) == (pair->origin != NULL));
    if (pair->origin != NULL) {
        assert(sp_absolute_form_settle(&incoming, &head));
        assert(is(sp_buffer_peek(&head), pair->origin));
    }
    sp_buffer_clear(&head);
}

static void
test_ceiling_is_kept(void)
{
    struct sp_buffer head;
    size_t scanned = 0;

    sp_buffer_init(&head, 20);
    assert(sp_incoming_parse(&incoming, span(pairs[0].absolute), &scanned) == SP_INCOMING_COMPLETE);
    assert(!sp_absolute_form_settle(&incoming, &head));
    sp_buffer_clear(&head);
}

int
main(void)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        check(&pairs[i]);
    }
    test_ceiling_is_kept();
    (void)puts("absolute_form: ok");
    return 0;
}

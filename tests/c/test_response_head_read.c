/* The answer's head as it is read from a socket: however it is cut, it is what its lines say. */
#undef NDEBUG
#include "bytes.h"
#include "wire/response_head.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* What has come of some bytes. */
struct outcome {
    struct sp_response_head head;
    enum sp_head_step step;
    size_t interims;
    size_t rest; /* bytes behind the head */
};

static void
begin(struct outcome *outcome)
{
    *outcome = (struct outcome){.step = SP_HEAD_MORE};
    sp_response_head_init(&outcome->head);
    outcome->head.offer = span("Upgrade: websocket");
}

/* The same line by line, as one who has them whole gives them. */
static struct outcome
add_lines(struct sp_span bytes)
{
    struct outcome outcome;

    begin(&outcome);
    while (bytes.len > 0 && (outcome.step == SP_HEAD_MORE || outcome.step == SP_HEAD_INTERIM)) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        assert(end != NULL);
        size_t len = (size_t)(end - bytes.data) + 1;
        outcome.step = sp_response_head_add(&outcome.head, (struct sp_span){bytes.data, len});
        outcome.interims += outcome.step == SP_HEAD_INTERIM ? 1 : 0;
        bytes = (struct sp_span){bytes.data + len, bytes.len - len};
    }
    outcome.rest = bytes.len;
    return outcome;
}

/* A piece of its own memory, so that nothing may be read behind its end or later. */
static void
read_piece(struct outcome *outcome, struct sp_span piece)
{
    char *copy = malloc(piece.len + 1);
    assert(copy != NULL);
    memcpy(copy, piece.data, piece.len);
    struct sp_span bytes = {copy, piece.len};

    bool goes_on = piece.len > 0;
    while (goes_on) {
        outcome->step = sp_response_head_read(&outcome->head, &bytes);
        outcome->interims += outcome->step == SP_HEAD_INTERIM ? 1 : 0;
        goes_on = outcome->step == SP_HEAD_INTERIM && bytes.len > 0;
    }
    assert(outcome->step != SP_HEAD_MORE || bytes.len == 0);
    outcome->rest += bytes.len;
    free(copy);
}

static void
assert_same(struct outcome *a, struct outcome *b)
{
    assert(a->step == b->step && a->interims == b->interims && a->rest == b->rest);
    assert(a->head.broken == b->head.broken && a->head.complete == b->head.complete);
    assert(sp_span_equal(sp_buffer_peek(&a->head.lines), sp_buffer_peek(&b->head.lines)));
    assert(sp_span_equal(sp_buffer_peek(&a->head.nominated), sp_buffer_peek(&b->head.nominated)));
    assert(sp_span_equal(sp_buffer_peek(&a->head.reason), sp_buffer_peek(&b->head.reason)));
    assert(a->head.status == b->head.status && a->head.count == b->head.count);
    assert(a->head.content_length == b->head.content_length);
    assert(a->head.keep_alive == b->head.keep_alive);
    assert(a->head.http_1_0 == b->head.http_1_0 && a->head.chunked == b->head.chunked);
    sp_response_head_clear(&a->head);
}

static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close, X\r\n\r\nbody",
    "HTTP/1.0 404 Not Found\nServer:x\n\n\r\n\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 2000\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\rc\r\nX: y\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n",
};

static void
test_one_piece_is_what_its_lines_say(void)
{
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct outcome lines = {.step = SP_HEAD_MORE};
        struct outcome whole;
        struct sp_span bytes = span(answers[i]);
        /* What has no LF is no line, but a body. */
        size_t len = bytes.len;
        while (bytes.data[len - 1] != '\n') {
            len--;
        }
        lines = add_lines((struct sp_span){bytes.data, len});
        lines.rest += bytes.len - len;
        begin(&whole);
        read_piece(&whole, bytes);
        assert_same(&whole, &lines);
        sp_response_head_clear(&lines.head);
    }
}

static void
test_every_cut_gives_the_same(void)
{
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct sp_span bytes = span(answers[i]);
        struct outcome whole;
        begin(&whole);
        read_piece(&whole, bytes);
        for (size_t cut = 0; cut <= bytes.len; cut++) {
            struct outcome halves;
            begin(&halves);
            read_piece(&halves, (struct sp_span){bytes.data, cut});
            read_piece(&halves, (struct sp_span){bytes.data + cut, bytes.len - cut});
            assert_same(&halves, &whole);
        }
        sp_response_head_clear(&whole.head);
    }
}

static void
test_random_cuts_give_the_same(void)
{
    uint32_t state = 9;

    for (size_t i = 0; i < 300 * COUNT(answers); i++) {
        struct sp_span bytes = span(answers[i % COUNT(answers)]);
        struct outcome whole;
        struct outcome pieces;
        uint32_t longest = 1 + next_random(&state) % 24;
        begin(&whole);
        begin(&pieces);
        read_piece(&whole, bytes);
        while (bytes.len > 0) {
            size_t len = 1 + next_random(&state) % longest;
            len = len < bytes.len ? len : bytes.len;
            read_piece(&pieces, (struct sp_span){bytes.data, len});
            bytes = (struct sp_span){bytes.data + len, bytes.len - len};
        }
        assert_same(&pieces, &whole);
        sp_response_head_clear(&whole.head);
    }
}

/* Of a line's text, with its CR. */
static const size_t room = SP_RESPONSE_HEAD_CEILING + 1;

/* How many bytes like this one a head takes behind its beginning, one by one or many at once. */
static size_t
count_taken(const char *beginning, char byte, size_t at_once)
{
    static char many[4096];
    struct sp_response_head head;
    struct sp_span bytes = span(beginning);
    size_t count = 0;

    memset(many, byte, sizeof(many));
    sp_response_head_init(&head);
    while (bytes.len > 0) {
        assert(sp_response_head_read(&head, &bytes) != SP_HEAD_REFUSED);
    }
    do {
        bytes = (struct sp_span){many, at_once};
        count += at_once;
        assert(head.begun.capacity <= SP_RESPONSE_HEAD_CEILING + 2);
        assert(count <= room + at_once);
    } while (sp_response_head_read(&head, &bytes) == SP_HEAD_MORE);
    assert(head.broken != NULL);
    bytes = span("\r\n\r\n");
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_REFUSED && bytes.len == 4);
    sp_response_head_clear(&head);
    return count;
}

static void
test_line_without_an_end_is_refused_at_the_ceiling(void)
{
    assert(count_taken("", 'x', 1) == room + 1);
    assert(count_taken("HTTP/1.1 200 ", 'x', 1) == room - 13 + 1);
    assert(count_taken("HTTP/1.1 200 OK\r\nX: ", 'x', 1) == room - 3 + 1);
    assert(count_taken("HTTP/1.1 200 OK\r\nX: y\r\nX: ", 'x', 1) == room - 5 - 3 + 1);
    assert(count_taken("HTTP/1.1 103\r\nX: yyyyyyyy\r\n\r\n", 'x', 1) == room + 1);
    assert(count_taken("HTTP/1.1 200 OK\r\nX: ", 'x', 4096) == SP_RESPONSE_HEAD_CEILING);
}

/* The longest head, and one byte more; what ends the line decides nothing. */
static void
test_whole_lines_have_the_same_ceiling(void)
{
    static const char beginning[] = "HTTP/1.1 200 OK\r\nX:";
    const size_t first = sizeof(beginning) - 1;
    char *bytes = malloc(first + room + 4);

    assert(bytes != NULL);
    memcpy(bytes, beginning, first);
    for (size_t more = 0; more < 2; more++) {
        size_t len = first + room - 4 + more;
        memset(bytes + first, 'y', room);
        memcpy(bytes + len, "\r\n\r\n", 4);
        for (size_t cut = 1; cut < len + 4; cut += cut < len - 4 ? len / 9 : 1) {
            struct outcome outcome;
            begin(&outcome);
            read_piece(&outcome, (struct sp_span){bytes, cut});
            read_piece(&outcome, (struct sp_span){bytes + cut, len + 4 - cut});
            assert(outcome.step == (more == 0 ? SP_HEAD_COMPLETE : SP_HEAD_REFUSED));
            sp_response_head_clear(&outcome.head);
        }
    }
    free(bytes);
}

static void
test_fields_have_the_same_ceiling(void)
{
    static char bytes[SP_MAX_FIELDS * 4 + 64] = "HTTP/1.1 200\r\n";

    for (size_t fields = SP_MAX_FIELDS; fields <= SP_MAX_FIELDS + 1; fields++) {
        size_t len = strlen("HTTP/1.1 200\r\n");
        for (size_t i = 0; i < fields; i++, len += 4) {
            memcpy(bytes + len, "a:\r\n", 4);
        }
        memcpy(bytes + len, "\r\n", 2);
        for (size_t cut = 0; cut < len; cut += 97) {
            struct outcome outcome;
            begin(&outcome);
            read_piece(&outcome, (struct sp_span){bytes, cut});
            read_piece(&outcome, (struct sp_span){bytes + cut, len + 2 - cut});
            assert((outcome.step == SP_HEAD_COMPLETE) == (fields == SP_MAX_FIELDS));
            sp_response_head_clear(&outcome.head);
        }
    }
}

/* Who has read nothing new learns nothing new, and a whole head takes no more. */
static void
test_head_that_is_whole_takes_nothing(void)
{
    struct sp_response_head head;
    struct sp_span bytes = span("HTTP/1.1 103\r\nLink: </a>\r\n\r\nHTTP/1.1 204\r\n\r\nX: y\r\n");

    sp_response_head_init(&head);
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_INTERIM && head.status == 103);
    assert(head.is_interim && head.count == 1);
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_COMPLETE && head.status == 204);
    assert(is(bytes, "X: y\r\n") && head.count == 0);
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_COMPLETE && is(bytes, "X: y\r\n"));
    sp_response_head_clear(&head);
    bytes = span("");
    sp_response_head_init(&head);
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_MORE);
    bytes = span("HTTP/1.1 103\r\n\r\n");
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_INTERIM && bytes.len == 0);
    assert(sp_response_head_read(&head, &bytes) == SP_HEAD_MORE && head.status == 103);
    sp_response_head_clear(&head);
}

int
main(void)
{
    test_one_piece_is_what_its_lines_say();
    test_every_cut_gives_the_same();
    test_random_cuts_give_the_same();
    test_line_without_an_end_is_refused_at_the_ceiling();
    test_whole_lines_have_the_same_ceiling();
    test_fields_have_the_same_ceiling();
    test_head_that_is_whole_takes_nothing();
    (void)puts("response_head_read: ok");
    return 0;
}

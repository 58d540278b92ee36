/* Any bytes as an answer's head, line by line, or in whatever pieces: no crash, and nothing crosses
 * that another reader could take for something else. */
#undef NDEBUG
#include "wire/hop_by_hop.h"
#include "wire/response_head.h"
#include "wire/returning.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's own name */

/* Of what is sent to the client, the next. */
static void
check_line(struct sp_span *sent, const struct sp_field *field)
{
    struct sp_span line = sp_span_cut(sent, '\n');
    struct sp_field read;

    assert(line.len > 0 && line.data[line.len - 1] == '\r');
    line.len--;
    assert(sp_field_parse(line, &read) && sp_span_equal(read.name, field->name) &&
           sp_span_equal(read.value, field->value));
}

static void
check_fields(const struct sp_response_head *head)
{
    struct sp_span rest = sp_buffer_peek(&head->lines);
    const struct sp_returning returning = {.head = head};
    struct sp_field field;
    struct sp_buffer out;

    sp_buffer_init(&out, rest.len + head->reason.len + sizeof("HTTP/1.1 200 \r\n"));
    bool is_plain = sp_response_head_is_plain(head);
    assert(!is_plain || sp_returning_append(&out, &returning));
    struct sp_span sent = sp_buffer_peek(&out);
    if (is_plain) {
        (void)sp_span_cut(&sent, '\n');
    }
    while (sp_response_head_next(head, &rest, &field)) {
        assert(sp_field_name_is_valid(field.name) && sp_field_value_is_valid(field.value));
        assert(!sp_is_hop_by_hop(field.name, sp_buffer_peek(&head->nominated)));
        assert(!is_plain || !sp_places_are_in(sp_name_of(field.name)));
        if (is_plain) {
            check_line(&sent, &field);
        }
    }
    assert(rest.len == 0 && sent.len == 0);
    sp_buffer_clear(&out);
}

static void
check_head(const struct sp_response_head *head)
{
    assert(head->status >= 200 && head->status <= 999);
    assert(!(head->chunked && head->content_length != SP_LENGTH_UNKNOWN));
    assert(!(head->chunked && head->http_1_0));
    assert(head->content_length >= SP_LENGTH_UNKNOWN && head->keep_alive >= SP_LENGTH_UNKNOWN);
    assert(sp_field_value_is_valid(sp_buffer_peek(&head->reason)));
    check_fields(head);
}

/* The last step; `*rest` is what the head has left. */
static enum sp_head_step
read_all(struct sp_response_head *head, struct sp_span *rest)
{
    enum sp_head_step step = SP_HEAD_MORE;

    do {
        step = sp_response_head_read(head, rest);
    } while (step == SP_HEAD_INTERIM && rest->len > 0);
    assert(step != SP_HEAD_MORE || rest->len == 0);
    return step;
}

/* Cut where its own bytes say. */
static enum sp_head_step
read_pieces(struct sp_response_head *head, struct sp_span *rest)
{
    enum sp_head_step step = SP_HEAD_MORE;
    size_t longest = 1 + rest->len % 31;

    while (rest->len > 0 && (step == SP_HEAD_MORE || step == SP_HEAD_INTERIM)) {
        size_t len = 1 + (unsigned char)rest->data[0] % longest;
        struct sp_span piece = {rest->data, len < rest->len ? len : rest->len};
        size_t given = piece.len;
        step = read_all(head, &piece);
        given -= piece.len;
        *rest = (struct sp_span){rest->data + given, rest->len - given};
    }
    return step;
}

static bool
is_same(const struct sp_buffer *a, const struct sp_buffer *b)
{
    return sp_span_equal(sp_buffer_peek(a), sp_buffer_peek(b));
}

static void
check_same(const struct sp_response_head *a, const struct sp_response_head *b)
{
    assert(a->status == b->status && a->count == b->count && a->chunked == b->chunked);
    assert(a->content_length == b->content_length && a->keep_alive == b->keep_alive);
    assert(a->http_1_0 == b->http_1_0 && a->complete == b->complete && a->broken == b->broken);
    assert(is_same(&a->lines, &b->lines) && is_same(&a->nominated, &b->nominated));
    assert(is_same(&a->reason, &b->reason));
}

/* `lines` has been given the same line by line. */
static void
check_reading(struct sp_span bytes, const struct sp_response_head *lines)
{
    struct sp_response_head whole;
    struct sp_response_head pieces;
    struct sp_span whole_rest = bytes;
    struct sp_span pieces_rest = bytes;

    sp_response_head_init(&whole);
    sp_response_head_init(&pieces);
    enum sp_head_step step = read_all(&whole, &whole_rest);
    assert(step == read_pieces(&pieces, &pieces_rest) && whole_rest.len == pieces_rest.len);
    check_same(&whole, &pieces);
    assert((step == SP_HEAD_COMPLETE) == lines->complete);
    if (step == SP_HEAD_COMPLETE) {
        check_head(&whole);
    }
    sp_response_head_clear(&whole);
    sp_response_head_clear(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span rest = {(const char *)data, size};
    struct sp_response_head head;
    enum sp_head_step step = SP_HEAD_MORE;

    sp_response_head_init(&head);
    while (rest.len > 0 && step != SP_HEAD_REFUSED) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.data) + 1 : rest.len;
        step = sp_response_head_add(&head, (struct sp_span){rest.data, len});
        assert(head.complete || step != SP_HEAD_COMPLETE);
        rest = (struct sp_span){rest.data + len, rest.len - len};
        if (head.complete) {
            check_head(&head);
        }
    }
    check_reading((struct sp_span){(const char *)data, size}, &head);
    sp_response_head_clear(&head);
    return 0;
}

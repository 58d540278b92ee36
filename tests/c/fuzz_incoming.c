/* Any bytes as a request's head: no crash, one reading however they drip in, and nothing is taken
 * that another reader could take for something else. */
#undef NDEBUG
#include "wire/absolute_form.h"
#include "wire/incoming.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's own name */

static struct sp_incoming first;
static struct sp_incoming second;

static void
check_inside(struct sp_span part, struct sp_span bytes)
{
    assert(part.data >= bytes.data && part.data + part.len <= bytes.data + bytes.len);
}

static void
check_fields(const struct sp_incoming *incoming, struct sp_span bytes)
{
    assert(incoming->count <= SP_MAX_FIELDS);
    for (size_t i = 0; i < incoming->count; i++) {
        struct sp_field field = incoming->fields[i];
        check_inside(field.name, bytes);
        check_inside(field.value, bytes);
        assert(sp_field_name_is_valid(field.name));
        assert(sp_field_text_length(field.value) == field.value.len);
        assert(sp_span_equal(sp_span_trim(field.value), field.value));
    }
}

static void
check_head(const struct sp_incoming *incoming, struct sp_span bytes)
{
    bool has_body = incoming->chunked || incoming->content_length > 0;

    assert(incoming->length <= bytes.len && incoming->length <= SP_INCOMING_CEILING);
    assert(memcmp(bytes.data + incoming->length - 4, "\r\n\r\n", 4) == 0);
    check_inside(incoming->method, bytes);
    check_inside(incoming->target, bytes);
    assert(sp_field_name_is_valid(incoming->method));
    assert(incoming->target.len > 0 && incoming->target.len <= SP_INCOMING_TARGET_CEILING);
    assert(incoming->has_host || (incoming->http_1_0 && incoming->host.len == 0));
    assert(sp_host_is_valid(incoming->host));
    assert(incoming->content_length >= SP_LENGTH_UNKNOWN);
    assert(!incoming->chunked || incoming->content_length == SP_LENGTH_UNKNOWN);
    assert(!incoming->http_1_0 || (!incoming->chunked && incoming->upgrade == SP_UPGRADE_NONE));
    assert(!incoming->expects_continue || has_body);
    assert(incoming->upgrade == SP_UPGRADE_NONE || !has_body);
    check_fields(incoming, bytes);
}

static void
check_same(const struct sp_incoming *a, const struct sp_incoming *b)
{
    assert(sp_span_equal(a->method, b->method) && sp_span_equal(a->target, b->target));
    assert(sp_span_equal(a->host, b->host) && a->has_host == b->has_host);
    assert(a->http_1_0 == b->http_1_0 && a->keep_alive == b->keep_alive);
    assert(a->chunked == b->chunked && a->content_length == b->content_length);
    assert(a->expects_continue == b->expects_continue && a->upgrade == b->upgrade);
    assert(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert(sp_span_equal(a->fields[i].name, b->fields[i].name));
        assert(sp_span_equal(a->fields[i].value, b->fields[i].value));
    }
}

static char *
append(char *end, struct sp_span bytes)
{
    if (bytes.len > 0) {
        memcpy(end, bytes.data, bytes.len);
    }
    return end + bytes.len;
}

/* What was read, written as the plainest head, reads the same. */
static void
check_rewritten(const struct sp_incoming *incoming)
{
    char *bytes = malloc(2 * SP_INCOMING_CEILING);
    size_t scanned = 0;

    assert(bytes != NULL);
    char *end = append(append(bytes, incoming->method), SP_SPAN(" "));
    end = append(append(end, incoming->target), SP_SPAN(" HTTP/1."));
    end = append(end, incoming->http_1_0 ? SP_SPAN("0\r\n") : SP_SPAN("1\r\n"));
    for (size_t i = 0; i < incoming->count; i++) {
        end = append(append(end, incoming->fields[i].name), SP_SPAN(":"));
        end = append(append(end, incoming->fields[i].value), SP_SPAN("\r\n"));
    }
    end = append(end, SP_SPAN("\r\n"));
    struct sp_span rewritten = {bytes, (size_t)(end - bytes)};
    assert(sp_incoming_parse(&second, rewritten, &scanned) == SP_INCOMING_COMPLETE);
    assert(second.length == rewritten.len && second.length <= incoming->length);
    check_same(incoming, &second);
    free(bytes);
}

/* In origin form it is the same request, and no address any more. */
static void
check_settled(const struct sp_incoming *incoming)
{
    struct sp_buffer head;
    size_t scanned = 0;

    sp_buffer_init(&head, SP_INCOMING_CEILING);
    if (sp_absolute_form_is(incoming) && sp_absolute_form_settle(incoming, &head)) {
        struct sp_span bytes = sp_buffer_peek(&head);
        assert(sp_incoming_parse(&second, bytes, &scanned) == SP_INCOMING_COMPLETE);
        assert(!sp_absolute_form_is(&second) && second.has_host);
        assert(second.count == incoming->count + !incoming->has_host);
        assert(second.content_length == incoming->content_length);
        assert(second.chunked == incoming->chunked && second.upgrade == incoming->upgrade);
    }
    sp_buffer_clear(&head);
}

/* The first `len` bytes where nothing follows, read at once: a sanitizer sees a step too far. */
static enum sp_incoming_step
parse_alone(struct sp_incoming *incoming, struct sp_span bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    size_t scanned = 0;

    assert(copy != NULL);
    (void)append(copy, (struct sp_span){bytes.data, len});
    enum sp_incoming_step step = sp_incoming_parse(incoming, (struct sp_span){copy, len}, &scanned);
    if (step == SP_INCOMING_COMPLETE) {
        check_head(incoming, (struct sp_span){copy, len});
    }
    free(copy);
    return step;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span bytes = {(const char *)data, size};
    enum sp_incoming_step step = SP_INCOMING_MORE;
    size_t scanned = 0;
    size_t len = 0;

    while (step == SP_INCOMING_MORE && len <= size) {
        step = sp_incoming_parse(&first, (struct sp_span){bytes.data, len}, &scanned);
        assert(scanned <= len);
        len++;
    }
    len--;
    assert(parse_alone(&second, bytes, len) == step);
    assert(step != SP_INCOMING_REFUSED || first.reason == second.reason);
    scanned = 0;
    assert(sp_incoming_parse(&second, bytes, &scanned) == step);
    if (step == SP_INCOMING_REFUSED) {
        assert(first.status == second.status && first.reason == second.reason);
    }
    if (step == SP_INCOMING_COMPLETE) {
        assert(first.length == len && second.length == len);
        check_head(&first, bytes);
        check_same(&first, &second);
        check_rewritten(&first);
        check_settled(&first);
    }
    return 0;
}

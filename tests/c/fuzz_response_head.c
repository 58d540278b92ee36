/* Any bytes as an answer's head, line by line: no crash, and nothing crosses that another
 * reader could take for something else. */
#undef NDEBUG
#include "wire/hop_by_hop.h"
#include "wire/response_head.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's own name */

static void
check_fields(const struct sp_response_head *head)
{
    struct sp_span rest = sp_buffer_peek(&head->lines);
    struct sp_field field;

    while (sp_response_head_next(head, &rest, &field)) {
        assert(sp_field_name_is_valid(field.name) && sp_field_value_is_valid(field.value));
        assert(!sp_is_hop_by_hop(field.name, sp_buffer_peek(&head->nominated)));
    }
    assert(rest.len == 0);
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
    sp_response_head_clear(&head);
    return 0;
}

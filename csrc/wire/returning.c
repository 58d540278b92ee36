#include "wire/returning.h"

static bool
append_status_line(struct sp_buffer *out, const struct sp_response_head *head)
{
    char start[] = "HTTP/1.1 000 ";
    struct sp_span reason = sp_buffer_peek(&head->reason);
    size_t len = sizeof(start) - 1 + reason.len + 2;

    start[9] = (char)('0' + head->status / 100);
    start[10] = (char)('0' + head->status / 10 % 10);
    start[11] = (char)('0' + head->status % 10);
    if (!sp_buffer_reserve(out, len)) {
        return false;
    }
    sp_buffer_put(out, (struct sp_span){start, sizeof(start) - 1});
    sp_buffer_put(out, reason);
    sp_buffer_put(out, SP_SPAN("\r\n"));
    return true;
}

/* A place of the frontend's own is named as the browser sees it. */
static bool
append_field(struct sp_buffer *out, const struct sp_returning *returning,
             const struct sp_field *field)
{
    return sp_buffer_append(out, field->name) && sp_buffer_append(out, SP_SPAN(": ")) &&
           sp_places_rewrite(out, field, returning->own_addresses, returning->origin,
                             returning->alias) &&
           sp_buffer_append(out, SP_SPAN("\r\n"));
}

bool
sp_returning_append(struct sp_buffer *out, const struct sp_returning *returning)
{
    const struct sp_response_head *head = returning->head;
    struct sp_span rest = sp_buffer_peek(&head->lines);
    struct sp_field field;
    bool appended = append_status_line(out, head);

    if (sp_response_head_is_plain(head)) {
        return appended && sp_buffer_append(out, rest);
    }
    while (appended && sp_response_head_next(head, &rest, &field)) {
        appended = append_field(out, returning, &field);
    }
    return appended;
}

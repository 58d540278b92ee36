#include "wire/cdn_loop.h"

bool
sp_is_cdn_loop(struct sp_span name)
{
    return name.len == sizeof("CDN-Loop") - 1 && sp_span_equal_nocase(name, SP_SPAN("CDN-Loop"));
}

/* How long the quoted string at the start is (RFC 9110, 5.6.4); 0 when it has no end. */
static size_t
quoted_length(struct sp_span bytes)
{
    for (size_t i = 1; i < bytes.len; i++) {
        if (bytes.data[i] == '"') {
            return i + 1;
        }
        if (bytes.data[i] == '\\') {
            i++;
        }
    }
    return 0;
}

/* Cuts the list's next element off. A quote without an end is no quote, and none after it is: a
 * client's must not hide what was appended behind it. */
static struct sp_span
cut_element(struct sp_span *list, bool *has_quotes)
{
    size_t end = 0;

    while (end < list->len && list->data[end] != ',') {
        size_t length = 1;
        if (list->data[end] == '"' && *has_quotes) {
            length = quoted_length((struct sp_span){list->data + end, list->len - end});
            *has_quotes = length > 0;
        }
        end += length;
    }
    struct sp_span element = {list->data, end};
    size_t used = end < list->len ? end + 1 : end;
    *list = (struct sp_span){list->data + used, list->len - used};
    return element;
}

/* What came before the element's parameters. */
static struct sp_span
id_of(struct sp_span element)
{
    return sp_span_cut(&element, ';');
}

bool
sp_cdn_loop_is_closed(const struct sp_field *fields, size_t count, struct sp_span token)
{
    size_t passes = 0;

    for (size_t i = 0; i < count && token.len > 0; i++) {
        struct sp_span list = fields[i].value;
        bool has_quotes = true;
        while (sp_is_cdn_loop(fields[i].name) && list.len > 0) {
            struct sp_span id = id_of(cut_element(&list, &has_quotes));
            passes += sp_span_starts_nocase(id, SP_SPAN(SP_CDN_LOOP_MARK)) ? 1 : 0;
            if (passes == SP_CDN_LOOP_MOST || sp_span_equal_nocase(id, token)) {
                return true;
            }
        }
    }
    return false;
}

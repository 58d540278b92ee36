#include "wire/cdn_loop.h"

/* A comma ends an element inside a quoted string, too: with a quote that a client leaves open, the
 * quotes of what a frontend appends pass by pass would hide every token of ours. */
bool
sp_cdn_loop_is_closed(const struct sp_field *fields, size_t count, struct sp_span token)
{
    size_t passes = 0;

    for (size_t i = 0; i < count && token.len > 0; i++) {
        struct sp_span list = fields[i].value;
        while (sp_span_equal_nocase(fields[i].name, SP_SPAN("CDN-Loop")) && list.len > 0) {
            struct sp_span element = sp_span_cut(&list, ',');
            struct sp_span id = sp_span_cut(&element, ';');
            passes += sp_span_starts_nocase(id, SP_SPAN(SP_CDN_LOOP_MARK)) ? 1 : 0;
            if (passes == SP_CDN_LOOP_MOST || sp_span_equal_nocase(id, token)) {
                return true;
            }
        }
    }
    return false;
}

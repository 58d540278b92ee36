#include "wire/places.h"

struct visitor {
    struct sp_buffer *out;
    const struct sp_own_addresses *own_addresses;
    struct sp_span origin;
    struct sp_span alias;
};

static bool
append_place(const struct visitor *visitor, struct sp_span url)
{
    return sp_location_rewrite(visitor->out, url, visitor->own_addresses, visitor->origin,
                               visitor->alias) ||
           sp_buffer_append(visitor->out, url);
}

static size_t
skip_blanks(struct sp_span value, size_t at)
{
    while (at < value.len && (value.data[at] == ' ' || value.data[at] == '\t')) {
        at++;
    }
    return at;
}

/* Behind the seconds of a Refresh and their separator, of which blanks are one too. */
static size_t
skip_seconds(struct sp_span value)
{
    size_t end = skip_blanks(value, 0);

    while (end < value.len &&
           ((value.data[end] >= '0' && value.data[end] <= '9') || value.data[end] == '.')) {
        end++;
    }
    size_t at = skip_blanks(value, end);
    if (at < value.len && (value.data[at] == ';' || value.data[at] == ',')) {
        return skip_blanks(value, at + 1);
    }
    return at > end ? at : value.len;
}

/* `5; url="..."`: seconds, a separator, and what stands for the URL; `url=` and quotes may be
 * missing (WHATWG HTML, 4.2.5.3). */
static size_t
start_of_refresh(struct sp_span value)
{
    size_t at = skip_seconds(value);
    struct sp_span rest = {value.data + at, value.len - at};
    if (sp_span_starts_nocase(rest, SP_SPAN("url"))) {
        size_t equals = skip_blanks(value, at + 3);
        if (equals < value.len && value.data[equals] == '=') {
            at = skip_blanks(value, equals + 1);
        }
    }
    return at < value.len && (value.data[at] == '"' || value.data[at] == '\'') ? at + 1 : at;
}

static bool
append_refresh(const struct visitor *visitor, struct sp_span value)
{
    size_t start = start_of_refresh(value);
    char quote = start > 0 ? value.data[start - 1] : '\0';
    bool is_quoted = quote == '"' || quote == '\'';
    size_t end = start;

    while (end < value.len && !(is_quoted && value.data[end] == quote)) {
        end++;
    }
    return sp_buffer_append(visitor->out, (struct sp_span){value.data, start}) &&
           append_place(visitor, (struct sp_span){value.data + start, end - start}) &&
           sp_buffer_append(visitor->out, (struct sp_span){value.data + end, value.len - end});
}

/* Where the next `<` outside of a quoted parameter stands (RFC 8288, 3). */
static size_t
next_target(struct sp_span value, size_t at)
{
    bool is_quoted = false;

    while (at < value.len && (is_quoted || value.data[at] != '<')) {
        if (is_quoted && value.data[at] == '\\' && at + 1 < value.len) {
            at++;
        }
        else if (value.data[at] == '"') {
            is_quoted = !is_quoted;
        }
        at++;
    }
    return at < value.len ? at + 1 : at;
}

static bool
append_link(const struct visitor *visitor, struct sp_span value)
{
    size_t done = 0;
    bool appended = true;

    while (appended && done < value.len) {
        size_t start = next_target(value, done);
        size_t end = start;
        while (end < value.len && value.data[end] != '>') {
            end++;
        }
        appended =
            sp_buffer_append(visitor->out, (struct sp_span){value.data + done, start - done}) &&
            append_place(visitor, (struct sp_span){value.data + start, end - start});
        done = end;
    }
    return appended;
}

bool
sp_places_are_in(enum sp_name name)
{
    return name == SP_NAME_LOCATION || name == SP_NAME_CONTENT_LOCATION ||
           name == SP_NAME_REFRESH || name == SP_NAME_LINK;
}

bool
sp_places_rewrite(struct sp_buffer *out, const struct sp_field *field,
                  const struct sp_own_addresses *own_addresses, struct sp_span origin,
                  struct sp_span alias)
{
    const struct visitor visitor = {out, own_addresses, origin, alias};

    switch (sp_name_of(field->name)) {
    case SP_NAME_LOCATION:
    case SP_NAME_CONTENT_LOCATION:
        return append_place(&visitor, field->value);
    case SP_NAME_REFRESH:
        return append_refresh(&visitor, field->value);
    case SP_NAME_LINK:
        return append_link(&visitor, field->value);
    default:
        return sp_buffer_append(out, field->value);
    }
}

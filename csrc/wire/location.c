#include "wire/location.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SP_MAX_PORT 65535

struct sp_own_addresses {
    atomic_uint references;
    struct sp_own_addresses_options options; /* its texts are in `bytes` */
    struct sp_span *spans;                   /* owned: the names, then the authorities */
    char *bytes;                             /* owned */
};

/* A host without brackets, and the port that is meant when none is written. */
struct authority {
    struct sp_span name;
    long long port;
};

static size_t
total_length(const struct sp_own_addresses_options *options)
{
    size_t total = options->scheme.len;

    for (size_t i = 0; i < options->name_count; i++) {
        total += options->names[i].len;
    }
    for (size_t i = 0; i < options->anywhere_count; i++) {
        total += options->anywhere[i].len;
    }
    return total;
}

static struct sp_span
copy_to(char **place, struct sp_span text)
{
    struct sp_span copy = {*place, text.len};

    if (text.len > 0) {
        memcpy(*place, text.data, text.len);
        *place += text.len;
    }
    return copy;
}

static void
copy_options(struct sp_own_addresses *own_addresses, const struct sp_own_addresses_options *options)
{
    char *place = own_addresses->bytes;
    struct sp_span *anywhere = own_addresses->spans + options->name_count;

    own_addresses->options = *options;
    own_addresses->options.scheme = copy_to(&place, options->scheme);
    for (size_t i = 0; i < options->name_count; i++) {
        own_addresses->spans[i] = copy_to(&place, options->names[i]);
    }
    for (size_t i = 0; i < options->anywhere_count; i++) {
        anywhere[i] = copy_to(&place, options->anywhere[i]);
    }
    own_addresses->options.names = own_addresses->spans;
    own_addresses->options.anywhere = anywhere;
}

bool
sp_own_addresses_new(const struct sp_own_addresses_options *options,
                     struct sp_own_addresses **own_addresses)
{
    struct sp_own_addresses *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return false;
    }
    atomic_init(&made->references, 1);
    made->bytes = malloc(total_length(options) + 1);
    made->spans = calloc(options->name_count + options->anywhere_count + 1, sizeof(*made->spans));
    if (made->bytes == NULL || made->spans == NULL) {
        sp_own_addresses_give_back(made);
        return false;
    }
    copy_options(made, options);
    *own_addresses = made;
    return true;
}

struct sp_own_addresses *
sp_own_addresses_take(struct sp_own_addresses *own_addresses)
{
    atomic_fetch_add_explicit(&own_addresses->references, 1, memory_order_relaxed);
    return own_addresses;
}

void
sp_own_addresses_give_back(struct sp_own_addresses *own_addresses)
{
    if (own_addresses != NULL && atomic_fetch_sub(&own_addresses->references, 1) == 1) {
        free(own_addresses->spans);
        free(own_addresses->bytes);
        free(own_addresses);
    }
}

static struct sp_span
skipped(struct sp_span span, size_t count)
{
    return (struct sp_span){span.data + count, span.len - count};
}

static size_t
place_of(struct sp_span span, char wanted)
{
    const char *found = span.len > 0 ? memchr(span.data, wanted, span.len) : NULL;

    return found != NULL ? (size_t)(found - span.data) : span.len;
}

/* Cuts `http:` or `https:` off; without a scheme the frontend's is meant. */
static struct sp_span
cut_scheme(struct sp_span *url, struct sp_span own)
{
    static const struct sp_span known[] = {{"http", 4}, {"https", 5}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t length = known[i].len;
        if (sp_span_starts_nocase(*url, known[i]) && url->len > length &&
            url->data[length] == ':') {
            *url = skipped(*url, length + 1);
            return known[i];
        }
    }
    return own;
}

static bool
ends_authority(char c)
{
    return c == '/' || c == '?' || c == '#';
}

/* What stands between `//` and the path, query or fragment (RFC 3986, 3.2). */
static bool
cut_authority(struct sp_span *url, struct sp_span *authority)
{
    size_t end = 2;

    if (!sp_span_starts_nocase(*url, SP_SPAN("//"))) {
        return false;
    }
    while (end < url->len && !ends_authority(url->data[end])) {
        end++;
    }
    *authority = (struct sp_span){url->data + 2, end - 2};
    *url = skipped(*url, end);
    return true;
}

/* Only an IPv6 address has colons, and only in brackets. A user's name before the host is
 * nothing that a frontend says of itself, and no host of ours contains its `@`. */
static bool
split_authority(struct sp_span text, struct sp_span scheme, struct authority *authority)
{
    bool bracketed = text.len > 0 && text.data[0] == '[';
    size_t end = place_of(text, bracketed ? ']' : ':');

    if (bracketed) {
        authority->name = (struct sp_span){text.data + 1, end - 1};
        if (end == text.len || place_of(authority->name, ':') == authority->name.len) {
            return false;
        }
        end++;
    }
    else {
        authority->name = (struct sp_span){text.data, end};
    }
    authority->port = sp_span_equal(scheme, SP_SPAN("https")) ? 443 : 80;
    if (end == text.len) {
        return true;
    }
    struct sp_span port = skipped(text, end + 1);
    return text.data[end] == ':' &&
           (port.len == 0 || sp_span_to_number(port, SP_MAX_PORT, &authority->port));
}

static bool
is_among(struct sp_span text, const struct sp_span *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sp_span_equal_nocase(text, texts[i])) {
            return true;
        }
    }
    return false;
}

static bool
is_own(const struct sp_own_addresses_options *own, struct sp_span text, struct sp_span scheme,
       struct sp_span alias)
{
    struct authority found;
    struct authority known;

    if (!split_authority(text, scheme, &found)) {
        return false;
    }
    if (alias.len > 0 && split_authority(alias, scheme, &known) && found.port == known.port &&
        sp_span_equal_nocase(found.name, known.name)) {
        return true;
    }
    return is_among(text, own->anywhere, own->anywhere_count) ||
           ((own->port == 0 || found.port == own->port) &&
            is_among(found.name, own->names, own->name_count));
}

/* As a path alone it would name another host: browsers take a backslash for a slash, and drop
 * control characters. */
static bool
needs_origin(struct sp_span rest)
{
    return rest.len > 1 && rest.data[0] == '/' &&
           (rest.data[1] == '/' || rest.data[1] == '\\' || (unsigned char)rest.data[1] < ' ');
}

bool
sp_location_rewrite(struct sp_buffer *out, struct sp_span value,
                    const struct sp_own_addresses *own_addresses, struct sp_span origin,
                    struct sp_span alias)
{
    const struct sp_own_addresses_options *own = &own_addresses->options;
    struct sp_span start = {NULL, 0};
    struct sp_span scheme = cut_scheme(&value, own->scheme);
    struct sp_span authority;
    size_t before = out->len;

    if (!cut_authority(&value, &authority) || !is_own(own, authority, scheme, alias)) {
        return false;
    }
    if (needs_origin(value)) {
        start = origin;
    }
    else if (value.len == 0 || value.data[0] != '/') {
        start = SP_SPAN("/");
    }
    if (!sp_buffer_append(out, start) || !sp_buffer_append(out, value)) {
        out->len = before;
        return false;
    }
    return true;
}

#include "wire/span.h"

#include <string.h>

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool
sp_span_equal(struct sp_span a, struct sp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
sp_span_starts_nocase(struct sp_span span, struct sp_span prefix)
{
    if (span.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (span.data[i] != prefix.data[i] && lower(span.data[i]) != lower(prefix.data[i])) {
            return false;
        }
    }
    return true;
}

bool
sp_span_contains_nocase(struct sp_span span, struct sp_span part)
{
    while (span.len >= part.len && !sp_span_starts_nocase(span, part)) {
        span.data++;
        span.len--;
    }
    return span.len >= part.len;
}

struct sp_span
sp_span_from(struct sp_span span, size_t start)
{
    if (start >= span.len) {
        return SP_SPAN("");
    }
    return (struct sp_span){span.data + start, span.len - start};
}

struct sp_span
sp_span_trim(struct sp_span span)
{
    while (span.len > 0 && is_blank(span.data[0])) {
        span.data++;
        span.len--;
    }
    while (span.len > 0 && is_blank(span.data[span.len - 1])) {
        span.len--;
    }
    return span;
}

struct sp_span
sp_span_cut(struct sp_span *rest, char separator)
{
    const char *found = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    struct sp_span part = {rest->data, found != NULL ? (size_t)(found - rest->data) : rest->len};
    size_t consumed = part.len + (found != NULL ? 1 : 0);

    *rest = (struct sp_span){rest->data + consumed, rest->len - consumed};
    return sp_span_trim(part);
}

bool
sp_span_to_number(struct sp_span digits, long long max, long long *number)
{
    long long sum = 0;

    for (size_t i = 0; i < digits.len; i++) {
        int digit = digits.data[i] - '0';
        if (digit < 0 || digit > 9 || digit > max || sum > (max - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    if (digits.len > 0) {
        *number = sum;
    }
    return digits.len > 0;
}

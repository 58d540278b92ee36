#include "wire/request_line.h"

#include "wire/field.h"
#include "wire/request_head.h"

#include <stdint.h>
#include <string.h>

/* With two spaces, the version, and its CRLF. */
#define SP_REQUEST_LINE_CEILING (SP_INCOMING_METHOD_CEILING + SP_INCOMING_TARGET_CEILING + 12)

#define SP_TLS_HANDSHAKE 0x16

static const struct sp_refusal speaks_tls = {
    400, "This port speaks HTTP, and the request came as HTTPS."};
static const struct sp_refusal no_method = {
    400, "The request does not begin with a method and a space."};
static const struct sp_refusal long_method = {501, "No method has so long a name."};
static const struct sp_refusal long_target = {414, "The target is longer than 16 KiB."};
static const struct sp_refusal no_version = {400, "The request line names no version of HTTP."};
static const struct sp_refusal bad_version = {
    400, "The request line does not end in one version of HTTP."};
static const struct sp_refusal other_version = {505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
static const struct sp_refusal bad_target = {
    400, "The target is none of the forms that a request to a server has."};

/* A bit for each byte that a host may hold. */
static const uint32_t host_bits[256 / 32] = {
    0,
    0x2FFF6FF2, /* ! $ % & ' ( ) * + - . 0 to 9 : ; = */
    0xAFFFFFFE, /* A to Z [ ] _ */
    0x47FFFFFE, /* a to z ~ */
};

bool
sp_host_is_valid(struct sp_span host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char byte = (unsigned char)host.data[i];
        if ((host_bits[byte / 32] >> (byte % 32) & 1) == 0) {
            return false;
        }
    }
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
ends_a_host(char c)
{
    return c == '/' || c == '?' || c == '#';
}

/* A host with its port, as a CONNECT names it. */
static bool
is_authority(struct sp_span target)
{
    size_t len = target.len;
    long long port = 0;

    while (len > 0 && target.data[len - 1] != ':') {
        len--;
    }
    return len > 1 && sp_host_is_valid((struct sp_span){target.data, len - 1}) &&
           sp_span_to_number((struct sp_span){target.data + len, target.len - len}, 65535, &port);
}

bool
sp_target_cut_host(struct sp_span *target, struct sp_span *host)
{
    struct sp_span scheme = SP_SPAN("http://");

    if (!sp_span_starts_nocase(*target, scheme)) {
        return false;
    }
    struct sp_span rest = {target->data + scheme.len, target->len - scheme.len};
    *host = (struct sp_span){rest.data, 0};
    while (host->len < rest.len && !ends_a_host(rest.data[host->len])) {
        host->len++;
    }
    *target = (struct sp_span){rest.data + host->len, rest.len - host->len};
    return true;
}

/* A whole address. One of https is to come by TLS (RFC 9110, 7.4), which is not spoken here; and a
 * fragment is no part of a target. */
static bool
is_address(struct sp_span target)
{
    struct sp_span rest = target;
    struct sp_span host;

    if (!sp_target_cut_host(&rest, &host) || host.len == 0 || !sp_host_is_valid(host)) {
        return false;
    }
    /* From the scheme's last slash on, all bytes are held to be those of a path. */
    return (rest.len == 0 || rest.data[0] != '#') &&
           sp_target_is_valid((struct sp_span){host.data - 1, host.len + rest.len + 1});
}

static bool
fits_the_method(struct sp_span target, struct sp_span method)
{
    if (sp_span_equal(method, SP_SPAN("CONNECT"))) {
        return is_authority(target);
    }
    if (sp_span_equal(target, SP_SPAN("*"))) {
        return sp_span_equal(method, SP_SPAN("OPTIONS"));
    }
    return sp_target_is_valid(target) || is_address(target);
}

static const struct sp_refusal *
check_version(struct sp_span version, bool *http_1_0)
{
    *http_1_0 = sp_span_equal(version, SP_SPAN("HTTP/1.0"));
    if (*http_1_0 || sp_span_equal(version, SP_SPAN("HTTP/1.1"))) {
        return NULL;
    }
    bool is_version = version.len == 8 && memcmp(version.data, "HTTP/", 5) == 0 &&
                      is_digit(version.data[5]) && version.data[6] == '.' &&
                      is_digit(version.data[7]);
    return is_version ? &other_version : &bad_version;
}

const struct sp_refusal *
sp_request_line_foresee(struct sp_span bytes)
{
    struct sp_span start = bytes;

    if (start.len > SP_INCOMING_METHOD_CEILING + 1) {
        start.len = SP_INCOMING_METHOD_CEILING + 1;
    }
    size_t len = sp_field_name_length(start);
    if (len > SP_INCOMING_METHOD_CEILING) {
        return &long_method;
    }
    if (len < start.len && (len == 0 || start.data[len] != ' ')) {
        return start.data[0] == SP_TLS_HANDSHAKE ? &speaks_tls : &no_method;
    }
    if (bytes.len >= SP_REQUEST_LINE_CEILING &&
        memchr(bytes.data, '\n', SP_REQUEST_LINE_CEILING) == NULL) {
        return &long_target;
    }
    return NULL;
}

const struct sp_refusal *
sp_request_line_parse(struct sp_span line, struct sp_request_line *parsed)
{
    size_t method = sp_field_name_length(line);
    struct sp_span rest = {line.data + method + 1, line.len - method - 1};
    const char *space = rest.len > 0 ? memchr(rest.data, ' ', rest.len) : NULL;

    if (space == NULL) {
        return &no_version;
    }
    size_t target = (size_t)(space - rest.data);
    if (target > SP_INCOMING_TARGET_CEILING) {
        return &long_target;
    }
    parsed->method = (struct sp_span){line.data, method};
    parsed->target = (struct sp_span){rest.data, target};
    const struct sp_refusal *refusal =
        check_version((struct sp_span){space + 1, rest.len - target - 1}, &parsed->http_1_0);
    if (refusal != NULL) {
        return refusal;
    }
    return fits_the_method(parsed->target, parsed->method) ? NULL : &bad_target;
}

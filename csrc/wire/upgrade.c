#include "wire/upgrade.h"

#include "wire/field.h"

static bool
is_method(struct sp_span method, struct sp_span name)
{
    return sp_span_equal(method, name);
}

/* protocol-name ["/" protocol-version], each a token. */
static bool
is_protocol(struct sp_span protocol)
{
    size_t name = sp_field_name_length(protocol);

    if (name == 0 || name == protocol.len) {
        return name > 0;
    }
    struct sp_span version = {protocol.data + name + 1, protocol.len - name - 1};
    return protocol.data[name] == '/' && sp_field_name_is_valid(version);
}

static bool
may_be_offered(struct sp_span protocol)
{
    struct sp_span rest = protocol;
    struct sp_span name = sp_span_cut(&rest, '/');

    return is_protocol(protocol) && !sp_span_equal_nocase(name, SP_SPAN("TLS")) &&
           !sp_span_equal_nocase(name, SP_SPAN("HTTP")) &&
           !sp_span_equal_nocase(name, SP_SPAN("h2")) &&
           !sp_span_equal_nocase(name, SP_SPAN("h2c")) &&
           !sp_span_starts_nocase(name, SP_SPAN("h2c-")); /* its drafts */
}

bool
sp_upgrade_next(struct sp_span *value, struct sp_span *protocol)
{
    while (value->len > 0) {
        *protocol = sp_span_cut(value, ',');
        if (may_be_offered(*protocol)) {
            return true;
        }
    }
    return false;
}

void
sp_upgrade_take_connection(struct sp_upgrade_wish *wish, struct sp_span value)
{
    while (value.len > 0) {
        struct sp_span option = sp_span_cut(&value, ',');
        wish->is_nominated |= sp_span_equal_nocase(option, SP_SPAN("Upgrade"));
    }
}

void
sp_upgrade_take_protocols(struct sp_upgrade_wish *wish, struct sp_span value)
{
    struct sp_span protocol;

    while (sp_upgrade_next(&value, &protocol)) {
        bool is_websocket = sp_span_equal_nocase(protocol, SP_SPAN("websocket"));
        wish->websocket |= is_websocket;
        wish->other |= !is_websocket;
    }
}

enum sp_upgrade
sp_upgrade_conclude(const struct sp_upgrade_wish *wish, struct sp_span method, bool is_http_1_1,
                    bool has_body)
{
    if (!wish->is_nominated || !(wish->websocket || wish->other) || !is_http_1_1 || has_body ||
        is_method(method, SP_SPAN("HEAD")) || is_method(method, SP_SPAN("CONNECT")) ||
        is_method(method, SP_SPAN("TRACE"))) {
        return SP_UPGRADE_NONE;
    }
    return wish->websocket && is_method(method, SP_SPAN("GET")) ? SP_UPGRADE_WEBSOCKET
                                                                : SP_UPGRADE_OFFERED;
}

/* Versions count: what is chosen is one of the texts that were offered. */
static bool
names(struct sp_span value, struct sp_span protocol)
{
    struct sp_span offered;

    while (sp_upgrade_next(&value, &offered)) {
        if (sp_span_equal_nocase(offered, protocol)) {
            return true;
        }
    }
    return false;
}

static bool
offers(struct sp_span block, struct sp_span protocol)
{
    struct sp_field field;

    while (block.len > 0) {
        struct sp_span line = sp_span_cut(&block, '\n');
        line.len -= line.len > 0 && line.data[line.len - 1] == '\r' ? 1 : 0;
        if (sp_field_parse(line, &field) && sp_span_equal_nocase(field.name, SP_SPAN("Upgrade")) &&
            names(field.value, protocol)) {
            return true;
        }
    }
    return false;
}

bool
sp_upgrade_is_offered(struct sp_span block, struct sp_span value)
{
    while (value.len > 0) {
        struct sp_span protocol = sp_span_cut(&value, ',');
        if (protocol.len > 0 && !offers(block, protocol)) {
            return false;
        }
    }
    return true;
}

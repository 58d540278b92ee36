#include "wire/field.h"

#include <string.h>

static bool
is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool
sp_field_name_is_valid(struct sp_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_token_char(name.data[i])) {
            return false;
        }
    }
    return name.len > 0;
}

bool
sp_field_value_is_valid(struct sp_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '\r' || c == '\n' || c == '\0') {
            return false;
        }
    }
    return true;
}

bool
sp_field_parse(struct sp_span line, struct sp_field *field)
{
    const char *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;

    if (colon == NULL) {
        return false;
    }
    field->name = (struct sp_span){line.data, (size_t)(colon - line.data)};
    field->value = sp_span_trim((struct sp_span){colon + 1, line.len - field->name.len - 1});
    return sp_field_name_is_valid(field->name) && sp_field_value_is_valid(field->value);
}

#include "wire/field.h"

#include <stdint.h>
#include <string.h>

/* RFC 9110, 5.6.2. */
static const bool is_token_char[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true,
    ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true,
    ['`'] = true, ['|'] = true, ['~'] = true, ['0'] = true, ['1'] = true, ['2'] = true,
    ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true,
    ['9'] = true, ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true,
    ['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true,
    ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true,
    ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true,
    ['X'] = true, ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true,
    ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true,
    ['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true,
    ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true,
    ['v'] = true, ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true};

static bool
is_text_char(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte >= ' ' && byte != 0x7F) || byte == '\t';
}

size_t
sp_field_name_length(struct sp_span bytes)
{
    size_t len = 0;

    while (len < bytes.len && is_token_char[(unsigned char)bytes.data[len]]) {
        len++;
    }
    return len;
}

/* Whether eight bytes are text without a HTAB: values are most of a head. The highest bit of a
 * byte in `found` is set where one is below a space, or is DEL (and perhaps behind such a one). */
static bool
is_plain_text(const char *eight)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t bytes;

    memcpy(&bytes, eight, sizeof(bytes));
    uint64_t zero_for_del = bytes ^ (each * 0x7F);
    uint64_t found = ((bytes - each * ' ') & ~bytes) | ((zero_for_del - each) & ~zero_for_del);
    return (found & (each * 0x80)) == 0;
}

/* Of the first bytes, by eights. */
static size_t
plain_length(struct sp_span bytes)
{
    size_t len = 0;

    while (bytes.len - len >= 8 && is_plain_text(bytes.data + len)) {
        len += 8;
    }
    return len;
}

size_t
sp_field_text_length(struct sp_span bytes)
{
    size_t len = plain_length(bytes);

    while (len < bytes.len && is_text_char(bytes.data[len])) {
        len++;
    }
    return len;
}

struct sp_span
sp_field_name_hyphened(struct sp_span name, char room[SP_HYPHENED_ROOM])
{
    size_t len = 0;

    while (len < name.len && len < SP_HYPHENED_ROOM) {
        room[len] = name.data[len] == '_' ? '-' : name.data[len];
        len++;
    }
    return (struct sp_span){room, len};
}

/* The highest bit of each byte that is at least `from` and at most `to`; all are below 0x80. */
static uint64_t
between(uint64_t bytes, unsigned char from, unsigned char to)
{
    const uint64_t each = UINT64_C(0x0101010101010101);

    return (bytes + each * (0x80U - from)) & ~(bytes + each * (0x7FU - to));
}

static bool
are_plain_name(const char *eight)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t bytes;

    memcpy(&bytes, eight, sizeof(bytes));
    uint64_t low = bytes & (each * 0x7F);
    uint64_t plain =
        between(low | (each * 0x20), 'a', 'z') | between(low, '0', '9') | between(low, '-', '-');
    return (plain & ~bytes & (each * 0x80)) == each * 0x80;
}

bool
sp_field_name_is_plain(struct sp_span name)
{
    size_t len = 0;

    if (name.len < 8) {
        while (len < name.len && is_token_char[(unsigned char)name.data[len]] &&
               name.data[len] != '_') {
            len++;
        }
        return len > 0 && len == name.len;
    }
    while (name.len - len >= 8 && are_plain_name(name.data + len)) {
        len += 8;
    }
    return name.len - len < 8 && are_plain_name(name.data + name.len - 8);
}

bool
sp_field_name_is_valid(struct sp_span name)
{
    return name.len > 0 && sp_field_name_length(name) == name.len;
}

bool
sp_field_value_is_valid(struct sp_span value)
{
    size_t plain = plain_length(value);

    if (value.len >= 8 && value.len - plain < 8 && is_plain_text(value.data + value.len - 8)) {
        return true;
    }
    for (size_t i = plain; i < value.len; i++) {
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
    size_t name = sp_field_name_length(line);

    if (name == 0 || name == line.len || line.data[name] != ':') {
        return false;
    }
    field->name = (struct sp_span){line.data, name};
    field->value = sp_span_trim((struct sp_span){line.data + name + 1, line.len - name - 1});
    return sp_field_value_is_valid(field->value);
}

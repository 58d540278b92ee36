#include "wire/path.h"

#include <string.h>

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many bytes follow the first one of a character in UTF-8 (RFC 3629, 4); -1 for none. */
static int
followers_of(unsigned char first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 1;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 2;
    }
    return first >= 0xF0 && first <= 0xF4 ? 3 : -1;
}

/* Neither overlong, nor a surrogate, nor above U+10FFFF. */
static bool
is_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;

    return second >= low && second <= high;
}

static bool
is_utf8(struct sp_span text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char first = bytes[i];
        int followers = followers_of(first);
        if (followers < 0 || (size_t)followers >= text.len - i) {
            return false;
        }
        for (int k = 1; k <= followers; k++) {
            unsigned char byte = bytes[++i];
            if ((byte & 0xC0) != 0x80 || (k == 1 && !is_second(first, byte))) {
                return false;
            }
        }
    }
    return true;
}

/* What is no escape stays as it is. */
static size_t
decode(struct sp_span text, char *room)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '%' && text.len - i > 2) {
            int high = hex_value(text.data[i + 1]);
            int low = hex_value(text.data[i + 2]);
            if (high >= 0 && low >= 0) {
                room[count++] = (char)(high * 16 + low);
                i += 2;
                continue;
            }
        }
        room[count++] = text.data[i];
    }
    return count;
}

bool
sp_path_decode(struct sp_span target, char *room, struct sp_span *path)
{
    const char *query = memchr(target.data, '?', target.len);
    struct sp_span text = {target.data, query != NULL ? (size_t)(query - target.data) : target.len};

    while (text.len > 1 && text.data[0] == '/' && text.data[1] == '/') {
        text.data++;
        text.len--;
    }
    *path = (struct sp_span){room, decode(text, room)};
    return is_utf8(*path);
}

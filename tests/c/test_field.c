/* Field lines: what a name and a value may hold, byte by byte. */
#undef NDEBUG
#include "bytes.h"
#include "wire/field.h"

#include <assert.h>
#include <stdio.h>

/* RFC 9110, 5.6.2, as it stands there. */
static const char tchar[] = "!#$%&'*+-.^_`|~0123456789"
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static void
test_every_byte_in_a_name(void)
{
    for (int c = 0; c < 256; c++) {
        char byte = (char)(unsigned char)c;
        char name[] = {'a', byte, 'b'};
        bool expected = c != 0 && strchr(tchar, byte) != NULL;
        assert(sp_field_name_is_valid((struct sp_span){name, sizeof(name)}) == expected);
        assert(sp_field_name_is_valid((struct sp_span){&byte, 1}) == expected);
    }
    assert(!sp_field_name_is_valid(span("")));
}

static void
test_every_byte_in_a_value(void)
{
    for (int c = 0; c < 256; c++) {
        char value[] = {'a', (char)(unsigned char)c, 'b'};
        bool expected = c != '\r' && c != '\n' && c != '\0';
        assert(sp_field_value_is_valid((struct sp_span){value, sizeof(value)}) == expected);
    }
    assert(sp_field_value_is_valid(span("")));
}

/* Where text is looked at in words, and where not. */
static void
test_every_byte_in_a_text(void)
{
    char text[19];

    for (int c = 0; c < 256; c++) {
        bool expected = (c >= ' ' && c != 0x7F) || c == '\t';
        for (size_t i = 0; i < sizeof(text); i++) {
            memset(text, i % 2 == 0 ? ' ' : 0xFF, sizeof(text));
            text[i] = (char)(unsigned char)c;
            size_t len = sp_field_text_length((struct sp_span){text, sizeof(text)});
            assert(len == (expected ? sizeof(text) : i));
        }
    }
    assert(sp_field_text_length(span("")) == 0);
}

static void
test_length_of_a_name(void)
{
    assert(sp_field_name_length(span("Name: x")) == 4 && sp_field_name_length(span("Name")) == 4);
    assert(sp_field_name_length(span(": x")) == 0 && sp_field_name_length(span("")) == 0);
}

/* Wherever it stands, in texts that are looked at by eights and in the rest of them. */
static void
test_every_byte_at_every_place(void)
{
    char text[26];

    for (size_t len = 1; len <= sizeof(text); len++) {
        memset(text, 'x', sizeof(text));
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)(unsigned char)c;
                struct sp_span bytes = {text, len};
                bool is_token = sp_field_name_length(bytes) == len;
                assert(sp_field_name_is_valid(bytes) == is_token);
                assert(sp_field_value_is_valid(bytes) == (c != '\r' && c != '\n' && c != '\0'));
                bool is_usual = is_token && (c == '-' || (c >= '0' && c <= '9') ||
                                             ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
                bool is_plain = sp_field_name_is_plain(bytes);
                assert(!is_plain || (is_token && c != '_'));
                assert(is_plain || !is_usual);
            }
            text[at] = 'x';
        }
    }
    assert(!sp_field_name_is_plain(span("")));
    assert(sp_field_value_is_valid(span("a long value\twith a HTAB and \x7F in it")));
    assert(!sp_field_value_is_valid(span("a long value\twith a HTAB and a \r in it")));
}

static void
test_line_is_cut_at_the_first_colon(void)
{
    struct sp_field field;

    assert(sp_field_parse(span("Name: \t a:b, c \t"), &field));
    assert(is(field.name, "Name") && is(field.value, "a:b, c"));
    assert(sp_field_parse(span("a:"), &field));
    assert(is(field.name, "a") && field.value.len == 0);
    assert(sp_field_parse(span("a: \t "), &field));
    assert(field.value.len == 0);
    assert(sp_field_parse(span("a::"), &field));
    assert(is(field.value, ":"));
}

static void
test_lines_that_are_no_fields_are_refused(void)
{
    static const char *const bad[] = {
        "",
        ":",
        ": value",
        "no colon",
        "Name : value",   /* a blank before the colon hides a field from some readers */
        "Name\t: value",  /* likewise */
        " Name: value",   /* an obsolete fold */
        "\tfolded: on",   /* likewise */
        " ",              /* a fold of nothing */
        "Na me: value",   /* no token */
        "N\xc3\xa4me: x", /* no ASCII */
        "a: b\rc",        /* a lone CR ends a line for some readers */
        "a: b\r",         /* two CRs before the LF */
        "a\r: b",
        "(comment): x",
        "GET / HTTP/1.1",
    };
    struct sp_field field;

    for (size_t i = 0; i < COUNT(bad); i++) {
        assert(!sp_field_parse(span(bad[i]), &field));
    }
    assert(!sp_field_parse((struct sp_span){"a: b\0c", 6}, &field));
    assert(!sp_field_parse((struct sp_span){"a\0: b", 5}, &field));
    assert(!sp_field_parse((struct sp_span){NULL, 0}, &field));
}

int
main(void)
{
    test_every_byte_in_a_name();
    test_every_byte_in_a_value();
    test_every_byte_in_a_text();
    test_length_of_a_name();
    test_every_byte_at_every_place();
    test_line_is_cut_at_the_first_colon();
    test_lines_that_are_no_fields_are_refused();
    (void)puts("field: ok");
    return 0;
}

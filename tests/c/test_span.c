/* Views of bytes: comparing, trimming, cutting, and numbers up to the last one. */
#undef NDEBUG
#include "bytes.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>

static void
test_empty_spans_are_equal_without_memory(void)
{
    struct sp_span nothing = {NULL, 0};

    assert(sp_span_equal(nothing, span("")));
    assert(sp_span_equal_nocase(nothing, nothing));
    assert(sp_span_starts_nocase(span("x"), nothing));
    assert(!sp_span_equal(nothing, span("x")));
    assert(sp_span_trim(nothing).len == 0);
}

static void
test_what_is_behind_the_first_bytes(void)
{
    assert(sp_span_equal(sp_span_from(span("abc"), 0), span("abc")));
    assert(sp_span_equal(sp_span_from(span("abc"), 2), span("c")));
    assert(sp_span_from(span("abc"), 3).len == 0);
    assert(sp_span_from((struct sp_span){NULL, 0}, 4).len == 0);
}

static void
test_equality_is_of_bytes_and_length(void)
{
    assert(sp_span_equal(span("abc"), span("abc")));
    assert(!sp_span_equal(span("abc"), span("abC")));
    assert(!sp_span_equal(span("abc"), span("abcd")));
    assert(sp_span_equal((struct sp_span){"a\0b", 3}, (struct sp_span){"a\0b", 3}));
    assert(!sp_span_equal((struct sp_span){"a\0b", 3}, (struct sp_span){"a\0c", 3}));
}

/* Of all bytes, only ASCII letters have a case, whatever the locale. */
static void
test_case_is_ascii_only(void)
{
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char left = (char)(unsigned char)a;
            char right = (char)(unsigned char)b;
            bool letters = a < 128 && b < 128 && isalpha(a) && isalpha(b);
            bool expected = a == b || (letters && tolower(a) == tolower(b));
            assert(sp_span_equal_nocase((struct sp_span){&left, 1}, (struct sp_span){&right, 1}) ==
                   expected);
        }
    }
}

static void
test_start_longer_than_span_does_not_match(void)
{
    assert(sp_span_starts_nocase(span("X-Forwarded-For"), span("x-forwarded-")));
    assert(!sp_span_starts_nocase(span("X-Forwarded"), span("x-forwarded-")));
    assert(sp_span_contains_nocase(span("text/HTML, */*"), span("text/html")));
    assert(sp_span_contains_nocase(span("*/*, text/html"), span("text/html")));
    assert(!sp_span_contains_nocase(span("*/*, text/htm"), span("text/html")));
    assert(!sp_span_contains_nocase(span(""), span("text/html")));
}

static void
test_trim_takes_blanks_and_nothing_else(void)
{
    assert(is(sp_span_trim(span(" \t a b \t")), "a b"));
    assert(sp_span_trim(span(" \t ")).len == 0);
    for (int c = 1; c < 256; c++) {
        char text[] = {(char)(unsigned char)c, 'x', (char)(unsigned char)c, '\0'};
        assert(sp_span_trim(span(text)).len == (c == ' ' || c == '\t' ? 1 : 3));
    }
}

static void
test_cut_ends_and_gives_every_part(void)
{
    struct sp_span rest = span(" a ,,b\t,");

    assert(is(sp_span_cut(&rest, ','), "a"));
    assert(sp_span_cut(&rest, ',').len == 0);
    assert(is(sp_span_cut(&rest, ','), "b"));
    assert(rest.len == 0);
    assert(sp_span_cut(&rest, ',').len == 0 && rest.len == 0);
    rest = (struct sp_span){NULL, 0};
    assert(sp_span_cut(&rest, ',').len == 0 && rest.len == 0);
}

static void
test_numbers_are_digits_only(void)
{
    static const char *const bad[] = {
        "",  "+1", "-1",  " 1",  "1 ",   "1,1",      "0x1",          "1e3", "1.0", "1_0", "\xb2",
        "a", "1;", "--1", "1\r", "1\t2", "\xd9\xa1", "\xef\xbc\x91", "inf", "nan", "\v1"};
    long long number = -7;

    for (size_t i = 0; i < COUNT(bad); i++) {
        assert(!sp_span_to_number(span(bad[i]), LLONG_MAX, &number));
        assert(number == -7);
    }
    assert(!sp_span_to_number((struct sp_span){"1\0", 2}, LLONG_MAX, &number));
    assert(sp_span_to_number(span("007"), LLONG_MAX, &number) && number == 7);
    assert(sp_span_to_number(span("0"), 0, &number) && number == 0);
}

static void
test_numbers_stop_at_their_ceiling(void)
{
    long long number = 0;

    assert(sp_span_to_number(span("9223372036854775807"), LLONG_MAX, &number));
    assert(number == LLONG_MAX);
    assert(!sp_span_to_number(span("9223372036854775808"), LLONG_MAX, &number));
    assert(!sp_span_to_number(span("18446744073709551617"), LLONG_MAX, &number));
    assert(!sp_span_to_number(span("99999999999999999999999999999999"), LLONG_MAX, &number));
    assert(sp_span_to_number(span("00000000000000000000000000000000001"), LLONG_MAX, &number));
    for (long long max = 0; max < 120; max++) {
        for (int value = 0; value < 150; value++) {
            char digits[16];
            (void)snprintf(digits, sizeof(digits), "%d", value);
            assert(sp_span_to_number(span(digits), max, &number) == (value <= max));
            assert(value > max || number == value);
        }
    }
}

int
main(void)
{
    test_empty_spans_are_equal_without_memory();
    test_what_is_behind_the_first_bytes();
    test_equality_is_of_bytes_and_length();
    test_case_is_ascii_only();
    test_start_longer_than_span_does_not_match();
    test_trim_takes_blanks_and_nothing_else();
    test_cut_ends_and_gives_every_part();
    test_numbers_are_digits_only();
    test_numbers_stop_at_their_ceiling();
    (void)puts("span: ok");
    return 0;
}

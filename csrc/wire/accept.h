/* In which form a client can read what is said instead of an answer, by its Accept fields; the same
 * as proxy/error_page.py has it. */
#ifndef SP_WIRE_ACCEPT_H
#define SP_WIRE_ACCEPT_H

#include "wire/incoming.h"

enum sp_form {
    SP_FORM_LINE,
    SP_FORM_PAGE, /* HTML, for a browser that can ask again */
    SP_FORM_JSON, /* where it is named with a greater weight than HTML */
};

enum sp_form sp_accept_form(const struct sp_incoming *incoming);

#endif

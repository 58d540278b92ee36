/* A Python list of fields, as the block of lines that goes upstream. */
#ifndef SP_PYTHON_FIELD_LIST_H
#define SP_PYTHON_FIELD_LIST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core/error.h"
#include "wire/buffer.h"

/* Appends the pairs of Latin-1 text in `list` to `block`, and `loop_token`. False with an exception
 * set when they are not such pairs; `*error` is SP_E_REQUEST_INVALID or SP_E_REQUEST_LONG when they
 * cannot be sent, and SP_E_LOOP when the token is there already. Unless it is true and SP_OK,
 * `block` is cleared. */
bool sp_field_list_build(PyObject *list, bool is_upgrade, struct sp_span loop_token,
                         struct sp_buffer *block, enum sp_error *error);

#endif

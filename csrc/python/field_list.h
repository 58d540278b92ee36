/* A Python list of fields, as the block of lines that goes upstream. */
#ifndef SP_PYTHON_FIELD_LIST_H
#define SP_PYTHON_FIELD_LIST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "wire/request_head.h"

/* Appends the pairs of Latin-1 text in `list` to `block`. False with an exception set when
 * they are not such pairs. Unless it is true and `*verdict` FIT, `block` is cleared. */
bool sp_field_list_build(PyObject *list, bool is_upgrade, struct sp_buffer *block,
                         enum sp_request_verdict *verdict);

#endif

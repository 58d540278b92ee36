/* An answer's head as Python has it. */
#ifndef SP_PYTHON_ANSWER_HEAD_H
#define SP_PYTHON_ANSWER_HEAD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "wire/response_head.h"

/* A tuple of status, reason and fields (pairs of Latin-1 text in their order); NULL with an
 * exception set. */
PyObject *sp_answer_head_build(const struct sp_response_head *head);

#endif

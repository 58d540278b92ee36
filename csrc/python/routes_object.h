/* The Python type Routes. */
#ifndef SP_PYTHON_ROUTES_OBJECT_H
#define SP_PYTHON_ROUTES_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the type and its kinds of rules, PREFIX, EXACT and STARTS, to `module`. -1 with an
 * exception set. */
int sp_routes_object_add(PyObject *module);

#endif

/* The Python type Routes. */
#ifndef SP_PYTHON_ROUTES_OBJECT_H
#define SP_PYTHON_ROUTES_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "wire/routes.h"

/* Creates the type, for a module state, and adds it and its kinds of rules, PREFIX, EXACT and
 * STARTS, to `module`. -1 with an exception set. */
int sp_routes_object_add(PyObject *module, PyTypeObject **type);

/* Valid as long as the object, or until a reference taken from it is given back. */
struct sp_routes *sp_routes_object_peek(PyObject *self);

#endif

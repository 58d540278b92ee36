/* The Python type OwnAddresses. */
#ifndef SP_PYTHON_OWN_ADDRESSES_OBJECT_H
#define SP_PYTHON_OWN_ADDRESSES_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "wire/location.h"

/* Creates the type, for a module state, and adds it to `module`. -1 with an exception set. */
int sp_own_addresses_object_add(PyObject *module, PyTypeObject **type);

/* What an OwnAddresses is about; valid as long as the object, or until a reference taken from it is
 * given back. */
struct sp_own_addresses *sp_own_addresses_object_peek(PyObject *self);

#endif

/* What the types of the extension module share. */
#ifndef SP_PYTHON_MODULE_H
#define SP_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core/error.h"
#include "engine/exchange.h"

struct sp_module_state {
    PyObject *engine_error;           /* owned */
    PyTypeObject *exchange_type;      /* owned */
    PyTypeObject *notifier_type;      /* owned */
    PyTypeObject *upstream_type;      /* owned */
    PyTypeObject *routes_type;        /* owned */
    PyTypeObject *own_addresses_type; /* owned */
};

/* The state of the module that a (final) type of ours belongs to; borrowed. */
struct sp_module_state *sp_module_state_of(PyObject *self);

/* Sets EngineError with code, status and `detail` (may be empty); returns NULL. */
PyObject *sp_module_raise(const struct sp_module_state *state, enum sp_error error,
                          const char *detail);

#endif

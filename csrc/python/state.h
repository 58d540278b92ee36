/* What the types of the extension module share: its state, and EngineError. */
#ifndef SP_PYTHON_STATE_H
#define SP_PYTHON_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core/error.h"

struct sp_state {
    PyObject *engine_error;           /* owned */
    PyTypeObject *exchange_type;      /* owned */
    PyTypeObject *notifier_type;      /* owned */
    PyTypeObject *upstream_type;      /* owned */
    PyTypeObject *routes_type;        /* owned */
    PyTypeObject *own_addresses_type; /* owned */
};

/* The state of the module that a (final) type of ours belongs to; borrowed. */
struct sp_state *sp_state_of(PyObject *self);

/* Sets EngineError with code, status and `detail` (may be empty); returns NULL. */
PyObject *sp_state_raise(const struct sp_state *state, enum sp_error error, const char *detail);

#endif

/* The Python type Exchange. */
#ifndef SP_PYTHON_EXCHANGE_OBJECT_H
#define SP_PYTHON_EXCHANGE_OBJECT_H

#include "engine/exchange.h"
#include "python/state.h"

struct ExchangeObject {
    PyObject_HEAD
    struct sp_exchange *exchange; /* a reference of our own */
    atomic_bool sending;          /* some thread is in a method of the request's half */
    atomic_bool receiving;        /* some thread is in one of the answer's half */
    atomic_bool relayed;          /* the engine has the client's connection, and the rest */
};

/* Creates the type in `module`; a new reference in `*type`. -1 with an exception set. */
int sp_exchange_object_add(PyObject *module, PyTypeObject **type);

/* Wraps a started exchange and takes its reference, also when it fails (NULL). */
PyObject *sp_exchange_object_wrap(PyTypeObject *type, struct sp_exchange *exchange);

#endif

#include "python/bell_object.h"

#include "engine/process.h"

struct BellObject {
    PyObject_HEAD
    struct sp_bell *bell; /* a reference of our own */
};

static struct sp_bell *
bell_of(PyObject *self)
{
    return ((struct BellObject *)(void *)self)->bell;
}

static PyObject *
bell_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    struct sp_bell *bell = NULL;

    if (!PyArg_ParseTuple(args, ":Bell")) {
        return NULL;
    }
    if (sp_bell_new(&bell) != SP_OK) {
        PyErr_SetString(PyExc_OSError, "no descriptor or memory for a bell");
        return NULL;
    }
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        sp_bell_give_back(bell);
        return NULL;
    }
    ((struct BellObject *)(void *)self)->bell = bell;
    return self;
}

static void
bell_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (bell_of(self) != NULL) {
        sp_bell_close(bell_of(self));
        sp_bell_give_back(bell_of(self));
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\n"
                         "Readable while there is news; -1 once closed, and in a forked child.");

static PyObject *
bell_fileno(PyObject *self, PyObject *Py_UNUSED(unused))
{
    const struct sp_bell *bell = bell_of(self);
    bool is_open = sp_bell_is_ours(bell) && !bell->is_closed;

    return PyLong_FromLong(is_open ? bell->wakeup.receiver : -1);
}

static bool
append_key(PyObject *keys, struct sp_exchange *exchange)
{
    PyObject *key = PyLong_FromVoidPtr(exchange);
    bool appended = key != NULL && PyList_Append(keys, key) == 0;

    Py_XDECREF(key);
    return appended;
}

/* Takes every exchange of the list, also when there is no memory for its key. */
static PyObject *
list_keys(struct sp_bell *bell)
{
    PyObject *keys = PyList_New(0);
    bool complete = keys != NULL;
    struct sp_exchange *exchange;

    while ((exchange = sp_bell_next(bell)) != NULL) {
        complete = complete && append_key(keys, exchange);
        sp_exchange_give_back(exchange);
    }
    if (!complete) {
        Py_XDECREF(keys);
        return NULL;
    }
    return keys;
}

PyDoc_STRVAR(begin_doc, "begin($self, /)\n--\n\n"
                        "Start the exchanges that were made with this bell: one wake-up of the\n"
                        "engine for them all.");

static PyObject *
bell_begin(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_mailbox *mailbox;

    /* Once the engine has stopped, every exchange is done. */
    if (sp_bell_is_ours(bell_of(self)) && sp_process_mailbox(&mailbox) == SP_OK) {
        sp_mailbox_ring(mailbox);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(answer_doc, "answer($self, /)\n--\n\n"
                         "The keys of the exchanges that have news, each once; silences the bell.\n"
                         "In a forked child the parent's bell has none.");

static PyObject *
bell_answer(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (!sp_bell_is_ours(bell_of(self))) {
        return PyList_New(0);
    }
    sp_bell_silence(bell_of(self));
    return list_keys(bell_of(self));
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nClose the descriptor; it is never rung again.");

static PyObject *
bell_close(PyObject *self, PyObject *Py_UNUSED(unused))
{
    sp_bell_close(bell_of(self));
    Py_RETURN_NONE;
}

/* Not const, since a slot takes a plain pointer. */
static char bell_doc[] = "Bell()\n--\n\n"
                         "Tells an event loop, through a descriptor, which exchanges have news.";

static PyMethodDef bell_methods[] = {
    {"begin", bell_begin, METH_NOARGS, begin_doc},
    {"fileno", bell_fileno, METH_NOARGS, fileno_doc},
    {"answer", bell_answer, METH_NOARGS, answer_doc},
    {"close", bell_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot bell_slots[] = {
    {Py_tp_doc, bell_doc},
    {Py_tp_methods, bell_methods},
    {Py_tp_new, bell_new},
    {Py_tp_dealloc, bell_dealloc},
    {0, NULL},
};

static PyType_Spec bell_spec = {
    .name = "samesite_proxy._engine.Bell",
    .basicsize = sizeof(struct BellObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = bell_slots,
};

int
sp_bell_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &bell_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

bool
sp_bell_object_borrow(PyObject *object, PyTypeObject *type, struct sp_bell **bell)
{
    *bell = NULL;
    if (object == Py_None) {
        return true;
    }
    if (Py_TYPE(object) != type) {
        PyErr_SetString(PyExc_TypeError, "a bell is a Bell or None");
        return false;
    }
    if (!sp_bell_is_ours(bell_of(object))) {
        PyErr_SetString(PyExc_RuntimeError, "this bell belongs to the parent process");
        return false;
    }
    *bell = bell_of(object);
    return true;
}

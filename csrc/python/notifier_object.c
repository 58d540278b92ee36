#include "python/notifier_object.h"

#include "engine/process.h"

struct NotifierObject {
    PyObject_HEAD
    struct sp_notifier *notifier; /* a reference of our own */
};

static struct sp_notifier *
notifier_of(PyObject *self)
{
    return ((struct NotifierObject *)(void *)self)->notifier;
}

static PyObject *
notifier_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    struct sp_notifier *notifier = NULL;

    if (!PyArg_ParseTuple(args, ":Notifier")) {
        return NULL;
    }
    enum sp_error error = sp_notifier_new(&notifier);
    if (error != SP_OK) {
        return sp_state_raise(PyType_GetModuleState(type), error, "");
    }
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        sp_notifier_give_back(notifier);
        return NULL;
    }
    ((struct NotifierObject *)(void *)self)->notifier = notifier;
    return self;
}

static void
notifier_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (notifier_of(self) != NULL) {
        sp_notifier_close(notifier_of(self));
        sp_notifier_give_back(notifier_of(self));
    }
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\n"
                         "Readable while there is news; -1 once closed, and in a forked child.");

static PyObject *
notifier_fileno(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(sp_notifier_descriptor(notifier_of(self)));
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
list_keys(struct sp_notifier *notifier)
{
    PyObject *keys = PyList_New(0);
    bool complete = keys != NULL;
    struct sp_exchange *exchange;

    while ((exchange = sp_notifier_next(notifier)) != NULL) {
        complete = complete && append_key(keys, exchange);
        sp_exchange_give_back(exchange);
    }
    if (!complete) {
        Py_XDECREF(keys);
        return NULL;
    }
    return keys;
}

PyDoc_STRVAR(begin_doc,
             "begin($self, /)\n--\n\n"
             "Start the exchanges that were made with this notifier: one wake-up of the\n"
             "engine for them all.");

static PyObject *
notifier_begin(PyObject *self, PyObject *Py_UNUSED(unused))
{
    struct sp_mailbox *mailbox;

    /* Once the engine has stopped, every exchange is done. */
    if (sp_notifier_is_ours(notifier_of(self)) && sp_process_mailbox(&mailbox) == SP_OK) {
        sp_mailbox_ring(mailbox);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(answer_doc, "answer($self, /)\n--\n\n"
                         "The keys of the exchanges that have news, each once; silences it.\n"
                         "In a forked child the parent's notifier has none.");

static PyObject *
notifier_answer(PyObject *self, PyObject *Py_UNUSED(unused))
{
    if (!sp_notifier_is_ours(notifier_of(self))) {
        return PyList_New(0);
    }
    sp_notifier_silence(notifier_of(self));
    return list_keys(notifier_of(self));
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nClose the descriptor; it is never notified again.");

static PyObject *
notifier_close(PyObject *self, PyObject *Py_UNUSED(unused))
{
    sp_notifier_close(notifier_of(self));
    Py_RETURN_NONE;
}

/* Not const, since a slot takes a plain pointer. */
static char notifier_doc[] =
    "Notifier()\n--\n\n"
    "Tells an event loop, through a descriptor, which exchanges have news.\n\n"
    "EngineError: too-many, where no descriptor is left, or no-memory.";

static PyMethodDef notifier_methods[] = {
    {"begin", notifier_begin, METH_NOARGS, begin_doc},
    {"fileno", notifier_fileno, METH_NOARGS, fileno_doc},
    {"answer", notifier_answer, METH_NOARGS, answer_doc},
    {"close", notifier_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot notifier_slots[] = {
    {Py_tp_doc, notifier_doc},
    {Py_tp_methods, notifier_methods},
    {Py_tp_new, notifier_new},
    {Py_tp_dealloc, notifier_dealloc},
    {0, NULL},
};

static PyType_Spec notifier_spec = {
    .name = "samesite_proxy._engine.Notifier",
    .basicsize = sizeof(struct NotifierObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = notifier_slots,
};

int
sp_notifier_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &notifier_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

bool
sp_notifier_object_borrow(PyObject *object, PyTypeObject *type, struct sp_notifier **notifier)
{
    *notifier = NULL;
    if (object == Py_None) {
        return true;
    }
    if (Py_TYPE(object) != type) {
        PyErr_SetString(PyExc_TypeError, "a notifier is a Notifier or None");
        return false;
    }
    if (!sp_notifier_is_ours(notifier_of(object))) {
        PyErr_SetString(PyExc_RuntimeError, "this notifier belongs to the parent process");
        return false;
    }
    *notifier = notifier_of(object);
    return true;
}

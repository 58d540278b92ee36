#include "python/own_addresses_object.h"

#include "wire/places.h"

struct OwnAddressesObject {
    PyObject_HEAD
    struct sp_own_addresses *own_addresses; /* a reference of our own */
};

static struct OwnAddressesObject *
as_own_addresses(PyObject *self)
{
    return (struct OwnAddressesObject *)(void *)self;
}

static bool
borrow_texts(PyObject *items, struct sp_span *spans)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
        Py_ssize_t length = 0;
        spans[i].data = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(items, i), &length);
        spans[i].len = (size_t)length;
        if (spans[i].data == NULL) {
            return false;
        }
    }
    return true;
}

/* The texts are borrowed from the strings in both tuples. */
static struct sp_own_addresses *
build_own_addresses(struct sp_own_addresses_options *options, PyObject *names, PyObject *anywhere)
{
    struct sp_span *spans;
    struct sp_own_addresses *own_addresses = NULL;

    options->name_count = (size_t)PyTuple_Size(names);
    options->anywhere_count = (size_t)PyTuple_Size(anywhere);
    spans = PyMem_Calloc(options->name_count + options->anywhere_count + 1, sizeof(*spans));
    if (spans == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    options->names = spans;
    options->anywhere = spans + options->name_count;
    if (borrow_texts(names, spans) && borrow_texts(anywhere, spans + options->name_count) &&
        !sp_own_addresses_new(options, &own_addresses)) {
        PyErr_NoMemory();
    }
    PyMem_Free(spans);
    return own_addresses;
}

static PyObject *
own_addresses_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct sp_own_addresses_options options = {.port = 0};
    Py_ssize_t length;
    PyObject *names;
    PyObject *anywhere;

    if (kwargs != NULL && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "OwnAddresses() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "s#O!O!i:OwnAddresses", &options.scheme.data, &length,
                          &PyTuple_Type, &names, &PyTuple_Type, &anywhere, &options.port)) {
        return NULL;
    }
    options.scheme.len = (size_t)length;
    struct sp_own_addresses *own_addresses = build_own_addresses(&options, names, anywhere);
    if (own_addresses == NULL) {
        return NULL;
    }
    PyObject *self = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self == NULL) {
        sp_own_addresses_give_back(own_addresses);
        return NULL;
    }
    as_own_addresses(self)->own_addresses = own_addresses;
    return self;
}

static void
own_addresses_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    sp_own_addresses_give_back(as_own_addresses(self)->own_addresses);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* A new reference. */
static PyObject *
rewritten(const struct sp_own_addresses *own_addresses, PyObject *name, PyObject *value,
          struct sp_span origin, struct sp_span alias)
{
    PyObject *raw = PyUnicode_AsLatin1String(value);
    PyObject *result = NULL;
    struct sp_buffer out;
    struct sp_field field;
    Py_ssize_t length = 0;

    if (raw == NULL) {
        return NULL;
    }
    field.name.data = PyUnicode_AsUTF8AndSize(name, &length);
    if (field.name.data == NULL) {
        Py_DECREF(raw);
        return NULL;
    }
    field.name.len = (size_t)length;
    field.value = (struct sp_span){PyBytes_AsString(raw), (size_t)PyBytes_Size(raw)};
    sp_buffer_init(&out, (field.value.len + 1) * (origin.len + 1)); /* each place may get it */
    if (sp_places_rewrite(&out, &field, own_addresses, origin, alias)) {
        result = PyUnicode_DecodeLatin1(out.data, (Py_ssize_t)out.len, NULL);
    }
    else {
        result = Py_NewRef(value);
    }
    sp_buffer_clear(&out);
    Py_DECREF(raw);
    return result;
}

PyDoc_STRVAR(rewrite_doc,
             "rewrite($self, name, value, origin, alias, /)\n--\n\n"
             "The value of a Location, Content-Location, Refresh or Link as a browser at origin "
             "(scheme://authority) is to see it, when it names\n"
             "one of these addresses or alias, the authority by which the frontend knows the\n"
             "site (may be empty); else as it is. UnicodeEncodeError: value is not Latin-1.");

static PyObject *
own_addresses_rewrite(PyObject *self, PyObject *args)
{
    struct sp_span origin;
    struct sp_span alias;
    PyObject *name;
    PyObject *value;
    Py_ssize_t origin_length;
    Py_ssize_t alias_length;

    if (!PyArg_ParseTuple(args, "UUs#s#:rewrite", &name, &value, &origin.data, &origin_length,
                          &alias.data, &alias_length)) {
        return NULL;
    }
    origin.len = (size_t)origin_length;
    alias.len = (size_t)alias_length;
    return rewritten(as_own_addresses(self)->own_addresses, name, value, origin, alias);
}

/* Not const, since a slot takes a plain pointer. */
static char own_addresses_doc[] =
    "OwnAddresses(scheme, names, anywhere, port, /)\n--\n\n"
    "The addresses that are a frontend's own.\n\n"
    "scheme: of its URL. names: a tuple of hosts, without port or brackets, that count with\n"
    "port (0: with any). anywhere: a tuple of authorities that count as they are written.";

static PyMethodDef own_addresses_methods[] = {
    {"rewrite", own_addresses_rewrite, METH_VARARGS, rewrite_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot own_addresses_slots[] = {
    {Py_tp_doc, own_addresses_doc},
    {Py_tp_methods, own_addresses_methods},
    {Py_tp_new, own_addresses_new},
    {Py_tp_dealloc, own_addresses_dealloc},
    {0, NULL},
};

static PyType_Spec own_addresses_spec = {
    .name = "samesite_proxy._engine.OwnAddresses",
    .basicsize = sizeof(struct OwnAddressesObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = own_addresses_slots,
};

int
sp_own_addresses_object_add(PyObject *module, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &own_addresses_spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

struct sp_own_addresses *
sp_own_addresses_object_peek(PyObject *self)
{
    return as_own_addresses(self)->own_addresses;
}

// Nothing about Django here. The root is said because the copy stands in a temporary folder.
export default { turbopack: { root: import.meta.dirname } };

// The parts of pages that are held back, by id. Pages and routes are bundled apart: hence global.
const held = (globalThis.held ??= new Map());

function part(id) {
  if (!held.has(id)) {
    held.set(id, Promise.withResolvers());
  }
  return held.get(id);
}

export function hold(id) {
  return part(id).promise;
}

export function release(id) {
  part(id).resolve();
}

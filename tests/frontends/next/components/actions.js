"use server";

export async function answer(before, form) {
  return `The action has read: ${form.get("word")}`;
}

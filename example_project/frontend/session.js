// Who is logged in? Shared by the pages of this folder.

// Django sets this cookie with the answer of /api/me/ and wants its value back with every POST.
export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

// Fills in the right end of the bar: a link to log in, or the user's name and a way out.
export function showUser(username) {
  document.querySelector("#username").textContent = username ?? "";
  document.querySelector("#login-link").hidden = username !== null;
  document.querySelector("#logout-form").hidden = username === null;
  document.querySelector("#logout-token").value = csrfToken();
}

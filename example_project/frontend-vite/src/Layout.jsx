import { csrfToken } from "./session.js";

function User({ me, next }) {
  if (me === null) {
    return null;
  }
  if (me.username === null) {
    return <a id="login-link" href={`/dj/login/?next=${next}`}>Log in</a>;
  }
  return (
    <>
      <span id="username">{me.username}</span>
      <form id="logout-form" method="post" action="/dj/logout/">
        <input type="hidden" name="csrfmiddlewaretoken" value={csrfToken()} />
        <button className="plain">Log out</button>
      </form>
    </>
  );
}

export function Layout({ me, next, children }) {
  return (
    <>
      <nav className="bar">
        <a className="brand" href="/">One origin</a>
        <a href="/csr-api-call.html">API calls</a>
        <a href="/blog/">Blog</a>
        <a href="/admin/">Admin</a>
        <span className="user"><User me={me} next={next} /></span>
      </nav>
      <main>{children}</main>
    </>
  );
}

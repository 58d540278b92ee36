import { useState } from "react";
import { createRoot } from "react-dom/client";

import { Layout } from "./Layout.jsx";
import { csrfToken, useMe } from "./session.js";

function Result({ id, state, children }) {
  return <p className="result" id={id} data-state={state}>{children}</p>;
}

// 1. The same server under its other name: another origin, so the browser refuses.
const otherName = location.hostname === "localhost" ? "127.0.0.1" : "localhost";
const absoluteUrl = `${location.protocol}//${otherName}:${location.port}/api/me/?by=address`;

function AbsoluteCall() {
  const { me, error } = useMe(absoluteUrl);
  return (
    <section className="card">
      <h2>1. By an absolute address</h2>
      <code className="call">fetch("{absoluteUrl}")</code>
      {error ? (
        <Result id="absolute-result" state="refused">
          Refused by the browser: {error.message}. Its console says: blocked by CORS policy.
        </Result>
      ) : me ? (
        <Result id="absolute-result" state="ok">
          Allowed, which should not happen: {JSON.stringify(me)}
        </Result>
      ) : (
        <Result id="absolute-result" state="waiting">Waiting for the answer.</Result>
      )}
      <p>
        <code>localhost</code> and <code>127.0.0.1</code> are the same server, but to a browser they
        are two origins. Django answered this call with 200, as its log shows. The browser then kept
        the answer from this page, because no header in it allows another origin to read it. The
        session cookie was not sent either. That is CORS at work, and this is what a page on another
        port than its API meets too.
      </p>
    </section>
  );
}

// 2. The relative path: the same origin.
function RelativeCall({ me, error }) {
  let result = <Result id="relative-result" state="waiting">Waiting for the answer.</Result>;
  if (error) {
    result = (
      <Result id="relative-result" state="error">
        No JSON from /api/me/ ({error.message}). Open this page by Django's address, not by the
        frontend's.
      </Result>
    );
  } else if (me) {
    result = (
      <Result id="relative-result" state="ok">
        {me.username === null
          ? "Django answered: nobody is logged in. Log in and come back."
          : `Django answered: you are ${me.username}.`}
      </Result>
    );
  }
  return (
    <section className="card">
      <h2>2. By a relative path</h2>
      <code className="call">fetch("/api/me/")</code>
      {result}
      <p>
        Page and API share one origin here, so there is nothing to allow. The session cookie goes
        along by itself, without <code>credentials: "include"</code>.
      </p>
    </section>
  );
}

// 3. A multipart form. The browser writes its Content-Type, boundary included.
function PostForm() {
  const [outcome, setOutcome] = useState(null);

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    try {
      const response = await fetch("/api/posts/", {
        method: "POST",
        headers: { "X-CSRFToken": csrfToken() },
        body: new FormData(form),
      });
      const answer = await response.json();
      if (!response.ok) {
        setOutcome({ problem: `${response.status}: ${JSON.stringify(answer.detail)}` });
        return;
      }
      setOutcome({ post: answer });
      form.reset();
    } catch (error) {
      setOutcome({ problem: `The post did not arrive: ${error.message}` });
    }
  }

  return (
    <section className="card">
      <h2>3. A form with an image</h2>
      <form id="post-form" onSubmit={submit}>
        <label>Title <input name="title" id="post-title" maxLength="100" required /></label>
        <label>Text <textarea name="text" id="post-text" /></label>
        <label>Image <input type="file" name="image" id="post-image" accept="image/*" /></label>
        <button id="post-submit">Post it</button>
      </form>
      {outcome?.problem && <Result id="post-result" state="error">{outcome.problem}</Result>}
      {outcome?.post && (
        <Result id="post-result" state="ok">
          Saved as post {outcome.post.id}: {outcome.post.title}
        </Result>
      )}
      {outcome?.post?.image && (
        <img
          className="picture" id="post-picture" src={outcome.post.image}
          alt="The image as Django serves it"
        />
      )}
      <p className="small">
        It goes to <code>/api/posts/</code> with the CSRF token in <code>X-CSRFToken</code>, and the
        image comes back from <code>/media/</code>.
      </p>
    </section>
  );
}

function Page() {
  const { me, error } = useMe();
  return (
    <Layout me={me} next="/csr-api-call.html">
      <span className="from frontend">from Vite, the frontend server</span>
      <h1>Calling the API from the browser</h1>
      <p className="lead">
        The same question, asked of the same Django twice: by an absolute address, and by a relative
        path.
      </p>
      <AbsoluteCall />
      <RelativeCall me={me} error={error} />
      <PostForm />
    </Layout>
  );
}

createRoot(document.querySelector("#root")).render(<Page />);

import { useEffect, useState } from "react";

export default function Page() {
  const [count, setCount] = useState(0);
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return (
    <main>
      <h1>as committed</h1>
      <button id="counter" disabled={!ready} onClick={() => setCount(count + 1)}>{count}</button>
      <form method="post" action="/api/echo/">
        <input name="word" />
        <button id="submit">Send</button>
      </form>
    </main>
  );
}

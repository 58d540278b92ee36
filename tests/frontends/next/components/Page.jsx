"use client";

import { useActionState, useEffect, useState } from "react";
import { answer } from "./actions.js";

export default function Page() {
  const [count, setCount] = useState(0);
  const [ready, setReady] = useState(false);
  const [said, send] = useActionState(answer, "");
  useEffect(() => setReady(true), []);
  return (
    <main>
      <h1>as committed</h1>
      <button id="counter" disabled={!ready} onClick={() => setCount(count + 1)}>{count}</button>
      <form action={send}>
        <input name="word" />
        <button id="submit">Send</button>
      </form>
      <p id="answer">{said}</p>
    </main>
  );
}

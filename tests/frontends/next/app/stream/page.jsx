import { Suspense } from "react";
import { hold } from "../../components/held.js";

async function Late({ id }) {
  await hold(id);
  return <p id="late">late</p>;
}

export default async function Stream({ searchParams }) {
  const { id } = await searchParams;
  return (
    <main>
      <p id="first">first</p>
      <Suspense fallback={<p id="waiting">waiting</p>}>
        <Late id={id} />
      </Suspense>
    </main>
  );
}

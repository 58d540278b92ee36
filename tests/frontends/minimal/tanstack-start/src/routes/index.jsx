import { Link, createFileRoute } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { getRequestHeader } from "@tanstack/react-start/server";
import Heading from "../Heading.jsx";

const user = createServerFn().handler(async () => {
  const headers = { cookie: getRequestHeader("cookie") ?? "" };
  const answer = await fetch(`${process.env.DJANGO_ORIGIN}/api/me/`, { headers });
  return (await answer.json()).user;
});

export const Route = createFileRoute("/")({
  loader: async () => ({ user: import.meta.env.DEV ? await user() : "" }),
  component: Home,
});

function Home() {
  return (
    <main>
      <Heading />
      <p id="user">{Route.useLoaderData().user}</p>
      <Link id="about" to="/about">About</Link>
    </main>
  );
}

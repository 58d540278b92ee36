import { headers } from "next/headers";
import Link from "next/link";
import Heading from "../components/Heading.jsx";

async function user() {
  const cookie = (await headers()).get("cookie") ?? "";
  const answer = await fetch(`${process.env.DJANGO_ORIGIN}/api/me/`, { headers: { cookie } });
  return (await answer.json()).user;
}

export default async function Home() {
  return (
    <main>
      <Heading />
      <p id="user">{process.env.STATIC ? "" : await user()}</p>
      <Link id="about" href="/about">About</Link>
    </main>
  );
}

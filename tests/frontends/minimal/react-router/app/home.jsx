import { Link } from "react-router";
import Heading from "./Heading.jsx";

export async function loader({ request }) {
  if (process.env.STATIC) {
    return { user: "" };
  }
  const headers = { cookie: request.headers.get("cookie") ?? "" };
  const answer = await fetch(`${process.env.DJANGO_ORIGIN}/api/me/`, { headers });
  return { user: (await answer.json()).user };
}

export default function Home({ loaderData }) {
  return (
    <main>
      <Heading />
      <p id="user">{loaderData.user}</p>
      <Link id="about" to="/about">About</Link>
    </main>
  );
}

import { building } from "$app/environment";

export const prerender = Boolean(process.env.STATIC);

export async function load({ request }) {
  if (building) {
    return { user: "" };
  }
  const headers = { cookie: request.headers.get("cookie") ?? "" };
  const answer = await fetch(`${process.env.DJANGO_ORIGIN}/api/me/`, { headers });
  return { user: (await answer.json()).user };
}

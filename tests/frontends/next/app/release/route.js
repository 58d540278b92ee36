import { release } from "../../components/held.js";

export async function GET(request) {
  release(new URL(request.url).searchParams.get("id"));
  return new Response("released");
}

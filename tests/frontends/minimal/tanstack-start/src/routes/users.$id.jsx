import { createFileRoute } from "@tanstack/react-router";

export const Route = createFileRoute("/users/$id")({ component: User });

function User() {
  return <h1>user {Route.useParams().id}</h1>;
}

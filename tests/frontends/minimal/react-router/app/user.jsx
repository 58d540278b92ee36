export default function User({ params }) {
  return <h1>user {params.id}</h1>;
}

export default function Heading() {
  return <h1>as committed</h1>;
}

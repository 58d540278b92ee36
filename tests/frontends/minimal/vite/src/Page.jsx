export default function Page() {
  return (
    <main>
      <h1>as committed</h1>
      <p id="path">{location.pathname}</p>
    </main>
  );
}

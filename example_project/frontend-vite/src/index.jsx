import { createRoot } from "react-dom/client";

import { Layout } from "./Layout.jsx";
import { useMe } from "./session.js";

const paths = [
  ["/csr-api-call.html", "frontend", "React components that call the API, and a form with an image"],
  ["/api/me/", "Django", "Who am I, in JSON"],
  ["/api/posts/", "Django", "The posts, in JSON"],
  ["/blog/", "Django", "Pages rendered on the server"],
  ["/dj/login/", "Django", "Logging in"],
  ["/admin/", "Django", "Django's admin"],
];

function Home() {
  const { me } = useMe();
  return (
    <Layout me={me} next="/">
      <span className="from frontend">from Vite, the frontend server</span>
      <h1>One origin, two servers</h1>
      <p className="lead">
        You opened <code>{location.origin}</code>, which is Django. Django does not know this page,
        so it fetched it from Vite and passed it on, each module of it too. Your browser sees one
        site: one session, and no CORS setting anywhere.
      </p>
      <section className="card">
        <h2>Who answers what</h2>
        <table>
          <thead>
            <tr><th>Path</th><th>Server</th><th>What it is</th></tr>
          </thead>
          <tbody>
            {paths.map(([path, server, what]) => (
              <tr key={path}>
                <td><a href={path}>{path}</a></td>
                <td>{server}</td>
                <td>{what}</td>
              </tr>
            ))}
            <tr><td>everything else</td><td>frontend</td><td>Pages, modules, pictures</td></tr>
          </tbody>
        </table>
      </section>
      <p className="small">
        The two logs in your terminal show which server answered each request.
      </p>
    </Layout>
  );
}

createRoot(document.querySelector("#root")).render(<Home />);

import Page from "../components/Page.jsx";

export default function Home() {
  return <Page />;
}

import { useEffect, useState } from "react";

// Django sets this cookie with the answer of /api/me/ and wants its value back with every POST.
export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

// Asks Django who is logged in. The path is relative, so page and API are one origin, and the
// session cookie goes along by itself. Gives { me, error }; both are null while we wait.
export function useMe(url = "/api/me/") {
  const [answer, setAnswer] = useState({ me: null, error: null });
  useEffect(() => {
    let current = true;
    fetch(url)
      .then((response) => response.json())
      .then((me) => current && setAnswer({ me, error: null }))
      .catch((error) => current && setAnswer({ me: null, error }));
    return () => { current = false; };
  }, [url]);
  return answer;
}

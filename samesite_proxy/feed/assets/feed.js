// The table over feed.json. What it shows is what others have sent: text, never HTML.

const MOST_ROWS = 2000;
const MOST_PROCESSES = 16;
const BUSY_MS = 250;
const QUIET_MS = 1000;
const LOST_MS = 2000;
// Whoever starts so much later belongs to another page.
const GAP_MS = 1000;

const element = (id) => document.getElementById(id);
const shown = new Map(); // by process and id, in the order of their coming
const positions = new Map(); // by process, how far it has been read
const people = new Set();
let isPaused = false;
let missed = 0; // which the ring has lost between two looks

function part(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

// A target is any bytes: of those that a shell, or the terminal that it is pasted into, would obey
// or change none is left, in quotes or not.
const harmless = (target) =>
  target.replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);

const canBeCopied = (row) => !row.cut && /^[!#-'*+.^_`|~\w-]+$/.test(row.method);

function curlOf(row) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const options = [];
  const target = harmless(row.target);
  const isPath = /^\/[^#]*$/.test(target);
  if (row.method === "HEAD") {
    options.push("--head");
  } else if (row.method !== "GET") {
    options.push("--request", quoted(row.method));
  }
  if (!isPath) { // Behind an authority it could become a part of that.
    options.push("--request-target", quoted(target));
  } else if (/[[\]{}]/.test(target)) {
    options.push("--globoff");
  }
  if (isPath && target.includes("/.")) {
    options.push("--path-as-is");
  }
  return ["curl", ...options, quoted(location.origin + (isPath ? target : "/"))].join(" ");
}

async function copy(row, button) {
  try {
    await navigator.clipboard.writeText(curlOf(row));
    button.textContent = "copied";
  } catch {
    button.textContent = "no clipboard";
  }
  setTimeout(() => (button.textContent = "curl"), 1000);
}

function makeLine(row) {
  const line = document.createElement("tr");
  const cells = Array.from({ length: 8 }, () => line.appendChild(document.createElement("td")));
  const bars = part("div", "line");
  for (const name of ["waiting", "answering", "body"]) {
    bars.append(part("i", name));
  }
  cells[6].append(bars);
  const button = part("button", "curl");
  button.type = "button";
  button.textContent = "curl";
  button.title = row.cut ? "The target is longer than what is kept" : "Copy as curl";
  button.disabled = !canBeCopied(row);
  cells[7].append(button);
  const entry = { line, cells, bars: [...bars.children], row };
  button.addEventListener("click", () => copy(entry.row, button));
  return entry;
}

const isFailed = (row) => row.error !== null || row.status >= 400;
const lasts = (row) => (row.done === null ? "open" : `${row.done} ms`);

function kindOf(row) {
  return row.who === "Django" ? "django" : row.who === "samesite_proxy" ? "ours" : "frontend";
}

function write(entry) {
  const { row, cells, line } = entry;
  const status = [row.status ?? "", row.error ?? ""].filter(String).join(" ");
  const texts = [row.method, row.target + (row.cut ? "…" : ""), status, row.who, row.bytes ?? "", lasts(row)];
  texts.forEach((text, index) => {
    cells[index].textContent = String(text);
    cells[index].title = String(text);
  });
  line.className = kindOf(row);
  line.classList.toggle("failed", isFailed(row));
}

function isWanted(row) {
  const text = element("text").value.trim().toLowerCase();
  const kind = element("kind").value;
  const all = `${row.method} ${row.target} ${row.who}`.toLowerCase();
  const isOfKind =
    kind === "" ||
    (kind === "open" && row.done === null) ||
    (kind === "failed" && isFailed(row)) ||
    String(row.status).startsWith(kind);
  const who = element("who").value;
  return isOfKind && all.includes(text) && (who === "" || who === row.who);
}

// One after the other, as a page asks for them; each page has a scale of its own.
function bursts() {
  const rows = [...shown.values()].sort((one, other) => one.row.at - other.row.at);
  const found = [];
  let newest = -Infinity;
  for (const entry of rows) {
    if (entry.row.at - newest > GAP_MS) {
      found.push([]);
    }
    found.at(-1).push(entry);
    newest = Math.max(newest, entry.row.at);
  }
  return found;
}

function place(bar, from, to, begin, span) {
  const left = Math.min(100, (100 * (from - begin)) / span);
  bar.style.left = `${left}%`;
  bar.style.width = `${Math.min(100 - left, Math.max(0, (100 * (to - from)) / span))}%`;
}

// How long an open one is drawn at least.
const longerThan = (row) => 1 + 1.5 * (row.first_byte ?? row.waiting ?? 0);

function draw(burst) {
  const begin = burst[0].row.at;
  const ends = burst.map(({ row }) => row.at + (row.done ?? longerThan(row)));
  const span = Math.max(1, Math.max(...ends) - begin);
  for (const { row, bars, line } of burst) {
    const end = row.at + (row.done ?? begin + span - row.at);
    const asked = row.at + (row.waiting ?? end - row.at);
    const answered = row.at + (row.first_byte ?? end - row.at);
    place(bars[0], row.at, asked, begin, span);
    place(bars[1], asked, answered, begin, span);
    place(bars[2], answered, end, begin, span);
    line.classList.remove("first");
  }
  burst[0].line.classList.add("first");
}

function filter() {
  let visible = 0;
  for (const { line, row } of shown.values()) {
    line.hidden = !isWanted(row);
    visible += line.hidden ? 0 : 1;
  }
  return visible;
}

function forgetOldest() {
  for (const [key, { line }] of shown) {
    if (shown.size <= MOST_ROWS) {
      return;
    }
    line.remove();
    shown.delete(key);
  }
}

function meet(who) {
  if (!people.has(who)) {
    people.add(who);
    const option = document.createElement("option");
    option.textContent = option.value = who;
    element("who").append(option);
  }
}

function take(process, row) {
  const key = `${process}.${row.id}`;
  let entry = shown.get(key);
  if (entry === undefined) {
    entry = makeLine(row);
    shown.set(key, entry);
    element("rows").append(entry.line);
  }
  entry.row = { ...row, at: entry.row.at };
  write(entry);
  meet(row.who);
}

function show(found) {
  const root = document.documentElement;
  const isAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 40;
  for (const row of found.rows) {
    take(found.process, row);
  }
  forgetOldest();
  bursts().forEach(draw);
  if (isAtEnd) {
    root.scrollTop = root.scrollHeight;
  }
}

function say(found) {
  missed += found.missed;
  const lost = missed > 0 ? `; ${missed} came and went unseen` : "";
  const whose = found.covers === "listener" ? "all requests" : `requests of process ${found.process}`;
  element("state").textContent = `${filter()} of ${shown.size} rows, ${whose}${lost}`;
}

function remember(next) {
  const run = next.slice(0, next.lastIndexOf(":"));
  positions.delete(run);
  positions.set(run, next);
  if (positions.size > MOST_PROCESSES) {
    positions.delete(positions.keys().next().value);
  }
}

async function look() {
  const after = encodeURIComponent([...positions.values()].join(","));
  const answer = await fetch(`feed.json?after=${after}`, { cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`${answer.status}`);
  }
  const found = await answer.json();
  remember(found.next);
  if (found.rows.length > 0) {
    show(found);
  }
  say(found);
  return found.rows.length > 0 ? BUSY_MS : QUIET_MS;
}

async function goOn() {
  let pause = QUIET_MS;
  if (!isPaused && !document.hidden) {
    try {
      pause = await look();
    } catch (error) {
      element("state").textContent = `No answer (${error.message}); it is asked for again.`;
      pause = LOST_MS;
    }
  }
  setTimeout(goOn, pause);
}

for (const id of ["text", "who", "kind"]) {
  element(id).addEventListener("input", filter);
}
element("pause").addEventListener("click", (event) => {
  isPaused = !isPaused;
  event.target.setAttribute("aria-pressed", String(isPaused));
  event.target.textContent = isPaused ? "Go on" : "Pause";
});
element("clear").addEventListener("click", () => {
  missed = 0;
  shown.clear();
  element("rows").replaceChildren();
});
goOn();

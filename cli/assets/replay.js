// Steps through a recorded session. A step is how many records have happened.
//
// Forwards, the frame's client is sent more; backwards, the frame begins anew.

const WINDOW = 200;
/** Nobody wants to watch somebody think. */
const PAUSE_MS_MAX = 1000;

const [about, view, slider, status, list, detail, play] = ["about", "view", "step", "status", "records", "detail", "play"].map((id) =>
  document.getElementById(id),
);
const get = async (path) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
};
const seconds = (ms) => `${(ms / 1000).toFixed(3)} s`;

const recording = await get("recording");
let step = 0;
/** The view in the frame, and where it is. */
let shown = { id: 0, step: Infinity };
/** The records from `from` on. */
let listed = { from: 0, records: [] };
let timer;
/** Steps are taken one after the other; only the newest counts. */
let queue = Promise.resolve();

function go(wanted) {
  step = Math.min(Math.max(wanted, 0), recording.count);
  slider.value = step;
  queue = queue.then(show);
  return queue;
}

async function show() {
  const at = step;
  await list_around(at);
  mark(at);
  if (at < shown.step) {
    shown = { id: Date.now() * 1000 + Math.floor(Math.random() * 1000), step: at };
    await put(shown);
    // The history holds the page, not its steps.
    view.contentWindow.location.replace(new URL(`views/${shown.id}`, location.href));
  } else if (at > shown.step) {
    shown.step = at;
    await put(shown);
  }
}

const put = ({ id, step }) => fetch(`views/${id}/${step}`, { method: "PUT" });

/** Lists the records around a step, unless they are listed already. */
async function list_around(at) {
  const { from, records } = listed;
  const isListed = records.length && at - 1 >= from && at - 1 < from + records.length;
  if (isListed || (at === 0 && records.length && from === 0)) return;
  const start = Math.max(0, Math.min(at - WINDOW / 2, recording.count - WINDOW));
  listed = { from: start, records: await get(`records?from=${start}&count=${WINDOW}`) };
  list.start = start + 1;
  list.replaceChildren(...listed.records.map((record, index) => item(record, start + index + 1)));
}

function item({ at, kind, text }, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.step = number;
  button.append(
    ...[seconds(at), kind, text.split("\n", 1)[0]].map((part) => Object.assign(document.createElement("span"), { textContent: part })),
  );
  button.onclick = () => {
    pause();
    go(number);
  };
  const entry = document.createElement("li");
  entry.append(button);
  return entry;
}

function mark(at) {
  for (const button of list.querySelectorAll("button")) {
    const number = Number(button.dataset.step);
    button.classList.toggle("later", number > at);
    if (number === at) {
      button.setAttribute("aria-current", "step");
      // Within the list alone: the page stays where it is.
      const { offsetTop, offsetHeight } = button;
      const top = offsetTop - list.offsetTop;
      if (top < list.scrollTop || top + offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
    } else {
      button.removeAttribute("aria-current");
    }
  }
  const record = listed.records[at - 1 - listed.from];
  detail.textContent = record ? record.text : "The page as it was first served.";
  const when = record ? ` · ${seconds(record.at)} · ${record.kind} · version ${record.version}` : " · the first page";
  status.textContent = `Step ${at} of ${recording.count}${when}`;
  slider.setAttribute("aria-valuetext", status.textContent);
  document.getElementById("first").disabled = document.getElementById("previous").disabled = at === 0;
  document.getElementById("next").disabled = document.getElementById("last").disabled = at === recording.count;
}

function pause() {
  clearTimeout(timer);
  timer = undefined;
  play.textContent = "Play";
  play.setAttribute("aria-pressed", "false");
}

async function start() {
  play.textContent = "Pause";
  play.setAttribute("aria-pressed", "true");
  timer = -1;
  if (step === recording.count) await go(0);
  tick();
}

/** Takes the next step after as long as it took then, but for long pauses. */
async function tick() {
  if (timer === undefined) return;
  if (step === recording.count) return pause();
  await list_around(step + 1);
  const { from, records } = listed;
  const wait = records[step - from].at - (records[step - 1 - from]?.at ?? 0);
  timer = setTimeout(() => go(step + 1).then(tick), Math.min(Math.max(wait, 0), PAUSE_MS_MAX));
}

const toggle = () => (timer === undefined ? start() : pause());
const by = (target) => () => {
  pause();
  go(target());
};
const moves = {
  first: by(() => 0),
  previous: by(() => step - 1),
  next: by(() => step + 1),
  last: by(() => recording.count),
};
for (const [id, move] of Object.entries(moves)) document.getElementById(id).onclick = move;
play.onclick = toggle;
slider.oninput = by(() => Number(slider.value));

const KEYS = { ArrowLeft: moves.previous, ArrowRight: moves.next, Home: moves.first, End: moves.last, " ": toggle };
document.addEventListener("keydown", (event) => {
  const { key, target, altKey, ctrlKey, metaKey, shiftKey } = event;
  if (altKey || ctrlKey || metaKey || shiftKey) return;
  // The slider has arrows of its own, and a button is pressed by the space bar.
  const isTaken = target === slider ? key !== " " : key === " " && target.closest("button");
  if (isTaken || !KEYS[key]) return;
  event.preventDefault();
  KEYS[key]();
});

const { file, component, started, end, is_redacted } = recording;
about.textContent = [component, file, started, is_redacted && "secret fields redacted", end].filter(Boolean).join(" · ");
document.title = `${file} · Lightspeed`;
slider.max = recording.count;
slider.disabled = recording.count === 0;
go(0);

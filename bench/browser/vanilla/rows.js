const tbody = document.querySelector("#tbody");
const template = document.querySelector("#row").content.firstElementChild;
/** The rows' elements by id. */
const rows = new Map();
let selected;

const socket = new WebSocket(`ws://${location.host}/rows`);
socket.onopen = () => document.documentElement.classList.add("ready");
socket.onmessage = ({ data }) => {
  const [[name, value]] = Object.entries(JSON.parse(data));
  changes[name](value);
};

const send = (message) => socket.send(JSON.stringify(message));

document.querySelector(".jumbotron").addEventListener("click", ({ target }) => {
  if (target.id) send({ do: target.id });
});

tbody.addEventListener("click", ({ target }) => {
  const link = target.closest("a");
  if (!link) return;
  const cell = link.parentNode;
  const row = cell.parentNode;
  send({ do: cell === row.children[1] ? "select" : "remove", id: row.rowId });
});

const changes = {
  create(list) {
    changes.clear();
    changes.append(list);
  },
  append(list) {
    const fragment = new DocumentFragment();
    for (const [id, label] of list) {
      const row = template.cloneNode(true);
      const first = row.firstChild;
      first.textContent = id;
      first.nextSibling.firstChild.textContent = label;
      row.rowId = id;
      rows.set(id, row);
      fragment.append(row);
    }
    tbody.append(fragment);
  },
  update(list) {
    for (const [id, label] of list) rows.get(id).firstChild.nextSibling.firstChild.firstChild.data = label;
  },
  clear() {
    rows.clear();
    selected = undefined;
    tbody.textContent = "";
  },
  swap([first, second]) {
    const [one, other] = [rows.get(first), rows.get(second)];
    const after = one.nextSibling;
    tbody.insertBefore(one, other);
    tbody.insertBefore(other, after);
  },
  select(id) {
    if (selected) selected.className = "";
    selected = rows.get(id);
    selected.className = "danger";
  },
  remove(id) {
    rows.get(id).remove();
    rows.delete(id);
  },
};

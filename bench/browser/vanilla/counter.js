const count = document.querySelector("#count");
const socket = new WebSocket(`ws://${location.host}/counter`);
socket.onopen = () => document.documentElement.classList.add("ready");
socket.onmessage = ({ data }) => (count.textContent = JSON.parse(data).count);
document.querySelector("#dec").onclick = () => socket.send(JSON.stringify({ by: -1 }));
document.querySelector("#inc").onclick = () => socket.send(JSON.stringify({ by: 1 }));

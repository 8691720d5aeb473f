// Runs before the terminal's script, which connects to the address in its element.
const socket = new URL("ws", window.location.href);
socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
const terminal = document.getElementById("terminal");
terminal.dataset.sessionWebsocketUrl = socket.href;
const size = new URLSearchParams(window.location.search).get("fontsize");
if (/^\d{1,2}$/.test(size ?? "")) terminal.dataset.fontSize = size;
document.getElementById("again").onclick = () => window.location.reload();

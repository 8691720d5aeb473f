// Runs before the terminal's script, which connects to the address in its element.
const socket = new URL("ws", window.location.href);
socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
const terminal = document.getElementById("terminal");
terminal.dataset.sessionWebsocketUrl = socket.href;
const size = new URLSearchParams(window.location.search).get("fontsize");
if (/^\d{1,2}$/.test(size ?? "")) terminal.dataset.fontSize = size;
document.getElementById("again").onclick = () => window.location.reload();

// What is typed goes to the terminal from the start, and again when the page comes back.
const focusTerminal = () => terminal.querySelector("textarea")?.focus({ preventScroll: true });
new MutationObserver(focusTerminal).observe(terminal, { childList: true, subtree: true });
window.addEventListener("focus", focusTerminal);
window.addEventListener("click", focusTerminal);

// Keys that browsers act on are the client's, except those for copying, pasting and the page's size.
const isPaste = (event) =>
  (event.ctrlKey && event.key.toLowerCase() === "v") || (event.shiftKey && event.key === "Insert");
const isBrowsers = (event) =>
  event.metaKey ||
  ["F11", "F12"].includes(event.key) ||
  (event.ctrlKey && ["c", "i"].includes(event.key.toLowerCase()) && event.shiftKey) ||
  (event.ctrlKey && ["+", "-", "=", "0"].includes(event.key));
window.addEventListener(
  "keydown",
  (event) => {
    if (event.isComposing) return;
    if (isPaste(event) || isBrowsers(event)) event.stopPropagation();
    else if (event.ctrlKey || event.altKey || /^F\d+$/.test(event.key)) event.preventDefault();
  },
  { capture: true },
);

// Browsers keep Ctrl+N, T and W, except in full screen. Elsewhere, ask before the page is closed.
document.addEventListener("fullscreenchange", () => {
  if (document.fullscreenElement) navigator.keyboard?.lock?.();
  else navigator.keyboard?.unlock?.();
});
window.addEventListener("beforeunload", (event) => {
  const isRunning = document.body.classList.contains("-first-byte");
  if (isRunning && !document.body.classList.contains("-closed")) event.preventDefault();
});

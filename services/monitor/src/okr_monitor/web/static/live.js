// Says so when the page has lost its server, and takes it back when the stream brings something again.
(() => {
  const SILENT_MS = 30000; // the monitor looks, and then speaks, every few seconds
  const lost = (is) => { document.getElementById("lost").hidden = !is; };
  let heard = Date.now();
  const alive = () => { heard = Date.now(); lost(false); };
  document.addEventListener("htmx:sse:after:connection", alive);
  document.addEventListener("htmx:sse:after:message", alive);
  document.addEventListener("htmx:sse:error", () => lost(true));
  document.addEventListener("htmx:error", () => lost(true));
  document.addEventListener("visibilitychange", () => { heard = Date.now(); }); // a hidden page does not listen
  setInterval(() => { if (!document.hidden && Date.now() - heard > SILENT_MS) lost(true); }, 1000);
})();

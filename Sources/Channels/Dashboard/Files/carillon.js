// Improves pages that are complete without it: what changes is shown as it changes, logs go on, keys lead about.
"use strict";
(() => {
  const root = document.documentElement;
  const one = (text, within = document) => within.querySelector(text);
  const all = (text, within = document) => [...within.querySelectorAll(text)];
  root.classList.add("js");

  // The reader's zone, for the times that are told beside the job's own.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = "carillon-zone=" + encodeURIComponent(zone);
  if (zone && !document.cookie.split("; ").includes(cookie)) {
    document.cookie = cookie + "; Path=/; SameSite=Lax; Max-Age=31536000";
  }

  const sending = one("form[data-submit]");
  if (sending) {
    // What the link says is nobody's business any more.
    history.replaceState(null, "", "/login");
    sending.requestSubmit();
    return;
  }

  // Once a day has passed nobody wants to read "in 3 h" of yesterday.
  const rough = seconds =>
    seconds < 120 ? seconds + " s" : seconds < 7200 ? Math.floor(seconds / 60) + " min"
    : seconds < 172800 ? Math.floor(seconds / 3600) + " h" : Math.floor(seconds / 86400) + " d";
  const tick = () => {
    for (const part of all("[data-time]")) {
      const seconds = Math.round((Date.parse(part.dataset.time) - Date.now()) / 1000);
      if (Math.abs(seconds) >= 63072000) continue;
      part.textContent = Math.abs(seconds) < 1 ? "now" : seconds > 0 ? "in " + rough(seconds) : rough(-seconds) + " ago";
    }
  };
  setInterval(tick, 1000);

  // Only one of these is open, and a click elsewhere or Escape closes it.
  const opened = () => all("details.menu[open], details.ask[open]");
  document.addEventListener("click", event => {
    for (const part of opened()) if (!part.contains(event.target)) part.open = false;
  });

  // MARK: Live

  const state = one("#state");
  const say = words => { if (state && state.textContent !== words) state.textContent = words; };
  let isHeld = false, isStale = false, isAsking = false, source = null, retry = 1000, last = 0;

  // Whatever somebody has under their hands stays as it is.
  const isInUse = part =>
    part.contains(document.activeElement) && document.activeElement !== document.body || one("details[open]", part) ||
    (getSelection().type === "Range" && part.contains(getSelection().anchorNode));

  const refresh = async () => {
    if (isHeld || isAsking || document.hidden) { isStale = true; return; }
    isAsking = true;
    isStale = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all("[data-part]")) {
        const next = fresh.getElementById(part.id);
        if (!next || next.innerHTML === part.innerHTML) continue;
        if (isInUse(part)) { isStale = true; continue; }
        const open = all("details[open] > summary", part).map(one => one.textContent);
        const known = new Set(all("[data-key]", part).map(row => row.dataset.key));
        part.replaceChildren(...next.childNodes);
        for (const summary of all("details > summary", part)) {
          if (open.includes(summary.textContent)) summary.parentElement.open = true;
        }
        for (const row of all("[data-key]", part)) if (known.size && !known.has(row.dataset.key)) row.classList.add("fresh");
      }
    } catch { isStale = true; }
    isAsking = false;
  };

  // At most once a second, and once more for what came meanwhile.
  let waiting = 0;
  const changed = () => {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = 0; refresh(); }, Math.max(100, last + 1000 - Date.now()));
  };

  const listen = () => {
    if (source || document.hidden || isHeld) return;
    source = new EventSource("/api/v1/events");
    source.onopen = () => { retry = 1000; say("● live"); };
    for (const kind of ["run", "skip", "job", "reset"]) source.addEventListener(kind, changed);
    source.onerror = () => {
      source.close();
      source = null;
      say("○ not connected");
      setTimeout(listen, retry);
      retry = Math.min(30000, retry * 2);
    };
  };
  const mute = () => { if (source) source.close(); source = null; };
  const hold = () => {
    isHeld = !isHeld;
    if (isHeld) { mute(); say("‖ held still"); } else { listen(); refresh(); }
  };
  if ("live" in document.body.dataset) {
    listen();
    setInterval(() => { if (isStale) changed(); }, 3000);
    // What no event tells of: times pass.
    setInterval(changed, 30000);
    // Browsers open only so many streams; a page that nobody sees needs none.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { mute(); } else { listen(); changed(); }
    });
  }

  // MARK: The editor

  const editor = one("#editor");
  if (editor) {
    let timer = 0, asked = null;
    editor.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        // Only the last question counts.
        if (asked) asked.abort();
        asked = new AbortController();
        try {
          const body = new URLSearchParams(new FormData(editor));
          const answer = await fetch("/editor", { method: "POST", body, headers: { Accept: "text/html" }, signal: asked.signal });
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
          const part = one("#preview"), isOpen = one("details", part).open;
          if (!fresh) return;
          part.replaceChildren(...fresh.childNodes);
          one("details", part).open = isOpen;
        } catch { /* another question, or nobody there */ }
      }, 150);
    });
  }

  // MARK: Logs

  const log = one("#log[data-tail]");
  if (log) {
    const following = one("#following"), wrap = one("#wrap");
    const most = 1 << 20;
    let place = Number(log.dataset.from), pause = 1000, isOver = false;
    // As the server does it with the beginning: what only a terminal understands is left out.
    const plain = text => text.replace(/\x1b\[[0-?]*[ -\/]*[@-~]|\x1b[^[]|[\x00-\x08\x0b-\x1f\x7f]/g, "");
    const down = () => { if (following.checked) log.scrollTop = log.scrollHeight; };
    wrap.addEventListener("change", () => log.classList.toggle("wrapped", wrap.checked));
    following.addEventListener("change", down);
    log.addEventListener("wheel", event => { if (event.deltaY < 0) following.checked = false; }, { passive: true });
    let pieces = [], isDrawing = false;
    const draw = () => {
      isDrawing = false;
      log.append(pieces.join(""));
      pieces = [];
      log.normalize();
      // A page holds no more than this; the whole has a link.
      const text = log.firstChild;
      if (text && text.length > most) {
        const cut = text.data.indexOf("\n", text.length - most) + 1;
        text.data = "… what came before is in the whole\n" + text.data.slice(cut || text.length - most);
      }
      down();
    };
    const add = words => {
      pieces.push(words);
      if (!isDrawing) { isDrawing = true; requestAnimationFrame(draw); }
    };
    const follow = () => {
      if (document.hidden || isOver) return;
      const stream = new EventSource(log.dataset.tail + "?from=" + place);
      const end = () => { stream.close(); document.removeEventListener("visibilitychange", leave); };
      const leave = () => {
        if (!document.hidden) return;
        end();
        document.addEventListener("visibilitychange", follow, { once: true });
      };
      document.addEventListener("visibilitychange", leave);
      stream.addEventListener("output", event => {
        pause = 1000;
        const data = JSON.parse(event.data);
        place = Number(event.lastEventId) || place;
        add(plain(data.text));
      });
      stream.addEventListener("end", () => { isOver = true; end(); changed(); });
      stream.onerror = () => { end(); setTimeout(follow, pause); pause = Math.min(30000, pause * 2); };
    };
    follow();
    down();
  }

  // MARK: Keys

  const dialog = one("#keys"), off = one("#keys-off");
  off.checked = localStorage.getItem("keys") === "off";
  off.addEventListener("change", () => localStorage.setItem("keys", off.checked ? "off" : "on"));
  const places = { n: "/", j: "/jobs", r: "/runs", f: "/forecast", s: "/system" };
  let isGoing = 0;
  const step = by => {
    const rows = all("tbody tr[tabindex]");
    const here = rows.indexOf(document.activeElement && document.activeElement.closest("tr"));
    const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") { for (const part of opened()) { part.open = false; one("summary", part).focus(); } return; }
    const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || dialog.open || off.checked && event.key !== "?") return;
    if (isGoing && Date.now() - isGoing < 1500 && places[event.key]) { location.href = places[event.key]; return; }
    isGoing = 0;
    switch (event.key) {
      case "/": { const field = one("#search"); if (field) { field.focus(); event.preventDefault(); } break; }
      case "?": dialog.showModal(); break;
      case "g": isGoing = Date.now(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case ".": if ("live" in document.body.dataset) hold(); break;
      case "Enter": {
        const row = event.target.closest("tbody tr[tabindex]");
        const link = row && row === event.target && (one(".name a", row) || one("a", row));
        if (link) link.click();
      }
    }
  });
})();

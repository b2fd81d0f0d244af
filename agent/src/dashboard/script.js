// The dashboard, live. Without this file the page is whole and can be read, and every act has a page of its own.
//
// It replaces elements by what the agent has drawn, counts ages, says so when nothing comes any more, and opens the
// pages of acts in a dialog. It makes no markup out of anything but what its own agent sends.
"use strict";
(() => {
  const main = document.getElementById("main");
  // Only the front page is live.
  if (!main?.dataset.live) return;

  // A frame comes every second: without one for so long, in milliseconds, what is shown is old.
  const SILENCE = 3500;
  // Between two tries to reach the agent again.
  const RETRY = 1000;
  // A page that nobody sees gives its connection back after this.
  const UNSEEN = 60000;
  // Between two looks at what came of an act.
  const PENDING = 500;

  const node = main.dataset.node;
  let source, retry, unseen;
  let heard = Date.now();
  // Of the agent's clock, ahead of ours.
  let skew = 0;
  // What a pointer is down on, and the elements that wait for it, by id.
  let pressed = null;
  const late = new Map();

  // ---- what is shown -------------------------------------------------------------------------------------------

  function show(message) {
    if (message.build !== main.dataset.build) return location.reload();
    heard = Date.now();
    skew = message.now - heard;
    // Sections before the cells in them: a section brings its cells along.
    for (const [id, markup] of Object.entries(message.parts)) replace(id, markup);
    stale(false);
    ages();
    document.getElementById("asof").textContent = utc(message.now);
    document.getElementById("liveness").textContent = " · live";
  }

  function replace(id, markup) {
    const old = document.getElementById(id);
    if (!old) return;
    // What is being clicked on stays until it has been.
    if (old.contains(pressed)) return late.set(id, markup);
    late.delete(id);
    const focus = old.contains(document.activeElement) ? place(document.activeElement) : null;
    old.outerHTML = markup;
    if (focus) document.querySelector(focus)?.focus();
  }

  document.addEventListener("pointerdown", (event) => { pressed = event.target; });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => {
      pressed = null;
      for (const [id, markup] of late) replace(id, markup);
    }));
  }

  // How to find a link or button again after its section was drawn anew.
  function place(element) {
    if (element.id) return "#" + CSS.escape(element.id);
    const href = element.getAttribute("href");
    return href ? `a[href="${CSS.escape(href)}"]` : null;
  }

  function utc(millis) {
    return new Date(millis).toISOString().slice(0, 19).replace("T", " ");
  }

  function ages() {
    const now = Date.now() + skew;
    for (const span of document.querySelectorAll(".age")) {
      const text = " (" + words(Math.max(0, now - Date.parse(span.dataset.from))) + ")";
      if (span.textContent !== text) span.textContent = text;
    }
  }

  function words(millis) {
    const all = Math.floor(millis / 1000);
    const [d, h, m, s] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60, all % 60];
    if (d) return `${d} d ${h} h`;
    if (h) return `${h} h ${m} min`;
    return m ? `${m} min ${s} s` : `${s} s`;
  }

  // ---- nothing stale looks alive -------------------------------------------------------------------------------

  function stale(is) {
    if (is === document.body.classList.contains("stale")) return;
    document.body.classList.toggle("stale", is);
    document.getElementById("stale").hidden = !is;
    if (!is) return;
    document.getElementById("liveness").textContent = " · no word since";
    const last = utc(heard + skew).slice(11);
    const why = document.getElementById("silence");
    why.textContent = `No word from ${node} since ${last} UTC. What you see is how it was then. Others may know more:`;
    // The others may know more.
    const others = document.querySelectorAll("#others a");
    const list = document.getElementById("elsewhere");
    list.replaceChildren(...[...others].map((link) => link.cloneNode(true)));
  }

  setInterval(() => {
    if (!document.hidden && Date.now() - heard > SILENCE) stale(true);
    if (!document.body.classList.contains("stale")) ages();
  }, 500);

  // ---- the stream ----------------------------------------------------------------------------------------------

  function listen() {
    clearTimeout(retry);
    source?.close();
    // No number on a later try: the agent may be another run, and sends everything.
    source = new EventSource(source ? main.dataset.live.split("?")[0] : main.dataset.live);
    source.onmessage = (event) => show(JSON.parse(event.data));
    source.onerror = () => {
      // The browser tries by itself only after some failures; this tries after all.
      source.close();
      clearTimeout(retry);
      retry = setTimeout(listen, RETRY);
      leave();
    };
  }

  // Whoever may look no longer is shown where to log in, and nothing of what was to be seen. Refused otherwise, it may be
  // that the agent has just come and has not read yet who may: this page waits.
  function leave() {
    fetch(location.href, { method: "HEAD" }).then((answer) => {
      if (answer.status === 401) location.reload();
    }).catch(() => {});
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(unseen);
    if (document.hidden) {
      unseen = setTimeout(() => { clearTimeout(retry); source.close(); }, UNSEEN);
    } else if (source.readyState === EventSource.CLOSED) {
      listen();
    }
  });

  // ---- acts: their pages, in a dialog --------------------------------------------------------------------------

  const dialog = document.getElementById("ask");
  let opener, pending;
  // Counts what was asked for: an answer that comes after something else was asked for, or after the end, is late.
  let asked = 0;

  async function fetched(url, options) {
    const mine = ++asked;
    const answer = await fetch(url, options);
    const text = await answer.text();
    if (mine !== asked) return;
    // Turned away before the page was asked: it says why.
    if (answer.headers.get("content-type")?.startsWith("application/json")) return say(JSON.parse(text).error);
    const page = new DOMParser().parseFromString(text, "text/html");
    const content = page.getElementById("main");
    // A page to sign in, or a proxy's: that is no answer to be shown here.
    if (!content) throw new Error("no page of ours");
    // What is for readers without JavaScript is markup to a parser: it would have this page loaded again.
    for (const other of content.querySelectorAll("noscript")) other.remove();
    dialog.replaceChildren(...content.children);
    clearTimeout(pending);
    if (dialog.querySelector(".pending")) {
      pending = setTimeout(() => fetched(answer.url).catch(lost), PENDING);
    }
    const first = dialog.querySelector("select, input:not([type=hidden]), button, a");
    if (!dialog.contains(document.activeElement)) first?.focus();
  }

  function lost() {
    say(`No answer from ${node}. Whether it was done is not known; what is shown elsewhere will tell.`);
  }

  function say(words) {
    const text = document.createElement("p");
    text.className = "banner bad";
    text.role = "status";
    text.textContent = words;
    dialog.append(text);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (dialog.contains(link) && link.matches(".back")) {
      event.preventDefault();
      return dialog.close();
    }
    // Links in pictures have no path of their own.
    if (!link.pathname?.startsWith("/dashboard/ask/") || link.origin !== location.origin) return;
    event.preventDefault();
    if (!dialog.open) {
      opener = place(link);
      dialog.replaceChildren();
    }
    fetched(link.href).then(() => dialog.open || dialog.showModal()).catch(() => { location.href = link.href; });
  });

  document.addEventListener("submit", (event) => {
    if (!dialog.contains(event.target)) return;
    event.preventDefault();
    const form = event.target;
    for (const button of dialog.querySelectorAll("button")) button.disabled = true;
    fetched(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(lost);
  });

  dialog.addEventListener("close", () => {
    clearTimeout(pending);
    asked += 1;
    // Its section may have been drawn anew meanwhile.
    if (opener) document.querySelector(opener)?.focus();
  });

  listen();
})();
